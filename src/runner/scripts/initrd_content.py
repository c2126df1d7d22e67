"""Reads what an initrd holds: archives of cpio one after the other, plain or compressed, as the kernel takes them."""

import bz2
import contextlib
import gzip
import lzma
import os
import re
from collections.abc import Iterator
from typing import BinaryIO

from compression import zstd

MAGICS = {b'070701', b'070702'}
HEADER_BYTES = 110
# linux/Documentation/driver-api/early-userspace/buffer-format.rst: the last entry of an archive.
TRAILER = b'TRAILER!!!'
LIMIT_BYTES = 2 << 30
MODULES = re.compile(rb'(?:\./)?(?:usr/)?lib/modules/([^/]+)')
COMPRESSIONS = [
    (b'\x1f\x8b', gzip.open),
    (b'\xfd7zXZ\0', lzma.open),
    (b'\x5d\0\0', lzma.open),
    (b'BZh', bz2.open),
    (b'\x28\xb5\x2f\xfd', zstd.open),
]


class Unreadable(Exception):
    """It is damaged, or of a kind that is not known here."""


def module_releases(path: str) -> set[str]:
    """The kernel releases whose modules an initrd brings along. Raises `Unreadable`."""
    with open(path, 'rb') as file:
        return {match[1].decode(errors='replace') for name, *_ in members(file) if (match := MODULES.match(name))}


class Content:
    """What an archive has for one name; to be read before the next one is asked for."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.left = size

    def read(self, count: int | None = None) -> bytes:
        count = self.left if count is None else min(count, self.left)
        data = self.file.read(count)
        if len(data) < count:
            raise Unreadable('an archive in it breaks off')
        self.left -= count
        return data

    def skip(self) -> None:
        while self.left > 0:
            self.read(1 << 20)


def members(file: BinaryIO) -> Iterator[tuple[bytes, list[int], Content]]:
    """Name, the thirteen numbers of the header, and content of each."""
    while True:
        start = after_padding(file)
        if start == b'':
            return
        file.seek(-len(start), os.SEEK_CUR)
        if start in MAGICS:
            yield from members_of_archive(file)
            continue
        opener = next((opener for magic, opener in COMPRESSIONS if start.startswith(magic)), None)
        if opener is None:
            raise Unreadable(f'it has the bytes {start.hex()} where an archive begins')
        with readable(), opener(file) as plain:
            # Nothing follows on a compressed archive.
            yield from members_of_archive(plain)
        return


def after_padding(file: BinaryIO) -> bytes:
    """The first six bytes that are not in a block of zeros; fewer at the end."""
    while True:
        block = file.read(4)
        if block != b'\0\0\0\0':
            return block + file.read(2)


@contextlib.contextmanager
def readable():
    try:
        yield
    except (OSError, EOFError, lzma.LZMAError, zstd.ZstdError) as error:
        raise Unreadable(str(error)) from error


def members_of_archive(file: BinaryIO) -> Iterator[tuple[bytes, list[int], Content]]:
    read = 0
    while read < LIMIT_BYTES:
        header = file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES or header[:6] not in MAGICS:
            raise Unreadable('an archive in it breaks off')
        try:
            fields = [int(header[start : start + 8], 16) for start in range(6, HEADER_BYTES, 8)]
        except ValueError as error:
            raise Unreadable('an archive in it has a broken header') from error
        size, name_bytes = fields[6], fields[11]
        name = take(file, name_bytes + -(HEADER_BYTES + name_bytes) % 4)[: name_bytes - 1]
        if name == TRAILER:
            return
        content = Content(file, size)
        yield name, fields, content
        content.left += -size % 4
        content.skip()
        read += HEADER_BYTES + size
    raise Unreadable(f'an archive in it has more than {LIMIT_BYTES} bytes')


def take(file: BinaryIO, count: int) -> bytes:
    if count > 4096 + 4:
        raise Unreadable('an archive in it has a name that is too long')
    data = file.read(count)
    if len(data) < count:
        raise Unreadable('an archive in it breaks off')
    return data

