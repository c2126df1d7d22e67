"""Keeps the shell of a job: has OpenSSH serve each connection, and waits for the verdict of the user.

Usage: open_shell.py < settings (JSON: jail, authorized_keys, environment). Connections come on the Unix socket
SOCKET; files in CONTROL are what the runner has to say: `close` ends the shell, `say-N` is shown on all terminals.
Writes one JSON object a line: ready (host_key, fingerprint), verdict (complete or failed, and the file that said it).
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import jail

SOCKET = '/work/shell/sshd.sock'
CONTROL = '/work/control'
PRIVATE = '/run/kiln-shell'
POLL_SECONDS = 0.05
LAST_WORDS_SECONDS = 2
MARKERS = {'complete': ['/mnt/image/complete', f'{jail.IMAGE}/tmp/complete'],
           'failed': ['/mnt/image/failed', f'{jail.IMAGE}/tmp/failed']}
SSHD = '/usr/sbin/sshd'
CONFIGURATION = f"""
HostKey {PRIVATE}/host_key
AuthorizedKeysFile {PRIVATE}/authorized_keys
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
AllowUsers root
PidFile none
PrintMotd no
PrintLastLog no
X11Forwarding no
AllowTcpForwarding no
ClientAliveInterval 30
AcceptEnv LANG LC_* TERM COLORTERM
Subsystem sftp /usr/lib/openssh/sftp-server
ForceCommand exec python3 -I /usr/local/kiln/session.py
"""


def main() -> None:
    settings = json.load(sys.stdin)
    with jail.opened():
        host_key = prepare(settings)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(SOCKET)
        listener.listen(64)
        listener.settimeout(POLL_SECONDS)
        fingerprint = run('ssh-keygen', '-l', '-E', 'sha256', '-f', f'{PRIVATE}/host_key').split()[1]
        say(event='ready', host_key=host_key, fingerprint=fingerprint)
        serve(listener)


def prepare(settings: dict) -> str:
    """Everything that sshd needs; the public host key."""
    os.makedirs(PRIVATE, mode=0o700)
    os.makedirs('/run/sshd', mode=0o755, exist_ok=True)
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', f'{PRIVATE}/host_key')
    if settings['jail']:
        jail.lend()
    write('authorized_keys', settings['authorized_keys'])
    write('session.json', json.dumps({'jail': settings['jail'], 'environment': settings['environment']}))
    write('sshd_config', CONFIGURATION)
    with open(f'{PRIVATE}/host_key.pub', encoding='utf-8') as file:
        return ' '.join(file.read().split()[:2])


def serve(listener: socket.socket) -> None:
    sessions: list[subprocess.Popen] = []
    shown: set[str] = set()
    while True:
        try:
            connection, _ = listener.accept()
            with connection:
                sessions.append(subprocess.Popen(
                    [SSHD, '-i', '-e', '-f', f'{PRIVATE}/sshd_config'], stdin=connection, stdout=connection,
                ))
        except TimeoutError:
            pass
        sessions = [session for session in sessions if session.poll() is None]
        verdict = next(((word, path) for word, paths in MARKERS.items() for path in paths if os.path.lexists(path)), None)
        words = os.listdir(CONTROL)
        for name in sorted(words):
            if name.startswith('say-') and name not in shown:
                shown.add(name)
                show(name)
        if verdict is not None:
            say(event='verdict', verdict=verdict[0], file=verdict[1])
        if verdict is not None or 'close' in words:
            listener.close()
            end(sessions)
            return


def end(sessions: list[subprocess.Popen]) -> None:
    """Whoever said the last word may hang up in peace."""
    until = time.monotonic() + LAST_WORDS_SECONDS
    while time.monotonic() < until and any(session.poll() is None for session in sessions):
        time.sleep(POLL_SECONDS)
    for session in sessions:
        if session.poll() is None:
            session.send_signal(signal.SIGTERM)


def show(name: str) -> None:
    with open(f'{CONTROL}/{name}', encoding='utf-8') as file:
        text = file.read()
    for terminal in os.listdir('/dev/pts'):
        if terminal.isdigit():
            try:
                descriptor = os.open(f'/dev/pts/{terminal}', os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
                os.write(descriptor, f'\r\n{text}\r\n'.encode())
                os.close(descriptor)
            except OSError as error:
                print(f'a terminal could not be told: {error}', file=sys.stderr)


def write(name: str, text: str) -> None:
    with open(os.open(f'{PRIVATE}/{name}', os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w', encoding='utf-8') as file:
        file.write(text)


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def say(**event) -> None:
    print(json.dumps(event), flush=True)


if __name__ == '__main__':
    main()
