"""Keeps the shell of a job: has OpenSSH serve each connection, and waits for the verdict of the user.

Usage: open_shell.py < settings (JSON: root of the image, jail, authorized_keys, environment). Connections come on the Unix socket
SOCKET, each with its number, of so many digits, before what its client says; files in CONTROL are what the runner has to
say: `close` ends the shell, `say-N` is shown on all terminals.
Writes one JSON object a line: ready (host_key, fingerprint), active (something goes on), checkpoint, verdict (complete or failed, and the file that said it).
"""

import base64
import contextlib
import hashlib
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import jail

SOCKET = '/work/shell/sshd.sock'
CONTROL = '/work/control'
PRIVATE = '/run/kiln-shell'
POLL_SECONDS = 0.05
ACTIVITY_SECONDS = 5
SHOWN_SECONDS = 0.5
LAST_WORDS_SECONDS = 2
NUMBER_SECONDS = 2
NUMBER_DIGITS = 8
AROUND = '/mnt/image'
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
AcceptEnv LANG LC_* TERM COLORTERM
Subsystem sftp /usr/lib/openssh/sftp-server
ExposeAuthInfo yes
"""
SESSION = 'exec python3 -I /usr/local/kiln/session.py'


def main() -> None:
    settings = json.load(sys.stdin)
    root = settings['root']
    with jail.opened(root):
        host_key = prepare(settings)
        show_log(root)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(SOCKET)
        listener.listen(64)
        listener.settimeout(POLL_SECONDS)
        say(event='ready', host_key=host_key, fingerprint=fingerprint_of(host_key))
        serve(listener, {word: [f'{AROUND}/{word}', f'{root}/tmp/{word}'] for word in ('complete', 'failed', 'checkpoint')})


def fingerprint_of(host_key: str) -> str:
    """As ssh-keygen -l shows it."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return f'SHA256:{base64.b64encode(digest).decode().rstrip("=")}'


def show_log(root: str) -> None:
    """Puts the log of a failed build where people look for it."""
    log = f'{os.path.dirname(root)}/kiwi.log'
    if os.path.exists(log):
        os.symlink(os.path.relpath(log, AROUND), f'{AROUND}/kiwi.log')


def prepare(settings: dict) -> str:
    """Everything that sshd needs; the public host key."""
    os.makedirs(PRIVATE, mode=0o700)
    os.makedirs('/run/sshd', mode=0o755, exist_ok=True)
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', f'{PRIVATE}/host_key')
    if settings['jail']:
        jail.lend(settings['root'])
        if not any(os.path.lexists(f'{settings["root"]}{folder}/python3') for folder in jail.ENVIRONMENT['PATH'].split(':')):
            # Clients with Ansible find it behind all that the image has itself.
            jail.lend_python(settings['root'])
    write('authorized_keys', settings['authorized_keys'])
    write('session.json', json.dumps({name: settings[name] for name in ('root', 'jail', 'environment')}))
    write('sshd_config', CONFIGURATION)
    with open(f'{PRIVATE}/host_key.pub', encoding='utf-8') as file:
        return ' '.join(file.read().split()[:2])


def serve(listener: socket.socket, markers: dict[str, list[str]]) -> None:
    sessions: list[subprocess.Popen] = []
    shown: set[str] = set()
    activity = Activity()
    while True:
        try:
            connection, _ = listener.accept()
            with connection:
                number = number_of(connection)
                if number is not None:
                    sessions.append(subprocess.Popen(
                        [SSHD, '-i', '-e', '-f', f'{PRIVATE}/sshd_config', '-o', f'ForceCommand={SESSION} {number}'],
                        stdin=connection, stdout=connection,
                    ))
        except TimeoutError:
            pass
        sessions = [session for session in sessions if session.poll() is None]
        if activity.is_new():
            say(event='active')
        for path in markers['checkpoint']:
            if os.path.lexists(path) and not os.path.isdir(path):
                os.unlink(path)
                say(event='checkpoint')
        verdict = next(((word, path) for word in ('complete', 'failed') for path in markers[word] if os.path.lexists(path)), None)
        words = os.listdir(CONTROL)
        for name in sorted(words):
            if name.startswith('say-') and name not in shown:
                shown.add(name)
                if show(name) > 0:
                    activity.forget()
        if verdict is not None:
            say(event='verdict', verdict=verdict[0], file=verdict[1])
        if verdict is not None or 'close' in words:
            listener.close()
            end(sessions)
            return


