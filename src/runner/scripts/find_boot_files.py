"""Finds kernel, initrd and boot parameters of an image, and copies them out of it as plain files.

Usage: find_boot_files.py ROOT OUT < JSON
JSON: arch, kernel_file_name, initrd_file_name (null to look for them), kernel_parameters_file_name.
Writes one JSON object to standard output: the files found, or `problem` with what /boot holds.

Everything is read inside the root (chroot), so that a link leads where it will lead on the node.

The kernel is the one that is named. Else it is the one of the newest release among /boot/vmlinuz-RELEASE and its
like, then a plain /boot/vmlinuz, then /usr/lib/modules/RELEASE/vmlinuz. The initrd is the one that is named. Else it
is a plain file /boot/initrd, when it is newer than the one of the kernel's release (a recipe that makes one there
means it), then the one of the kernel's release, then any plain name. One that is not named after its release may be a
left-over of another kernel: the modules in it tell.
"""

import json
import os
import re
import shutil
import stat
import sys
import zlib

sys.path.insert(0, os.path.dirname(__file__))
import initrd_content

KERNELS = {
    'x86_64': ['vmlinuz', 'bzImage', 'vmlinux'],
    'aarch64': ['Image', 'vmlinuz', 'vmlinux'],
}
ELF_MACHINES = {'x86_64': 62, 'aarch64': 183}
INITRDS_OF_RELEASE = ['initrd-{}', 'initrd.img-{}', 'initramfs-{}.img', 'initrd-{}.img', 'initramfs-{}']
PLAIN_INITRDS = ['initrd', 'initrd.img', 'initramfs.img', 'initramfs']
NOT_BOOTED = re.compile(r'rescue|kdump|\.(hmac|old|bak|sig|dpkg-\w+|rpm\w+)$')
SHELLS = ['/usr/bin/env', '/bin/sh', '/usr/bin/bash']


class Missing(Exception):
    """Something that was asked for or is needed is not there."""


def order(character: str) -> int:
    """Weight of a character in a version, as dpkg and rpm have it: ~ first, then the end, letters, the rest."""
    if character == '~':
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def version_key(version: str) -> list[tuple[list[int], int]]:
    parts = re.findall(r'(\D*)(\d*)', version)
    return [([*map(order, text), 0], int(number or 0)) for text, number in parts]


def regular(path: str) -> os.stat_result | None:
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info if stat.S_ISREG(info.st_mode) else None


