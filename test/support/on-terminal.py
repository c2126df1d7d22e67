"""Runs a command on a terminal of its own and does what a person would: reads what is shown, types, resizes the window, leaves.

Usage: on-terminal.py COLUMNS ROWS COMMAND... < steps (JSON). Steps are done one after the other: {"expect": REGEX} waits for text
that comes after what was waited for last, {"type": TEXT}, {"resize": [COLUMNS, ROWS]}, {"vanish": true} ends the command at once,
{"until_end": true} waits for its end. Each waits for five minutes at most. Writes JSON: `shown`, `code`, and what went `wrong`.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE_SECONDS = 300


class Terminal:
    def __init__(self, columns: int, rows: int, command: list[str]) -> None:
        self.shown, self.seen, self.code = bytearray(), 0, None
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        self.resize([columns, rows])

    def resize(self, size: list[int]) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack('HHHH', size[1], size[0], 0, 0))

    def read(self, until: float) -> bool:
        """False when there is nothing more, or no time."""
        if not select.select([self.terminal], [], [], max(0, until - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            data = b''
        self.shown += data
        return len(data) > 0

    def expect(self, pattern: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while (found := re.compile(pattern.encode()).search(self.shown, self.seen)) is None:
            if not self.read(until):
                raise TimeoutError(f'{pattern!r} was not shown')
        self.seen = found.end()

    def end(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while self.read(until):
            pass
        while self.code is None:
            if time.monotonic() > until:
                raise TimeoutError('the command does not end')
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
            time.sleep(0.01)

    def step(self, step: dict) -> None:
        (what, value), = step.items()
        if what == 'expect':
            self.expect(value)
        elif what == 'type':
            os.write(self.terminal, value.encode())
        elif what == 'resize':
            self.resize(value)
        elif what == 'vanish':
            os.kill(self.pid, signal.SIGKILL)
        elif what == 'until_end':
            self.end()
        else:
            raise ValueError(f'nobody knows how to {what}')


def main() -> None:
    steps = json.load(sys.stdin)
    columns, rows, *command = sys.argv[1:]
    terminal = Terminal(int(columns), int(rows), command)
    wrong = None
    for step in steps:
        try:
            terminal.step(step)
        except (TimeoutError, OSError) as error:
            wrong = f'{step}: {error}'
            os.kill(terminal.pid, signal.SIGKILL)
            break
    json.dump({'shown': terminal.shown.decode('utf-8', 'replace'), 'code': terminal.code, 'wrong': wrong}, sys.stdout)


main()
