"""Lists what differs between an image and what it was made from.

Usage: list_changes.py UPPER MERGED ORIGINAL PACKAGES LIMIT OUTPUT < settings (JSON: secrets, values that are shown nowhere;
has_contents, whether any content may be shown). PACKAGES is the list of packages of MERGED.
Only folders that the upper layer has are looked into: nothing else can differ, but other names of a file that has several.
Writes to OUTPUT, as JSON: `added`, `changed` and `removed`, how many paths; `paths`, those of no package first and at most LIMIT
of them, and how many are `left_out`; `packages` and the `package_manager`; `texts` and `binaries` (base64) of small files that
are nobody's secret, by path; `accounts` that came.
"""

import errno
import json
import os
import stat
import sys

sys.path.insert(0, os.path.dirname(__file__))
import changed_packages
import shown_contents

TYPES = {stat.S_IFREG: 'file', stat.S_IFDIR: 'folder', stat.S_IFLNK: 'link', stat.S_IFCHR: 'device', stat.S_IFBLK: 'device',
         stat.S_IFIFO: 'fifo', stat.S_IFSOCK: 'socket'}
CHUNK = 1024 * 1024


class Comparison:
    def __init__(self, upper: bytes, merged: bytes, original: bytes) -> None:
        self.upper, self.merged, self.original = upper, merged, original
        self.found: list[dict] = []
        # Files with several names: the names that were seen, with the entry of each that has one.
        self.names_of: dict[int, list[tuple[bytes, dict | None]]] = {}
        self.looked_at: set[bytes] = set()
        self.unreadable = 0

    def run(self) -> None:
        waiting = [(self.both, b'')]
        while waiting:
            look, path = waiting.pop()
            try:
                waiting.extend(reversed(look(path)))
            except OSError as error:
                # A tree may be deeper than a path can be long.
                if error.errno not in (errno.ENAMETOOLONG, errno.ELOOP):
                    raise
                self.unreadable += 1
        self.find_other_names()
        self.note_hard_links()

    def both(self, path: bytes) -> list:
        """A path that is in the image and was in it before."""
        old, new = os.lstat(self.original + path), os.lstat(self.merged + path)
        parts, attributes = differences(self.original + path, old, self.merged + path, new)
        entry = self.take('changed', self.merged, path, new, parts=parts, attributes=attributes) if parts else None
        self.note_names(path, new, entry)
        if not stat.S_ISDIR(new.st_mode):
            return [(self.gone, path + b'/' + name) for name in self.names_if_folder(self.original + path, old)]
        if not stat.S_ISDIR(old.st_mode):
            return [(self.came, path + b'/' + name) for name in names(self.merged + path)]
        before, now = set(names(self.original + path)), set(names(self.merged + path))
        ours = set(names(self.upper + path)) & now
        return [(self.gone if name not in now else self.came if name not in before else self.both, path + b'/' + name)
                for name in sorted((before - now) | ours)]

    def came(self, path: bytes) -> list:
        found = os.lstat(self.merged + path)
        self.note_names(path, found, self.take('added', self.merged, path, found))
        return [(self.came, path + b'/' + name) for name in self.names_if_folder(self.merged + path, found)]

    def gone(self, path: bytes) -> list:
        found = os.lstat(self.original + path)
        self.take('removed', self.original, path, found)
        return [(self.gone, path + b'/' + name) for name in self.names_if_folder(self.original + path, found)]

    @staticmethod
    def names_if_folder(path: bytes, found: os.stat_result) -> list[bytes]:
        return names(path) if stat.S_ISDIR(found.st_mode) else []

    def take(self, change: str, root: bytes, path: bytes, found: os.stat_result, **also) -> dict:
        kind = TYPES[stat.S_IFMT(found.st_mode)]
        entry = {'change': change, 'path': text(path or b'/'), 'type': kind, 'mode': f'{stat.S_IMODE(found.st_mode):04o}',
                 'uid': found.st_uid, 'gid': found.st_gid, **{name: value for name, value in also.items() if value}}
        if kind == 'file':
            entry['size_bytes'] = found.st_size
        elif kind == 'link':
            entry['target'] = text(os.readlink(root + path))
        self.found.append(entry)
        return entry

    def note_names(self, path: bytes, found: os.stat_result, entry: dict | None) -> None:
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            self.names_of.setdefault(found.st_ino, []).append((path, entry))
            self.looked_at.add(path)

    def find_other_names(self) -> None:
        """What was done to a file by one of its names is seen by all of them, and the upper layer has only that one."""
        wanted = set()
        for seen in self.names_of.values():
            for path, entry in seen:
                if entry is not None and entry['change'] == 'changed' and os.path.lexists(self.original + path):
                    old = os.lstat(self.original + path)
                    if stat.S_ISREG(old.st_mode) and old.st_nlink > 1:
                        wanted.add(old.st_ino)
        if not wanted:
            return
        for folder, _, files in os.walk(self.original):
            for name in files:
                path = os.path.join(folder, name)
                inside = path[len(self.original):]
                old = os.lstat(path)
                if old.st_ino in wanted and stat.S_ISREG(old.st_mode) and inside not in self.looked_at \
                        and os.path.lexists(self.merged + inside):
                    self.both(inside)

    def note_hard_links(self) -> None:
        """One name of each file is the one that the others are told by: one that was there before, if there is any."""
        ranks = {None: 0, 'changed': 1, 'added': 2}
        for seen in self.names_of.values():
            first, known = min(seen, key=lambda name: ranks[name[1] and name[1]['change']])
            for _, entry in seen:
                if entry is not None and entry is not known:
                    entry['hard_link'] = text(first)