def listing(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def release_of(path: str) -> str | None:
    """The release in the name of a kernel, or of the file that its link means."""
    for name in (os.path.basename(path), os.path.basename(os.path.realpath(path))):
        _, dash, release = name.partition('-')
        if dash:
            return re.sub(r'\.(gz|xz|zst)$', '', release)
    modules = re.fullmatch(r'(?:/usr)?/lib/modules/([^/]+)/[^/]+', os.path.realpath(path))
    if modules:
        return modules.group(1)
    installed = sorted(listing('/usr/lib/modules') or listing('/lib/modules'), key=version_key)
    return installed[-1] if installed else None


def named(kind: str, name: str) -> str:
    path = f'/boot/{name}'
    if regular(path) is None:
        raise Missing(f'The image has no {kind} /boot/{name}')
    return path


def find_kernel(arch: str, name: str | None) -> str:
    if name == 'vmlinuz' and arch == 'aarch64' and regular('/boot/vmlinuz') is None:
        name = 'Image'
    if name is not None:
        return named('kernel', name)
    bases = KERNELS[arch]
    candidates = []
    for file in listing('/boot'):
        base, dash, release = file.partition('-')
        if dash and base in bases and not NOT_BOOTED.search(file) and regular(f'/boot/{file}'):
            # vmlinux is the kernel for debuggers wherever there is another one.
            candidates.append((base != 'vmlinux', version_key(release), -bases.index(base), f'/boot/{file}'))
    if candidates:
        return max(candidates)[-1]
    for base in bases:
        if regular(f'/boot/{base}'):
            return f'/boot/{base}'
    for release in sorted(listing('/usr/lib/modules'), key=version_key, reverse=True):
        for base in bases:
            if regular(f'/usr/lib/modules/{release}/{base}'):
                return f'/usr/lib/modules/{release}/{base}'
    raise Missing('The image has no kernel in /boot or /usr/lib/modules')


def find_initrd(name: str | None, release: str | None) -> str:
    if name is not None:
        return named('initrd', name)
    own = None
    if release is not None:
        paths = [f'/boot/{pattern.format(release)}' for pattern in INITRDS_OF_RELEASE]
        paths.append(f'/usr/lib/modules/{release}/initrd')
        own = next((path for path in paths if regular(path)), None)
    plain = next((f'/boot/{each}' for each in PLAIN_INITRDS if regular(f'/boot/{each}')), None)
    if own is not None and plain == '/boot/initrd' and not os.path.islink(plain):
        return plain if os.stat(plain).st_mtime > os.stat(own).st_mtime else own
    found = own or plain
    if found is None:
        of = '' if release is None else f' for the kernel {release}'
        raise Missing(f'The image has no initrd{of} in /boot')
    if os.stat(found).st_size == 0:
        raise Missing(f'The initrd {found} is empty')
    return found


def check_release(initrd: str, kernel: str, release: str | None, asked_for: bool) -> None:
    """Whether the kernel finds its modules; of an initrd that was asked for it is only said that it does not."""
    if release is None or release in os.path.basename(initrd) or release not in kernel:
        return
    try:
        releases = initrd_content.module_releases(initrd)
    except initrd_content.Unreadable as problem:
        print(f'{initrd} was not looked into: {problem}', file=sys.stderr)
        return
    if not releases or release in releases:
        return
    others = ', '.join(sorted(releases))
    if not asked_for:
        raise Missing(
            f'The kernel {kernel} has no initrd: {initrd} has the modules of {others}. '
            f'Make one for it, for example with `dracut --kver {release}`'
        )
    print(f'Warning: {initrd} has the modules of {others}, and the kernel is {kernel}', file=sys.stderr)


def elf_machine(head: bytes) -> int | None:
    return int.from_bytes(head[18:20], 'little') if head[:4] == b'\x7fELF' else None


def is_kernel_for(arch: str, head: bytes) -> bool:
    if elf_machine(head) == ELF_MACHINES[arch]:
        return True
    if arch == 'x86_64':
        return head[0x1FE:0x200] == b'\x55\xaa' and head[0x202:0x206] == b'HdrS'
    if head[:2] == b'\x1f\x8b':
        head = zlib.decompressobj(31).decompress(head, 128)
    return head[56:60] == b'ARM\x64' or (head[:2] == b'MZ' and head[4:8] == b'zimg')


def head_of(path: str) -> bytes:
    with open(path, 'rb') as file:
        return file.read(4096)


def check_architecture(arch: str, kernel: str) -> None:
    for shell in SHELLS:
        machine = elf_machine(head_of(shell)) if regular(shell) else None
        if machine not in (None, ELF_MACHINES[arch]):
            raise Missing(f'The programs of the image are not for {arch}: {shell} is for the ELF machine {machine}')
    if not is_kernel_for(arch, head_of(kernel)):
        raise Missing(f'{kernel} is not a kernel for {arch}')


def copy(path: str, out: int, name: str) -> dict[str, object]:
    with open(path, 'rb') as source:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=out), 'wb') as target:
            shutil.copyfileobj(source, target, 1 << 20)
        return {'path': path, 'size': os.fstat(source.fileno()).st_size}


def main() -> None:
    wanted = json.load(sys.stdin)
    root, out_path = sys.argv[1:]
    out = os.open(out_path, os.O_RDONLY | os.O_DIRECTORY)
    os.chroot(root)
    os.chdir('/')
    try:
        kernel = find_kernel(wanted['arch'], wanted['kernel_file_name'])
        check_architecture(wanted['arch'], kernel)
        release = release_of(kernel)
        initrd = find_initrd(wanted['initrd_file_name'], release)
        check_release(initrd, os.path.realpath(kernel), release, wanted['initrd_file_name'] is not None)
    except Missing as problem:
        print(json.dumps({'problem': str(problem), 'boot': listing('/boot')}))
        return
    parameters = f'/boot/{wanted["kernel_parameters_file_name"]}'
    result = {
        'release': release,
        'kernel': copy(kernel, out, 'kernel'),
        'initrd': copy(initrd, out, 'initrd'),
        'boot_parameters': copy(parameters, out, 'boot_parameters') if regular(parameters) else None,
    }
    print(json.dumps(result))


main()
