"""Reads what the loader wants to know of a program or library. Source of the numbers: elf(5)."""

import struct

# Of 64 bits, least significant byte first.
MAGIC = b'\x7fELF\x02\x01'
ET_EXEC, ET_DYN = 2, 3
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH, DT_FLAGS_1 = 1, 5, 15, 29, 0x6FFFFFFB
DF_1_PIE = 0x08000000


class Elf:
    """What the loader wants to know of a program or library. Raises ValueError or struct.error for what is neither."""

    def __init__(self, data) -> None:
        if data[:6] != MAGIC:
            raise ValueError('no ELF file of 64 bits')
        kind, self.machine, table = struct.unpack_from('<HH12xQ', data, 16)
        size, count = struct.unpack_from('<HH', data, 54)
        headers = [struct.unpack_from('<IIQQQQQQ', data, table + number * size) for number in range(count)]
        self.loads = [(header[3], header[2], header[5]) for header in headers if header[0] == PT_LOAD]
        if kind not in (ET_EXEC, ET_DYN) or not self.loads:
            raise ValueError('no loader is asked for this')
        self.interpreter = None
        self.is_program = kind == ET_EXEC
        self.needed, self.rpath, self.runpath = [], [], []
        for header in headers:
            if header[0] == PT_INTERP:
                self.interpreter = text(data, header[2])
                self.is_program = True
            if header[0] == PT_DYNAMIC:
                self.read_dynamic(data, header[2], header[5])

    def read_dynamic(self, data, start: int, length: int) -> None:
        tags = []
        for at in range(start, start + length - 15, 16):
            tags.append(struct.unpack_from('<QQ', data, at))
            if tags[-1][0] == 0:
                break
        address = next(value for tag, value in [*tags, (DT_STRTAB, 0)] if tag == DT_STRTAB)
        strings = next(address - begin + offset for begin, offset, size in [*self.loads, (0, 0, 1 << 64)] if begin <= address < begin + size)
        for tag, value in tags:
            if tag == DT_NEEDED:
                self.needed.append(text(data, strings + value))
            if tag == DT_FLAGS_1 and value & DF_1_PIE:
                self.is_program = True
            if tag == DT_RPATH:
                self.rpath = text(data, strings + value).split(':')
            if tag == DT_RUNPATH:
                self.runpath = text(data, strings + value).split(':')


def text(data, at: int) -> str:
    end = data.find(b'\0', at)
    if end < 0:
        raise ValueError('a text without an end')
    return data[at:end].decode('utf-8', 'replace')


def elf_of(data) -> Elf | None:
    try:
        return Elf(data)
    except (ValueError, struct.error):
        return None
