"""Makes the emulator of the builder root: QEMU's, with lend.asm in front of its first instruction.

Usage: make_emulator.py ASSEMBLY QEMU OUTPUT
It is one program and not two because the kernel starts it wherever a program of another machine is started: in a root
that has neither of them, where a second one could not be found. The code is a segment of its own, for which the note
with the program's build id gives up its header; the rest of the file stays byte for byte what it is.
"""

import os
import struct
import subprocess
import sys
import tempfile

PAGE = 4096
PT_LOAD, PT_NOTE = 1, 4
READ_EXECUTE = 5
HEADER = struct.Struct('<IIQQQQQQ')


def assemble(source: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, 'code')
        subprocess.run(['nasm', '-f', 'bin', '-o', output, source], check=True)
        with open(output, 'rb') as file:
            return file.read()


def joined(program: bytes, code: bytes) -> bytes:
    """The program with the code, which ends with a jump that lacks its target, run first. Throws ValueError."""
    if program[:6] != b'\x7fELF\x02\x01':
        raise ValueError('the emulator is no 64-bit ELF program')
    (entry, table) = struct.unpack_from('<QQ', program, 24)
    (size, count) = struct.unpack_from('<HH', program, 54)
    headers = [HEADER.unpack_from(program, table + number * size) for number in range(count)]
    note = next((number for number, header in enumerate(headers) if header[0] == PT_NOTE), None)
    if note is None:
        raise ValueError('the emulator has no note whose header could be taken')
    end = max(header[3] + header[6] for header in headers if header[0] == PT_LOAD)
    # With a page between them, what the program has after its last segment stays zero.
    address = -(-end // PAGE) * PAGE + PAGE
    code += struct.pack('<i', entry - (address + len(code) + 4))
    offset = -(-len(program) // PAGE) * PAGE
    result = bytearray(program.ljust(offset, b'\0') + code)
    segment = (PT_LOAD, READ_EXECUTE, offset, address, address, len(code), len(code), PAGE)
    HEADER.pack_into(result, table + note * size, *segment)
    struct.pack_into('<Q', result, 24, address)
    return bytes(result)


def main() -> None:
    source, qemu, output = sys.argv[1:]
    with open(qemu, 'rb') as file:
        program = file.read()
    with open(output, 'wb') as file:
        file.write(joined(program, assemble(source)))
    os.chmod(output, 0o755)


main()
