"""Lays the files of one package out and lists them for rpmbuild; `%install` of every spec calls it.

Usage: lay_out.py PLAN NAME ROOT LIST

PLAN is the JSON that build_packages.py was given. Everything is in /usr: paths of a package of Debian that go
through /bin, /sbin, /lib or /lib64 are rewritten, because those are links of another package and rpm does not unpack
through links.
"""

import grp
import json
import os
import pwd
import re
import stat
import subprocess
import sys
import tarfile

MERGED = re.compile(r'^(bin|sbin|lib|lib32|lib64|libx32)(/|$)')
# Of use to Debian's own tools only.
NOT_TAKEN = re.compile(r'^usr/share/(lintian|bug|doc-base|apport|cruft|debconf|initramfs-tools)(/|$)')


def merged(path: str) -> str:
    return f'usr/{path}' if MERGED.match(path) else path


def unpack(archive: str, root: str) -> None:
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', archive], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode='r|') as tar:
            for member in tar:
                original = member.name.removeprefix('.').strip('/')
                member.name = merged(original)
                if original == '' or NOT_TAKEN.match(member.name) or member.isdev():
                    continue
                if member.issym() and member.name != original and not member.linkname.startswith('/'):
                    # Relative to where it was; a level has come between.
                    member.linkname = '/' + merged(
                        os.path.normpath(os.path.join(os.path.dirname(original), member.linkname))
                    )
                if member.islnk():
                    member.linkname = merged(member.linkname.removeprefix('.').strip('/'))
                tar.extract(member, root, filter='fully_trusted')
    if process.returncode != 0:
        sys.exit(f'dpkg-deb ended with {process.returncode}: {archive}')


def quoted(path: str) -> str:
    """As a line of %files has it: in quotes patterns mean themselves, and a percent sign is no macro."""
    return '"' + path.replace('%', '%%') + '"'


def owned(info: os.stat_result) -> str:
    """Files of others than root have to be marked, by names that the image knows, too."""
    if (info.st_uid, info.st_gid) == (0, 0):
        return ''
    return f'%attr(-, {pwd.getpwuid(info.st_uid).pw_name}, {grp.getgrgid(info.st_gid).gr_name}) '


def listing(root: str, conffiles: set[str], shared: set[str]) -> list[str]:
    lines = []
    for folder, folders, files in os.walk(root):
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            inside = path.removeprefix(root)
            info = os.lstat(path)
            line = owned(info) + quoted(inside)
            if stat.S_ISDIR(info.st_mode):
                if inside.strip('/') not in shared:
                    lines.append(f'%dir {line}')
            elif inside in conffiles:
                lines.append(f'%config(noreplace) {line}')
            else:
                lines.append(line)
    return lines


def main() -> None:
    plan_file, name, root, list_file = sys.argv[1:]
    with open(plan_file, encoding='utf-8') as file:
        plan = json.load(file)
    package = plan['packages'][name]
    os.umask(0o022)
    os.makedirs(root, exist_ok=True)
    if package['archive'] is not None:
        unpack(package['archive'], root)
    subprocess.run(['sh', '-euc', package['files']], cwd=root, check=True)
    shared = set() if package['owns_shared'] else set(plan['shared_directories'])
    with open(list_file, 'w', encoding='utf-8') as file:
        file.write('\n'.join(listing(root, set(package['conffiles']), shared)) + '\n')


main()
