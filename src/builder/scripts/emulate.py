"""Runs a command in a sandbox in which programs of another machine run, too.

Usage: emulate.py MACHINE COMMAND...
Ends with code 1 and the reason on standard error when they cannot; else as the command does, which takes its place.

The kernel starts the emulator of the builder root in their place (binfmt_misc). With flag F it holds the emulator open, so
that they run in the image's root as well, which has nothing of it; with C programs that change their user do so; with P
they see their own names. From Linux 6.7 on a user namespace has handlers of its own: this one is the sandbox's, and goes
with its last process. Before, there are only those of the host; one that is there is used when it has flag F.

Emulation makes starting a program about twenty times as dear, and computing ten times. So the sandbox lends programs of
the builder root, which the emulator starts in place of those of the same path in the image (see lend.asm). They lie in a file
system of their own below /dev, which every root shares, together with their libraries. Nothing of it is in the image. They are
copies: a script that cleans up everywhere may even remove them, and everything is emulated from then on.

Only such programs are lent whose result is the same whatever their version and machine. So none that
- interprets what a recipe or package says: shells, perl, python, awk;
- speaks of the machine or the system: uname, arch, dpkg, rpm, ldconfig, depmod, systemctl;
- looks up users and groups, which an image may keep where only its own libraries find them: tar, chown, install, id, ls;
- sorts or compares by locale: sort.
"""

import os
import shutil
import subprocess
import sys
import tempfile

EMULATOR = '/usr/lib/kiln/emulate-{}'
HANDLERS = '/run/kiln-binfmt'
# Both are also in lend.asm.
LENT = '/dev/kiln'
LOADER = f'{LENT}/loader'
LENT_PROGRAMS = [
    *('bzip2', 'gzip', 'xz', 'zstd', 'dpkg-deb', 'dpkg-split', 'cmp', 'diff', 'grep', 'sed'),
    *('basename', 'cat', 'chmod', 'cp', 'cut', 'dirname', 'echo', 'env', 'false', 'head', 'ln', 'mkdir', 'mktemp', 'mv'),
    *('printf', 'readlink', 'realpath', 'rm', 'rmdir', 'seq', 'sleep', 'sync', 'tail', 'tee', 'test', 'touch', 'tr'),
    *('true', 'uniq', 'wc'),
]
# An image has everything in /usr, or what a system needs to start in /bin.
FOLDERS = ('/usr/bin', '/bin')

ELF_HEADER = b'\x7fELF\x02\x01\x01' + bytes(9)
MACHINES = {'aarch64': 183}
# mov x0, #42; mov x8, #93 (exit); svc #0
PROBES = {'aarch64': bytes.fromhex('400580d2 a80b80d2 010000d4')}
PROBE_CODE = 42


def handler(machine: str) -> str:
    """A line for the kernel: ELF programs and shared objects, of any operating system's ABI, for the machine."""
    magic = ELF_HEADER + b'\x02\x00' + MACHINES[machine].to_bytes(2, 'little')
    mask = b'\xff' * 7 + b'\x00' + b'\xff' * 8 + b'\xfe\xff\xff\xff'
    words = [''.join(f'\\x{byte:02x}' for byte in each) for each in (magic, mask)]
    return f':kiln-{machine}:M::{words[0]}:{words[1]}:{EMULATOR.format(machine)}:FCP'


def register(machine: str) -> str | None:
    """Gives what kept the sandbox from having a handler of its own."""
    os.makedirs(HANDLERS, exist_ok=True)
    mounted = subprocess.run(['mount', '-t', 'binfmt_misc', 'binfmt_misc', HANDLERS], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        return mounted.stderr.strip()
    try:
        with open(f'{HANDLERS}/register', 'w', encoding='ascii') as file:
            file.write(handler(machine))
    except OSError as error:
        return f'{EMULATOR.format(machine)}: {error.strerror}'
    return None


def lend() -> None:
    """Lays the programs out before anything of the image runs: they are the builder's own still."""
    loader = os.path.realpath('/lib64/ld-linux-x86-64.so.2')
    os.makedirs(f'{LENT}', exist_ok=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755,nosuid,nodev,size=64m', 'kiln', LENT], check=True)
    os.makedirs(f'{LENT}/libraries')
    shutil.copy(loader, LOADER)
    for name in LENT_PROGRAMS:
        program = os.path.realpath(shutil.which(name))
        for library, path in libraries(loader, program):
            copy = f'{LENT}/libraries/{library}'
            if not os.path.exists(copy):
                shutil.copy(path, copy)
        first = f'{LENT}/programs{FOLDERS[0]}/{name}'
        os.makedirs(os.path.dirname(first), exist_ok=True)
        shutil.copy(program, first)
        for folder in FOLDERS[1:]:
            os.makedirs(f'{LENT}/programs{folder}', exist_ok=True)
            os.link(first, f'{LENT}/programs{folder}/{name}')


def libraries(loader: str, program: str):
    listed = subprocess.run([loader, '--list', program], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        name, arrow, rest = line.strip().partition(' => ')
        if arrow and '/' not in name:
            yield name, rest.partition(' (')[0]


def probe(machine: str) -> bool:
    """Whether a program of the machine runs in a root that holds nothing else."""
    code = PROBES[machine]
    header = ELF_HEADER + (2).to_bytes(2, 'little') + MACHINES[machine].to_bytes(2, 'little') + (1).to_bytes(4, 'little')
    base, size = 0x400000, 64 + 56 + len(code)
    header += b''.join(value.to_bytes(8, 'little') for value in (base + 120, 64, 0))
    header += bytes(4) + b''.join(value.to_bytes(2, 'little') for value in (64, 56, 1, 0, 0, 0))
    segment = (1).to_bytes(4, 'little') + (5).to_bytes(4, 'little')
    segment += b''.join(value.to_bytes(8, 'little') for value in (0, base, base, size, size, 4096))
    with tempfile.TemporaryDirectory() as root:
        with open(f'{root}/probe', 'wb') as file:
            file.write(header + segment + code)
        os.chmod(f'{root}/probe', 0o755)
        try:
            return subprocess.run(['/probe'], preexec_fn=lambda: os.chroot(root), cwd='/', check=False).returncode == PROBE_CODE
        except OSError:
            return False


def main() -> None:
    machine, *command = sys.argv[1:]
    problem = register(machine)
    if not probe(machine):
        own = problem or 'it was refused'
        sys.exit(
            f'programs of {machine} do not run here: the sandbox cannot have a handler of its own for them ({own}; Linux '
            f'{os.uname().release}, which can from 6.7 on), and the host has none with flag F'
        )
    lend()
    os.execvp(command[0], command)


main()
