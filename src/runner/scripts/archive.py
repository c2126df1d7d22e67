"""Unpacks a tar that somebody uploaded, after it has looked at every entry of it.

An archive is hostile input: it is read twice, first to inspect, then to extract, both as a stream with a bound on what comes out
of the decompressor. What is refused has the code `not-an-archive`, `archive-hostile` or `archive-too-large`.
"""

import os
import posixpath
import subprocess
import sys
import tarfile

MAGIC = [
    (b'\x1f\x8b', ['gzip', '-dc']),
    (b'BZh', ['bzip2', '-dc']),
    (b'\xfd7zXZ\x00', ['xz', '-dc', '--memlimit-decompress=512MiB']),
    (b'\x28\xb5\x2f\xfd', ['zstd', '-dc', '--memory=512MB']),
]
OTHERS = [
    (b'PK\x03\x04', 'a zip archive'),
    (b'\xed\xab\xee\xdb', 'an rpm package'),
    (b'!<arch>', 'a Debian package'),
    (b'<?xml', 'an XML file'),
    (b'<image', 'an XML file'),
    (b'hsqs', 'a squashfs'),
    (b'7z\xbc\xaf\x27\x1c', 'a 7z archive'),
    (b'{', 'JSON text'),
]
MAX_ITEMS = 20


class Refused(Exception):
    def __init__(self, code, detail, items=()):
        super().__init__(detail)
        self.verdict = {'code': code, 'detail': detail, 'items': list(items)[:MAX_ITEMS]}


class Bounded:
    """A stream that refuses to give more than a number of bytes."""

    def __init__(self, stream, limit):
        self.stream = stream
        self.left = limit

    def read(self, size=-1):
        data = self.stream.read(size if 0 <= size < 1 << 20 else 1 << 20)
        self.left -= len(data)
        if self.left < 0:
            raise Refused('archive-too-large', 'the archive unpacks to more than the limit')
        return data


def open_entries(path, limit):
    """The entries of the archive as they come, and the process that decompresses, if any."""
    with open(path, 'rb') as file:
        head = file.read(512)
    if head == b'':
        raise Refused('not-an-archive', 'the archive is empty')
    command = next((argv for magic, argv in MAGIC if head.startswith(magic)), None)
    if command is None:
        kind = next((kind for magic, kind in OTHERS if head.startswith(magic)), None)
        if kind is not None:
            raise Refused('not-an-archive', f'the archive is {kind}')
        return tarfile.open(fileobj=Bounded(open(path, 'rb'), limit), mode='r|'), None
    process = subprocess.Popen([*command, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        return tarfile.open(fileobj=Bounded(process.stdout, limit), mode='r|'), process
    except BaseException:
        process.kill()
        raise


def walk(path, limit_bytes, limit_entries, visit):
    """Calls visit(archive, entry) for each entry; refuses what is not a whole tar within the limits."""
    # Headers and padding count too: every entry has a header of 512 bytes and padding of at most as much.
    process = None
    try:
        archive, process = open_entries(path, limit_bytes + limit_entries * 1536 + (1 << 20))
        count = 0
        for entry in archive:
            count += 1
            if count > limit_entries:
                raise Refused('archive-too-large', f'the archive has more than {limit_entries} entries')
            visit(archive, entry)
        if count == 0:
            raise Refused('not-an-archive', 'the archive holds nothing')
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise Refused('not-an-archive', f'the archive is no tar, or it is damaged: {error}') from error
    finally:
        if process is not None:
            process.kill()
            process.wait()


def clean(name):
    """The path of an entry without './'; None when it would leave the folder."""
    if name.startswith('/') or '..' in name.split('/') or '\0' in name:
        return None
    path = posixpath.normpath(name)
    return '' if path == '.' else path


class Inspection:
    def __init__(self):
        self.items = []
        self.links = set()
        self.files = set()
        self.paths = set()
        self.bytes = 0

    def refuse(self, entry, message):
        self.items.append({'file': entry.name[:200], 'message': message})

    def visit(self, _archive, entry):
        path = clean(entry.name)
        if path is None:
            self.refuse(entry, 'its path leaves the archive')
            return
        parents = [posixpath.dirname(path)]
        while parents[-1]:
            parents.append(posixpath.dirname(parents[-1]))
        if any(parent in self.links for parent in parents):
            self.refuse(entry, 'it lies behind a link')
            return
        if path in self.links:
            self.refuse(entry, 'it replaces a link')
            return
        self.bytes += max(0, entry.size)
        if entry.isreg():
            self.files.add(path)
        elif entry.issym():
            self.check_symlink(entry, path)
            self.links.add(path)
            if path in self.paths:
                self.refuse(entry, 'it is a link where there was something else')
        elif entry.islnk():
            target = clean(entry.linkname)
            if target is None or target not in self.files:
                self.refuse(entry, f'it is a hard link to {entry.linkname}, which is no earlier file of it')
            else:
                self.files.add(path)
        elif not entry.isdir():
            self.refuse(entry, 'it is a device or a pipe')
        self.paths.add(path)

    def check_symlink(self, entry, path):
        target = entry.linkname
        if target.startswith('/'):
            # Below the overlay folder a link is meant for the image, where / is the root of the image.
            if not path.startswith('root/'):
                self.refuse(entry, f'it is a link to {target}, outside the archive')
            return
        resolved = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if resolved == '..' or resolved.startswith('../'):
            self.refuse(entry, f'it is a link to {target}, outside the archive')


class Extraction:
    def __init__(self, target):
        self.target = target

    def visit(self, archive, entry):
        path = clean(entry.name)
        full = os.path.join(self.target, path)
        mode = 0o755 if entry.mode & 0o111 else 0o644
        if entry.isdir():
            os.makedirs(full, exist_ok=True)
            return
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if entry.issym():
            os.symlink(entry.linkname, full)
        elif entry.islnk():
            os.link(os.path.join(self.target, clean(entry.linkname)), full, follow_symlinks=False)
        else:
            if os.path.lexists(full):
                os.unlink(full)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with archive.extractfile(entry) as source, os.fdopen(os.open(full, flags, mode), 'wb') as sink:
                while data := source.read(1 << 20):
                    sink.write(data)


def unpack(path, target, max_bytes, max_entries, check=lambda inspection: None):
    """Inspects, lets `check` look at what was found, extracts; gives the inspection. Raises `Refused`."""
    inspection = Inspection()
    walk(path, max_bytes, max_entries, inspection.visit)
    if inspection.items:
        raise Refused('archive-hostile', 'the archive holds what it must not have', inspection.items)
    check(inspection)
    walk(path, max_bytes, max_entries, Extraction(target).visit)
    return inspection


def verdict_of(work, code_of):
    """What the runner reads: {"ok": {...}} or {"error": {"code", "detail", "items"}}; `code_of` gives the catalogue's code."""
    try:
        return {'ok': work()}
    except Refused as refused:
        return {'error': {**refused.verdict, 'code': code_of(refused.verdict['code'])}}
