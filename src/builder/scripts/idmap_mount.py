"""Mounts a tree again with its ids mapped as those of a user namespace are.

Usage: idmap_mount.py, with descriptors 3 (the mounted tree), 4 (an empty folder to mount it over) and 5 (the namespace).
Descriptors, as it runs chrooted into the builder root: mount(8) of a host may be too old to do this.
The kernel's own numbers are in its headers: linux/mount.h, linux/fcntl.h, asm-generic/unistd.h.
"""

import ctypes
import os
import struct
import sys

OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
AT_EMPTY_PATH, OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 0x1000, 1, os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH = 0x04, 0x40
MOUNT_ATTR_IDMAP = 0x00100000
TREE, TARGET, NAMESPACE = 3, 4, 5

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    tree = kernel('open_tree', OPEN_TREE, TREE, b'', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)
    attributes = struct.pack('QQQQ', MOUNT_ATTR_IDMAP, 0, 0, NAMESPACE)
    kernel('mount_setattr', MOUNT_SETATTR, tree, b'', AT_EMPTY_PATH, attributes, ctypes.c_size_t(len(attributes)))
    kernel('move_mount', MOVE_MOUNT, tree, b'', TARGET, b'', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)


def kernel(name: str, number: int, *args) -> int:
    result = libc.syscall(number, *[ctypes.c_uint(arg) if isinstance(arg, int) and arg >= 0 else arg for arg in args])
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{name}: {os.strerror(code)}')
    return result


if __name__ == '__main__':
    try:
        main()
    except OSError as error:
        sys.exit(f'the image cannot be mounted with mapped ids: {error}')