def number_of(connection: socket.socket) -> int | None:
    """What the runner calls a connection; None for one that is not of the runner, which is no process in here."""
    pid, _, _ = struct.unpack('3i', connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize('3i')))
    if pid != 0:
        return None
    connection.settimeout(NUMBER_SECONDS)
    try:
        number = connection.recv(NUMBER_DIGITS)
    except OSError:
        return None
    connection.setblocking(True)
    return int(number) if len(number) == NUMBER_DIGITS else None


class Activity:
    """Whether people or their programs do something: terminals that are written to or from, and processes that take time.

    What goes through the connections tells nothing: clients and servers keep them alive by sending something now and then.
    """

    def __init__(self) -> None:
        self.seen: object = None
        self.next = 0.0

    def forget(self) -> None:
        """What we have shown on terminals is nothing that people do; a moment later it has gone through all of them."""
        self.seen = None
        self.next = time.monotonic() + SHOWN_SECONDS

    def is_new(self) -> bool:
        if time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + ACTIVITY_SECONDS
        now = (terminal_times(), processor_ticks())
        before, self.seen = self.seen, now
        return before is not None and before != now


def terminal_times() -> list[tuple[str, float, float]]:
    found = []
    for name in sorted(os.listdir('/dev/pts')):
        if name.isdigit():
            with contextlib.suppress(FileNotFoundError):
                times = os.stat(f'/dev/pts/{name}')
                found.append((name, times.st_atime, times.st_mtime))
    return found


def processor_ticks() -> list[tuple[str, int]]:
    """Of each process but sshd's and this one."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
            # The name is in parentheses, and may have any character; user and system time are the 14th and 15th field.
            name, fields = file.read().split('(', 1)[1].rsplit(')', 1)
            times = fields.split()[11:13]
            if int(pid) != os.getpid() and not name.startswith('sshd'):
                found.append((pid, int(times[0]) + int(times[1])))
    return sorted(found)


def end(sessions: list[subprocess.Popen]) -> None:
    """Whoever said the last word may hang up in peace."""
    until = time.monotonic() + LAST_WORDS_SECONDS
    while time.monotonic() < until and any(session.poll() is None for session in sessions):
        time.sleep(POLL_SECONDS)
    for session in sessions:
        if session.poll() is None:
            session.send_signal(signal.SIGTERM)


def show(name: str) -> int:
    """On how many terminals it is shown."""
    with open(f'{CONTROL}/{name}', encoding='utf-8') as file:
        text = file.read()
    return sum(show_on(f'/dev/pts/{terminal}', text) for terminal in os.listdir('/dev/pts') if terminal.isdigit())


def show_on(terminal: str, text: str) -> bool:
    try:
        # What is shown on another terminal besides is marked so by terminal.py.
        if os.stat(terminal).st_mode & stat.S_ISVTX:
            return False
        descriptor = os.open(terminal, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        os.write(descriptor, f'\r\n{text}\r\n'.encode())
        os.close(descriptor)
        return True
    except OSError as error:
        print(f'a terminal could not be told: {error}', file=sys.stderr)
        return False


def write(name: str, text: str) -> None:
    with open(os.open(f'{PRIVATE}/{name}', os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w', encoding='utf-8') as file:
        file.write(text)


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def say(**event) -> None:
    print(json.dumps(event), flush=True)


if __name__ == '__main__':
    main()
