"""Lays an overlay over the mounted squashfs of an image, with ids shifted for the sandbox.

Usage: mount_image.py < spec (JSON):
  plain      where the squashfs is mounted
  original   empty folder: gets the same tree with shifted ids
  upper, work, laid, root   folders of the overlay, and where it is mounted
  options    more options of the overlay
  id_shift, id_count
  is_new     whether the upper layer was only just made
  folders    those of the image that the layer `laid` has, parents first: they get its attributes
  files      what is laid over the image: its content, by path
  missing    folders that the image lacks and gets for a while

One program for all of it, as each one more would delay the shell of a job. It is the builder root's own Python on the host:
mount(8) of a host may be too old to map ids. The kernel's numbers are in its headers: linux/mount.h, linux/fcntl.h,
asm-generic/unistd.h.
"""

import ctypes
import errno
import json
import os
import struct
import sys

OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
AT_FDCWD, AT_EMPTY_PATH, OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = -100, 0x1000, 1, os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 0x04
MOUNT_ATTR_IDMAP = 0x00100000
MS_NODEV = 4

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    spec = json.load(sys.stdin)
    shift = spec['id_shift']
    mount_shifted(spec['plain'], spec['original'], shift, spec['id_count'])
    if spec['is_new']:
        # What the overlay shows of a folder is what its uppermost layer says, so the layers have to agree.
        copy_attributes(spec['original'], spec['upper'])
    for folder in spec['folders']:
        os.mkdir(spec['laid'] + folder)
    for folder in spec['missing']:
        os.mkdir(spec['laid'] + folder, 0o755)
        os.chown(spec['laid'] + folder, shift, shift)
    for path, content in spec['files'].items():
        target = spec['laid'] + path
        with open(target, 'w', encoding='utf-8') as file:
            file.write(content)
        os.chmod(target, 0o644)
        os.chown(target, shift, shift)
    # Last, and inner folders first: what is made in a folder changes its times.
    for folder in reversed(spec['folders']):
        copy_attributes(spec['original'] + folder, spec['laid'] + folder)
    mount_overlay(spec)


def mount_overlay(spec: dict) -> None:
    layers = f'lowerdir={spec["laid"]}:{spec["original"]},upperdir={spec["upper"]},workdir={spec["work"]}'
    options = f'{spec["options"]},{layers}'
    if libc.mount(b'overlay', os.fsencode(spec['root']), b'overlay', MS_NODEV, options.encode()) != 0:
        raise failure('mount of the overlay')


def copy_attributes(source: str, target: str) -> None:
    found = os.lstat(source)
    os.chown(target, found.st_uid, found.st_gid)
    os.chmod(target, found.st_mode & 0o7777)
    for name in attributes_of(source):
        os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def attributes_of(path: str) -> list[str]:
    try:
        return os.listxattr(path)
    except OSError as error:
        # An image may have been squashed without any.
        if error.errno == errno.ENOTSUP:
            return []
        raise


def mount_shifted(plain: str, original: str, shift: int, count: int) -> None:
    tree = kernel('open_tree', OPEN_TREE, AT_FDCWD, os.fsencode(plain), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
    namespace = shifted_namespace(f'0 {shift} {count}\n')
    attributes = struct.pack('QQQQ', MOUNT_ATTR_IDMAP, 0, 0, namespace)
    kernel('mount_setattr', MOUNT_SETATTR, tree, b'', AT_EMPTY_PATH, attributes, ctypes.c_size_t(len(attributes)))
    kernel('move_mount', MOVE_MOUNT, tree, b'', AT_FDCWD, os.fsencode(original), MOVE_MOUNT_F_EMPTY_PATH)


def shifted_namespace(mapping: str) -> int:
    """The file of a user namespace with these ids; a process is needed to make one, and to hold it until it is open."""
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.unshare(os.CLONE_NEWUSER)
        os.write(ready[1], b'.')
        os.close(go[1])
        os.read(go[0], 1)
        os._exit(0)
    os.close(ready[1])
    if os.read(ready[0], 1) == b'':
        raise OSError('the host makes no user namespace')
    for name in ('uid_map', 'gid_map'):
        with open(f'/proc/{child}/{name}', 'w', encoding='ascii') as file:
            file.write(mapping)
    namespace = os.open(f'/proc/{child}/ns/user', os.O_RDONLY)
    os.close(go[1])
    os.waitpid(child, 0)
    return namespace


def kernel(name: str, number: int, *args) -> int:
    result = libc.syscall(number, *args)
    if result < 0:
        raise failure(name)
    return result


def failure(what: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, f'{what}: {os.strerror(code)}')


if __name__ == '__main__':
    try:
        main()
    except OSError as error:
        sys.exit(f'the image cannot be mounted: {error}')