def names(folder: bytes) -> list[bytes]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def differences(before: bytes, old: os.stat_result, now: bytes, new: os.stat_result) -> tuple[list[str], list[str]]:
    """Which of type, content, mode, owner and attributes differ, and which attributes. Times alone are no difference."""
    parts = []
    if stat.S_IFMT(old.st_mode) != stat.S_IFMT(new.st_mode):
        parts.append('type')
    elif not same_content(before, old, now, new):
        parts.append('content')
    if stat.S_IMODE(old.st_mode) != stat.S_IMODE(new.st_mode) and not stat.S_ISLNK(new.st_mode):
        parts.append('mode')
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        parts.append('owner')
    had, has = attributes(before), attributes(now)
    differing = sorted(name for name in had.keys() | has.keys() if had.get(name) != has.get(name))
    return parts + (['attributes'] if differing else []), differing


def same_content(before: bytes, old: os.stat_result, now: bytes, new: os.stat_result) -> bool:
    if stat.S_ISLNK(new.st_mode):
        return os.readlink(before) == os.readlink(now)
    if stat.S_ISDIR(new.st_mode):
        return True
    if not stat.S_ISREG(new.st_mode):
        return old.st_rdev == new.st_rdev
    if old.st_size != new.st_size:
        return False
    with open(before, 'rb', buffering=0) as one, open(now, 'rb', buffering=0) as other:
        while True:
            piece = one.read(CHUNK)
            if piece != other.read(CHUNK):
                return False
            if not piece:
                return True


def attributes(path: bytes) -> dict[str, bytes]:
    try:
        names_of_them = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        # A squashfs that has none at all knows none.
        if error.errno != errno.EOPNOTSUPP:
            raise
        return {}
    return {text(os.fsencode(name)): os.getxattr(path, name, follow_symlinks=False)
            for name in names_of_them if not name.startswith('trusted.')}


def text(path: bytes) -> str:
    return path.decode('utf-8', 'replace')


def main() -> None:
    *roots, packages_file, limit, output = sys.argv[1:]
    settings = json.load(sys.stdin)
    comparison = Comparison(*(os.fsencode(root) for root in roots))
    comparison.run()
    _, merged, original = roots
    with open(packages_file, encoding='utf-8') as file:
        packages = changed_packages.compare(original, merged, json.load(file))
    changed_packages.mark(comparison.found, packages, original, merged)
    # A sort that is stable: what came of packages, or of itself, is behind the rest.
    listed = sorted(comparison.found, key=lambda entry: 'package' in entry or 'state' in entry)[:int(limit)]
    contents = shown_contents.read(merged, listed, settings)
    counts = {change: sum(entry['change'] == change for entry in comparison.found) for change in ('added', 'changed', 'removed')}
    with open(output, 'w', encoding='utf-8') as file:
        json.dump({
            **counts, 'paths': listed, 'left_out': len(comparison.found) - len(listed), 'unreadable': comparison.unreadable,
            'packages': packages, 'package_manager': changed_packages.manager(merged),
            **contents, 'accounts': shown_contents.accounts(original, merged),
        }, file)
    print(json.dumps(counts))


if __name__ == '__main__':
    main()
