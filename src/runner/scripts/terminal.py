"""Puts a terminal of its own between that of sshd and a program, so that what is shown can be recorded.

It is as if it were not there: the terminal of sshd is raw, everything goes through both ways as it is, so do window sizes; the
program has the modes that the client asked for, is hung up with its client, and how it ended is how this process ends.
"""

import errno
import fcntl
import os
import pty
import select
import signal
import stat
import termios
import tty
from collections.abc import Callable

from recorder import Recorder

CHUNK = 64 * 1024
# A program that is not read from is not asked for more, and neither is the client of one that does not read.
BUFFER = 128 * 1024
# What background processes still show when the program has ended is waited for no longer than this.
GAP_MS = 50
LAST_BYTES = 1024 * 1024
LAST_WORDS_SECONDS = 2
OUTER = 0


def prepare() -> list:
    """To be called at once: what is typed ahead is not for this terminal to echo. Gives the modes that the client asked for."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    modes = termios.tcgetattr(OUTER)
    tty.setraw(OUTER, termios.TCSANOW)
    return modes


def size_of(terminal: int) -> tuple[int, int]:
    """Columns and rows; 0 where the client did not say."""
    size = os.get_terminal_size(terminal)
    return size.columns, size.lines


def restore_signals() -> None:
    """As a program expects them that sshd starts."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def run(modes: list, recorder: Recorder, become: Callable[[], None]) -> None:
    """Runs `become`, which executes a program, on the inner terminal, and ends this process as the program ended."""
    size = fcntl.ioctl(OUTER, termios.TIOCGWINSZ, bytes(8))
    pid, inner = pty.fork()
    if pid == 0:
        termios.tcsetattr(0, termios.TCSANOW, modes)
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.environ['SSH_TTY'] = os.ttyname(0)
        become()
    # The child may not have come so far, and it must not look as if the window had changed.
    fcntl.ioctl(inner, termios.TIOCSWINSZ, size)
    # Words for all terminals are for the inner one: open_shell.py leaves those out that are marked so.
    os.fchmod(OUTER, stat.S_IMODE(os.fstat(OUTER).st_mode) | stat.S_ISVTX)
    status = Relay(pid, inner, recorder).run()
    recorder.finish(LAST_WORDS_SECONDS)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        # KILL has no handler that could be taken away.
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


class Relay:
    def __init__(self, pid: int, inner: int, recorder: Recorder) -> None:
        self.pid, self.inner, self.recorder = pid, inner, recorder
        self.to_inner, self.to_outer = bytearray(), bytearray()
        self.is_shown, self.is_hung_up = True, False
        self.shown_bytes = 0
        self.status: int | None = None
        for descriptor in (OUTER, inner):
            os.set_blocking(descriptor, False)
        self.wakes, waker = os.pipe()
        for descriptor in (self.wakes, waker):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(waker)
        for number in (signal.SIGCHLD, signal.SIGWINCH):
            signal.signal(number, lambda *_: None)

    def run(self) -> int:
        self.notice()
        while self.status is None:
            self.step(None)
        enough = self.shown_bytes + LAST_BYTES
        while self.is_shown and self.shown_bytes < enough:
            if not self.step(GAP_MS) and not self.to_outer:
                break
        self.is_shown = False
        while self.to_outer:
            self.step(None)
        return self.status

    def step(self, timeout_ms: int | None) -> bool:
        """Passes on what there is; False when there was nothing for so long."""
        poll = select.poll()
        poll.register(self.wakes, select.POLLIN)
        if not self.is_hung_up:
            wanted = select.POLLIN if len(self.to_inner) < BUFFER and self.status is None else 0
            poll.register(OUTER, wanted | (select.POLLOUT if self.to_outer else 0))
        # Without a wish for it, its end would be told again and again.
        if self.is_shown and (self.has_room() or self.to_inner):
            wanted = select.POLLIN if self.has_room() else 0
            poll.register(self.inner, wanted | (select.POLLOUT if self.to_inner else 0))
        if self.recorder.wants_to_send():
            poll.register(self.recorder.socket, select.POLLOUT)
        events = dict(poll.poll(timeout_ms))
        if self.wakes in events:
            self.notice()
        if OUTER in events:
            self.serve_outer(events[OUTER])
        if self.is_shown and self.inner in events:
            self.serve_inner(events[self.inner])
        self.recorder.send()
        return len(events) > 0

    def notice(self) -> None:
        """The program ended, or the window of the client has another size."""
        try:
            os.read(self.wakes, CHUNK)
        except BlockingIOError:
            pass
        size = fcntl.ioctl(OUTER, termios.TIOCGWINSZ, bytes(8)) if not self.is_hung_up else None
        if size is not None and size != fcntl.ioctl(self.inner, termios.TIOCGWINSZ, bytes(8)):
            # The kernel tells the programs in it.
            fcntl.ioctl(self.inner, termios.TIOCSWINSZ, size)
            self.recorder.resized(*size_of(self.inner))
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid == self.pid:
                self.status = status

    def serve_outer(self, events: int) -> None:
        if events & select.POLLIN:
            data = read(OUTER)
            self.to_inner += data or b''
            if data is None:
                events |= select.POLLHUP
        if events & (select.POLLHUP | select.POLLERR):
            self.hang_up()
        elif events & select.POLLOUT:
            write(OUTER, self.to_outer)

    def serve_inner(self, events: int) -> None:
        if events & (select.POLLHUP | select.POLLERR):
            self.to_inner.clear()
        elif events & select.POLLOUT:
            write(self.inner, self.to_inner)
        if self.has_room() and events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            data = read(self.inner)
            # At its end nobody has the terminal open any more; the program may go on for all that.
            self.is_shown = data is not None
            self.to_outer += data or b''
            self.shown_bytes += len(data or b'')
            self.recorder.output(data or b'')

    def has_room(self) -> bool:
        return len(self.to_outer) < BUFFER

    def hang_up(self) -> None:
        """The client is gone: so is the terminal, and the kernel tells the programs in it."""
        self.is_hung_up, self.is_shown = True, False
        self.to_outer.clear()
        os.close(self.inner)


def read(descriptor: int) -> bytes | None:
    """None at its end."""
    try:
        return os.read(descriptor, CHUNK) or None
    except BlockingIOError:
        return b''
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return None


def write(descriptor: int, data: bytearray) -> None:
    try:
        del data[:os.write(descriptor, data)]
    except BlockingIOError:
        pass
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        data.clear()
