"""Which packages came, went or have another version than before, and which paths that explains."""

import hashlib
import os
import re
import subprocess

import list_packages

MANAGERS = ('zypper', 'dnf5', 'dnf', 'microdnf', 'apt-get')
# What programs make for themselves: package managers above all, and what anybody's start makes again.
STATE = re.compile(
    r'^/(var/lib/(dpkg|apt|rpm|dnf|zypp|yum|ucf|pam|systemd/deb-systemd-(user-)?helper-enabled)|usr/lib/sysimage/(rpm|libdnf5))(/|$)'
    r'|/__pycache__(/|$)|^/etc/ld\.so\.cache$|^/etc/\.pwd\.lock$|^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$')
# A folder there may be one that a service needs.
STATE_BUT_FOLDERS = re.compile(r'^/var/(cache|log)/')
# A tag of the files of a package database of RPM: this one is configuration.
RPM_CONFIGURATION = 1
RPM_FILES = '[%{=NAME}\t%{FILENAMES}\t%{FILEDIGESTS}\t%{FILEFLAGS}\t%{=INSTALLTIME}\n]'
RPM_DIGESTS = {32: 'md5', 40: 'sha1', 64: 'sha256', 96: 'sha384', 128: 'sha512'}


def manager(root: str) -> str | None:
    return next((name for name in MANAGERS if os.path.lexists(f'{root}/usr/bin/{name}')), None)


def compare(original: str, merged: str, now: list[dict]) -> dict:
    """A package that is there in several versions, as kernels are, is a package for each."""
    old, new = versions(list_packages.packages_of(original)), versions(now)
    automatic, kept = automatically_installed(merged), with_configuration_alone(merged)
    installed, removed, updated = [], [], []
    for name, arch in sorted(old.keys() | new.keys()):
        had, has = old.get((name, arch), []), new.get((name, arch), [])
        came = [version for version in has if version not in had]
        went = [version for version in had if version not in has]
        package = {'name': name, 'arch': arch}
        while came and went:
            updated.append({**package, 'from': went.pop(0), 'version': came.pop(0)})
        installed += [{**package, 'version': version, **({'automatic': True} if (name, arch) in automatic else {})}
                      for version in came]
        removed += [{**package, 'version': version, **({'kept_configuration': True} if (name, arch) in kept else {})}
                    for version in went]
    return {'installed': installed, 'removed': removed, 'updated': updated}


def versions(packages: list[dict]) -> dict[tuple[str, str], list[str]]:
    known: dict[tuple[str, str], list[str]] = {}
    for package in packages:
        known.setdefault((package['name'], package['arch']), []).append(package['version'])
    return known


def automatically_installed(root: str) -> set[tuple[str, str]]:
    """As apt has them: those that came because others need them."""
    found = set()
    for stanza in read_text(f'{root}/var/lib/apt/extended_states').split('\n\n'):
        fields = dict(line.split(': ', 1) for line in stanza.splitlines() if ': ' in line)
        if fields.get('Auto-Installed') == '1':
            # apt has packages for all architectures with the one of the system.
            found |= {(fields.get('Package', ''), arch) for arch in (fields.get('Architecture', ''), 'all')}
    return found


def with_configuration_alone(root: str) -> set[tuple[str, str]]:
    lines = (line.split('\t') for line in list_packages.dpkg_packages(root).splitlines())
    return {(name, arch) for name, _, arch, status in lines if status == 'config-files'}


def mark(entries: list[dict], packages: dict, original: str, merged: str) -> None:
    """Says of each path whether a package explains it, or a program that keeps its state there."""
    came = Owners(merged, packages['installed'] + packages['updated'])
    went = Owners(original, packages['removed'] + packages['updated'])
    for entry in entries:
        owners = went if entry['change'] == 'removed' else came
        # A folder belongs to all packages that have something in it, and none of them changes one that is there.
        is_shared = entry['type'] == 'folder' and entry['change'] == 'changed'
        owner = None if is_shared else owners.of(entry['path'])
        if owner is not None and (entry['change'] == 'removed' or came.is_as_packaged(entry)):
            entry['package'] = owner
        elif owner is None and is_state(entry):
            entry['state'] = True


def is_state(entry: dict) -> bool:
    is_file_of_state = entry['type'] != 'folder' and STATE_BUT_FOLDERS.match(entry['path']) is not None
    return is_file_of_state or STATE.search(entry['path']) is not None


class Owners:
    """The paths of some packages of an image."""

    def __init__(self, root: str, packages: list[dict]) -> None:
        self.root = root
        self.names: dict[str, str] = {}
        # Files that people are expected to edit, with the digest that they have in the package.
        self.configuration: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.unpacked: dict[str, float] = {}
        rpms = [package['name'] for package in packages if not self.read_dpkg(package)]
        if rpms:
            self.read_rpm(sorted(set(rpms)))
        if self.unpacked and len(rpms) < len(packages):
            self.read_conffiles(sorted({package['name'] for package in packages}))

    def read_dpkg(self, package: dict) -> bool:
        name = package['name']
        for stem in (f'{name}:{package["arch"]}', name):
            path = f'{self.root}/var/lib/dpkg/info/{stem}'
            if os.path.isfile(f'{path}.list'):
                self.names.update((line, name) for line in read_text(f'{path}.list').splitlines())
                for line in read_text(f'{path}.md5sums').splitlines():
                    digest, _, file = line.partition('  ')
                    self.digests[f'/{file}'] = digest
                self.unpacked[name] = os.stat(f'{path}.list').st_mtime
                return True
        return False

    def read_conffiles(self, names: list[str]) -> None:
        # Packages that are not there are said so, and are no reason to fail.
        said = subprocess.run(
            ['dpkg-query', f'--admindir={self.root}/var/lib/dpkg', '--show', '--showformat=${Conffiles}\n', *names],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode('utf-8', 'replace')
        for line in said.splitlines():
            if len(words := line.split()) >= 2:
                self.configuration[words[0]] = words[1]

    def read_rpm(self, names: list[str]) -> None:
        for line in list_packages.rpm_query(self.root, ['-q', '--qf', RPM_FILES, *names]).splitlines():
            if len(words := line.split('\t')) == 5:
                name, path, digest, flags, time = words
                self.names[path] = name
                (self.configuration if int(flags) & RPM_CONFIGURATION else self.digests)[path] = digest
                self.unpacked[name] = float(time)

    def of(self, path: str) -> str | None:
        """Packages may have files below /bin that are below /usr/bin, and the other way round."""
        return next((self.names[each] for each in spellings(path) if each in self.names), None)

    def is_as_packaged(self, entry: dict) -> bool:
        """Whether a file is as its package has it; only those are read that may have been edited since."""
        if entry['type'] != 'file':
            return True
        path = entry['path']
        expected = next((self.configuration[each] for each in spellings(path) if each in self.configuration), None)
        if expected is None and os.lstat(self.root + path).st_mtime > self.unpacked.get(self.of(path) or '', 0):
            expected = next((self.digests[each] for each in spellings(path) if each in self.digests), None)
        kind = RPM_DIGESTS.get(len(expected or ''))
        if kind is None:
            return True
        with open(self.root + path, 'rb') as file:
            return hashlib.file_digest(file, kind).hexdigest() == expected


def spellings(path: str) -> tuple[str, ...]:
    return path, path.removeprefix('/usr'), f'/usr{path}'


def read_text(path: str) -> str:
    """Empty where there is no such file. A link would lead to a file of the builder root."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ''
    with open(descriptor, encoding='utf-8', errors='replace') as file:
        return file.read()
