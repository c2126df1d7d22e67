"""What sshd runs for each session of the shell of a job: in the image when it is jailed, else beside it.

Usage: session.py CONNECTION, the number that the runner has given to the connection. The command, if the client gave one, is in
SSH_ORIGINAL_COMMAND; without one it is a login shell. The runner is told of every session, and of what a terminal shows.
"""

import base64
import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import terminal
from recorder import COMMAND_CHARS, Recorder

import jail


def main() -> None:
    has_terminal = os.isatty(terminal.OUTER)
    modes = terminal.prepare() if has_terminal else None
    with open('/run/kiln-shell/session.json', encoding='utf-8') as file:
        session = json.load(file)
    command = os.environ.pop('SSH_ORIGINAL_COMMAND', None)
    os.environ.update(session['environment'])
    os.environ.pop('TAR_OPTIONS', None)
    recorder = Recorder({
        'connection': int(sys.argv[1]),
        'key': key_of(os.environ.pop('SSH_USER_AUTH', '')),
        'command': None if command is None else printable(command),
        'terminal': terminal_of() if has_terminal else None,
    })
    if has_terminal:
        terminal.run(modes, recorder, lambda: become(session, command))
    recorder.close()
    become(session, command)


def key_of(file: str) -> str | None:
    """Fingerprint and comment of the key that opened the session: sshd leaves a line about it in a file."""
    try:
        with open(file, encoding='utf-8') as lines:
            _, kind, blob, *_ = lines.readline().split()
        digest = base64.b64encode(hashlib.sha256(base64.b64decode(blob)).digest()).decode().rstrip('=')
        with open('/run/kiln-shell/authorized_keys', encoding='utf-8') as keys:
            comment = next((line.split(blob, 1)[1].strip() for line in keys if f'{kind} {blob}' in line), '')
        return printable(f'SHA256:{digest} {comment}'.strip())
    except (OSError, ValueError):
        return None


def printable(text: str) -> str:
    """What is no UTF-8 is in surrogates, which nobody else knows what to do with."""
    whole = text.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace')
    return whole if len(whole) <= COMMAND_CHARS else f'{whole[:COMMAND_CHARS]}…'


def terminal_of() -> dict:
    columns, rows = terminal.size_of(terminal.OUTER)
    return {'columns': columns, 'rows': rows, 'type': printable(os.environ.get('TERM', ''))}


def become(session: dict, command: str | None) -> None:
    terminal.restore_signals()
    if session['jail']:
        jail.enter(session['root'])
        os.environ['PATH'] = f'{jail.ENVIRONMENT["PATH"]}:{jail.LENT}/bin'
        os.environ['PYTHONDONTWRITEBYTECODE'] = jail.ENVIRONMENT['PYTHONDONTWRITEBYTECODE']
        if command == jail.SFTP:
            command = f'exec {jail.LENT}/bin/sftp-server'
    else:
        os.chdir('/mnt/image')
    shell = next((path for path in ('/bin/bash', '/bin/sh') if os.access(path, os.X_OK)), None)
    if shell is None:
        sys.exit('the image has no shell: neither /bin/bash nor /bin/sh')
    os.environ['SHELL'] = shell
    if command is None:
        os.execv(shell, [f'-{os.path.basename(shell)}'])
    os.execv(shell, [shell, '-c', command])


if __name__ == '__main__':
    main()
