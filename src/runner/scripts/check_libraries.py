"""Finds programs and libraries of an image that cannot be loaded: for another machine, or without a library that they need.

Usage: check_libraries.py ROOT MACHINE INITRD [UPPER]
INITRD is a path in ROOT. Nothing of the image runs: its files are read, and what the loader would do is done here. The
loader of the image itself is what an emulator may get wrong; dracut asks it which libraries an initrd needs, and takes
no answer for none.
UPPER is the upper layer of an overlay, mounted at ROOT, over an image that was checked when it was made: only what changed is
looked at then, unless something that may be a library is gone.
Prints {"files": N, "foreign": [{file, machine, runs}], "missing": [{file, library}], "initrd": {files, missing}}, null for
an initrd that did not change or cannot be read. "runs" is whether the file is where a system starts programs from.
"""

import contextlib
import glob
import json
import mmap
import os
import re
import stat
import sys

sys.path.insert(0, os.path.dirname(__file__))
import elf_files
import initrd_content
from elf_files import Elf

MACHINES = {'x86_64': 62, 'aarch64': 183}
# Default folders of loaders, as Debian, SUSE and RHEL have them.
FOLDERS = ('/lib64', '/usr/lib64', '/lib', '/usr/lib')
# Programs for devices and other machines that an image carries but does not run.
CARRIED = ('/usr/lib/firmware/', '/lib/firmware/', '/usr/lib/debug/', '/usr/lib/grub', '/usr/share/', '/boot/')
# What such a folder has is for the machine that its name begins with: libraries beside those of the system, or what a compiler links to.
FOLDER_OF_MACHINE = re.compile(r'/([a-z0-9_]+)-(?:[a-z0-9_]+-)?linux(?:-[a-z0-9_]+)?/')
STARTED_FROM = re.compile(r'(?:/usr(?:/local)?)?/s?bin/[^/]+|(?:/usr)?/lib/systemd/.*|/usr/libexec/.*')
MAX_LISTED = 50
MAX_LINKS = 40
S_IFMT, S_IFLNK, S_IFDIR, S_IFREG = 0o170000, 0o120000, 0o040000, 0o100000


class Tree:
    """Files by path: the root or an initrd. Links lead where they would with it as the root."""

    def paths(self):
        """Of all files that may be a program or library."""
        raise NotImplementedError

    def elf(self, path: str) -> Elf | None:
        """What the file is; the path has no links in it."""
        raise NotImplementedError

    def entry(self, path: str):
        """The target of a link, '' for anything else that is there, or None."""
        raise NotImplementedError

    def resolve(self, path: str) -> str | None:
        """The path without links, or None when it leads nowhere."""
        done, links = '', 0
        parts = path.split('/')
        while parts:
            part = parts.pop(0)
            if part in ('', '.'):
                continue
            if part == '..':
                done = done.rpartition('/')[0]
                continue
            target = self.entry(f'{done}/{part}')
            if target is None or links > MAX_LINKS:
                return None
            if target == '':
                done = f'{done}/{part}'
                continue
            links += 1
            parts = target.split('/') + parts
            if target.startswith('/'):
                done = ''
        return done or '/'


class Root(Tree):
    """The root of this process."""

    def __init__(self) -> None:
        self.entries = {}
        self.known = {}

    def paths(self):
        for folder, folders, names in os.walk('/'):
            if folder == '/':
                folders[:] = [name for name in folders if name not in ('proc', 'sys', 'dev', 'run', 'tmp')]
            for name in names:
                yield os.path.join(folder, name)

    def elf(self, path: str) -> Elf | None:
        if path not in self.known:
            self.known[path] = self.read(path)
        return self.known[path]

    @staticmethod
    def read(path: str) -> Elf | None:
        if os.path.islink(path) or not os.path.isfile(path):
            return None
        with open(path, 'rb') as file:
            if file.read(len(elf_files.MAGIC)) != elf_files.MAGIC:
                return None
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return elf_files.elf_of(data)

    def entry(self, path: str):
        if path not in self.entries:
            try:
                self.entries[path] = os.readlink(path) if os.path.islink(path) else '' if os.path.exists(path) else None
            except OSError:
                self.entries[path] = None
        return self.entries[path]


class Initrd(Tree):
    def __init__(self, path: str) -> None:
        self.entries = {}
        self.found = {}
        # Of several names of one file, the last comes with the content.
        others = {}
        with open(path, 'rb') as file:
            for name, fields, content in initrd_content.members(file):
                path = '/' + name.decode('utf-8', 'replace').removeprefix('.').strip('/')
                kind = fields[1] & S_IFMT
                if kind == S_IFLNK:
                    self.entries[path] = content.read().decode('utf-8', 'replace')
                elif kind in (S_IFDIR, S_IFREG):
                    self.entries[path] = ''
                if kind == S_IFREG:
                    names = others.setdefault((fields[0], *fields[7:9]), []) if fields[4] > 1 else []
                    names.append(path)
                    start = content.read(len(elf_files.MAGIC))
                    elf = elf_files.elf_of(start + content.read()) if start == elf_files.MAGIC else None
                    self.found.update({each: elf for each in names if elf is not None})

    def paths(self):
        return self.found.keys()

    def elf(self, path: str) -> Elf | None:
        return self.found.get(path)

    def entry(self, path: str):
        return self.entries.get(path)


