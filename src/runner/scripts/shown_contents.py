"""What of the content of changed files may be shown, and what is nobody's business.

A file that not everybody in the image may read is not shown to everybody who may look at its history; nor is one that looks as
if it had a secret in it, whoever may read it. Of such a file neither digest nor size is kept: both tell of short secrets.
"""

import base64
import hashlib
import os
import re
import stat

# Shorter values would be found everywhere.
SHORTEST = 4
TEXT_BYTES = 64 * 1024
BINARY_BYTES = 16 * 1024
# So that a script that has them is not longer than a job takes.
ALL_BYTES = 192 * 1024
SECRET_PATHS = re.compile(
    r'/etc/(g?shadow-?$|security/opasswd|krb5\.keytab|ssl/private/|pki/tls/private/|NetworkManager/system-connections/|wpa_supplicant)'
    r'|ssh_host_.*_key$|/\.ssh/(?!(authorized_keys|known_hosts|config)$|.*\.pub$)|/\.gnupg/|/id_[a-z0-9_]+$'
    r'|\.(key|keytab|p12|pfx|jks|kdbx|ovpn)$|/\.(netrc|pgpass|my\.cnf|git-credentials|dockercfg|env|[a-z]*_history|lesshst|viminfo)$'
    r'|/\.(docker|kube|aws|azure)/|/auth\.conf(\.d/|$)|(secret|token|credential|password)s?(\.[a-z0-9]+)?(/|$)', re.IGNORECASE)
SECRET_TEXTS = re.compile(
    rb'PRIVATE KEY'
    rb'|(?<![a-z])(pass(word|wd|phrase)?|psk|secret|token|credentials?|api[-_]?key|(access|secret|private)[-_]?key)["\']?'
    rb'[ \t]*[:=][ \t]*["\']?[^\s"\'#]'
    rb'|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@', re.IGNORECASE)


def read(root: str, entries: list[dict], settings: dict) -> dict:
    """Small contents by path; entries get their digest, or are marked as secret."""
    given = [value.encode() for value in settings['secrets'] if len(value) >= SHORTEST]
    texts: dict[str, str] = {}
    binaries: dict[str, str] = {}
    room = ALL_BYTES
    for entry in entries:
        path = entry['path']
        if entry['type'] != 'file' or 'package' in entry or 'state' in entry:
            continue
        if '\ufffd' in path:
            continue
        if entry['change'] == 'removed':
            if SECRET_PATHS.search(path):
                hide(entry)
            continue
        if not settings['has_contents'] or SECRET_PATHS.search(path) or not everybody_reads(root, path):
            hide(entry)
            continue
        data = content(root + path, entry['size_bytes'], entry)
        if data is not None and (SECRET_TEXTS.search(data) or any(value in data for value in given)):
            hide(entry)
            continue
        if data is None or len(data) > room or 'hard_link' in entry:
            continue
        decoded = decode(data)
        if decoded is not None:
            texts[path] = decoded
            room -= len(data)
        elif len(data) <= min(BINARY_BYTES, room // 2):
            binaries[path] = base64.b64encode(data).decode()
            room -= len(binaries[path])
    return {'texts': texts, 'binaries': binaries}


def hide(entry: dict) -> None:
    entry['secret'] = True
    for name in ('size_bytes', 'sha256'):
        entry.pop(name, None)


def everybody_reads(root: str, path: str) -> bool:
    folders = path.split('/')[:-1]
    ways = ['/'.join(folders[:count]) for count in range(1, len(folders) + 1)]
    return os.lstat(root + path).st_mode & stat.S_IROTH != 0 \
        and all(os.lstat(f'{root}{way}/').st_mode & stat.S_IXOTH for way in ways)


def content(path: str, size: int, entry: dict) -> bytes | None:
    """Notes the digest in the entry; None for a file that is too large to be shown."""
    with open(path, 'rb') as file:
        if size > TEXT_BYTES:
            entry['sha256'] = hashlib.file_digest(file, 'sha256').hexdigest()
            return None
        data = file.read()
    entry['sha256'] = hashlib.sha256(data).hexdigest()
    return data


def decode(data: bytes) -> str | None:
    try:
        return None if b'\0' in data else data.decode('utf-8')
    except UnicodeDecodeError:
        return None


def accounts(original: str, merged: str) -> dict:
    """Users and groups that came, and whether others were changed or went; no passwords."""
    before, now = table(original, 'passwd'), table(merged, 'passwd')
    groups_before, groups_now = table(original, 'group'), table(merged, 'group')
    users = [{'name': name, 'uid': fields[2], 'gid': fields[3], 'comment': fields[4], 'home': fields[5], 'shell': fields[6]}
             for name, fields in now.items() if name not in before and len(fields) == 7]
    groups = [{'name': name, 'gid': fields[2]} for name, fields in groups_now.items() if name not in groups_before and len(fields) == 4]
    members = [{'group': name, 'user': user} for name, fields in groups_now.items() if len(fields) == 4
               for user in fields[3].split(',') if user and user not in groups_before.get(name, [''] * 4)[3].split(',')]
    others = sorted({f'user {name}' for name, fields in before.items() if now.get(name) != fields}
                    | {f'group {name}' for name, fields in groups_before.items() if groups_now.get(name, [])[:3] != fields[:3]})
    return {'users': users, 'groups': groups, 'members': members, 'others': others}


def table(root: str, name: str) -> dict[str, list[str]]:
    try:
        descriptor = os.open(f'{root}/etc/{name}', os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return {}
    with open(descriptor, encoding='utf-8', errors='replace') as file:
        lines = (line.rstrip('\n').split(':') for line in file)
        return {fields[0]: fields for fields in lines if len(fields) > 3}