class Changes:
    """What the upper layer of an overlay has. Whiteouts are devices of the number 0."""

    def __init__(self, upper: str) -> None:
        self.paths = []
        self.lacks_library = False
        for folder, folders, names in os.walk(upper):
            inner = folder.removeprefix(upper)
            for name in [*folders, *names]:
                status = os.lstat(os.path.join(folder, name))
                if stat.S_ISREG(status.st_mode):
                    self.paths.append(f'{inner}/{name}')
                elif stat.S_ISCHR(status.st_mode) and status.st_rdev == 0 and is_like_library(f'{inner}/{name}'):
                    self.lacks_library = True


def is_like_library(path: str) -> bool:
    """Whether a name that is gone may have been a library's, or a folder's that had some."""
    has_extension = '.' in path.rpartition('/')[2]
    return '.so' in path or (not has_extension and path.startswith(('/lib', '/usr/lib', '/usr/local/lib', '/opt')))


def configured(path: str = '/etc/ld.so.conf', depth: int = 0) -> list[str]:
    """Folders that the configuration of the loader names, and those of the files that it includes."""
    folders = []
    if os.path.isfile(path) and depth < MAX_LINKS:
        with open(path, encoding='utf-8', errors='replace') as file:
            lines = [line.partition('#')[0].split() for line in file]
        for words in lines:
            if words[:1] == ['include']:
                for pattern in words[1:]:
                    for found in sorted(glob.glob(os.path.join('/etc', pattern))):
                        folders += configured(found, depth + 1)
            else:
                folders += words[:1]
    return folders


class Checker:
    """Of these files of a tree, or of all."""

    def __init__(self, tree: Tree, machine: str, folders: list[str], paths=None) -> None:
        self.tree = tree
        self.machine = machine
        self.folders = [*folders, *FOLDERS, f'/lib/{machine}-linux-gnu', f'/usr/lib/{machine}-linux-gnu']
        self.elves = {}
        self.foreign = []
        for path in tree.paths() if paths is None else paths:
            elf = None if self.is_carried(path) else tree.elf(path)
            if elf is not None and elf.machine == MACHINES[machine]:
                self.elves[path] = elf
            elif elf is not None and elf.is_program:
                runs = STARTED_FROM.fullmatch(path) is not None
                self.foreign.append({'file': path, 'machine': elf.machine, 'runs': runs})
        self.foreign.sort(key=lambda each: not each['runs'])

    def is_carried(self, path: str) -> bool:
        named = FOLDER_OF_MACHINE.search(path)
        return path.startswith(CARRIED) or (named is not None and named[1] != self.machine)

    def elf(self, path: str | None) -> Elf | None:
        """What a link or library leads to, when the loader of this machine takes it."""
        elf = None if path is None else self.elves.get(path) or self.tree.elf(path)
        return elf if elf is not None and elf.machine == MACHINES[self.machine] else None

    def missing(self) -> list[tuple[str, str]]:
        """File and library: of each program with all that it loads, then of each library that no program brings in."""
        result, loaded = set(), set()
        for path, elf in self.elves.items():
            if elf.interpreter is not None:
                self.load(path, result, loaded)
        for path in self.elves:
            if path not in loaded:
                self.load(path, result, loaded)
        return sorted(result)

    def load(self, start: str, result: set, loaded: set) -> None:
        """Breadth first, as the loader does it; what is loaded under a name serves all that ask for it."""
        interpreter = self.elves[start].interpreter
        if interpreter is not None and self.elf(self.tree.resolve(interpreter)) is None:
            result.add((start, interpreter))
        # A library that no program here brings in may be found beside its like by what does.
        queue = [(start, [] if self.elves[start].is_program else [os.path.dirname(start)])]
        names = set()
        while queue:
            path, inherited = queue.pop(0)
            loaded.add(path)
            elf = self.elf(path)
            own = [expand(folder, path) for folder in elf.runpath or elf.rpath]
            # DT_RPATH holds for what is loaded on behalf of a library, too; DT_RUNPATH for its own needs, and nothing else for these.
            passed_on = inherited if elf.runpath else [*own, *inherited]
            for name in elf.needed:
                if name in names:
                    continue
                names.add(name)
                found = self.find(name, [*(own if elf.runpath else passed_on), *self.folders])
                if found is None:
                    result.add((path, name))
                else:
                    queue.append((found, passed_on))

    def find(self, name: str, folders: list[str]) -> str | None:
        for folder in [''] if '/' in name else folders:
            found = self.tree.resolve(f'{folder}/{name}')
            if self.elf(found) is not None:
                return found
        return None


def expand(folder: str, path: str) -> str:
    for word in ('$ORIGIN', '${ORIGIN}'):
        folder = folder.replace(word, os.path.dirname(path))
    for word in ('$LIB', '${LIB}'):
        folder = folder.replace(word, 'lib64')
    return folder


def listed(missing: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{'file': file, 'library': library} for file, library in missing[:MAX_LISTED]]


def main() -> None:
    root, machine, initrd, *upper = sys.argv[1:]
    changes = Changes(upper[0]) if upper else None
    os.chroot(root)
    os.chdir('/')
    folders = configured()
    paths = None if changes is None or changes.lacks_library else changes.paths
    whole = Checker(Root(), machine, folders, paths)
    result = {'files': len(whole.elves), 'foreign': whole.foreign[:MAX_LISTED], 'missing': listed(whole.missing()), 'initrd': None}
    if changes is None or os.path.realpath(initrd) in changes.paths:
        with contextlib.suppress(initrd_content.Unreadable):
            inner = Checker(Initrd(initrd), machine, folders)
            result['initrd'] = {'files': len(inner.elves), 'missing': listed(inner.missing())}
    print(json.dumps(result))


main()
