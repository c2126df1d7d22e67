"""Tells the runner, outside of the sandbox, of a session of the shell, and what its terminal shows, as it happens.

What is told cannot be taken back: it is the runner that writes it down. Nothing of what is typed is told, only what is shown.
Nobody waits for the runner: a session whose runner does not listen goes on without a record.
"""

import json
import socket
import struct

SOCKET = '/work/record/record.sock'
# As the runner has it; what is still to be sent is never more than that either.
LIMIT_BYTES = 8 * 1024 * 1024
COMMAND_CHARS = 1000
CONNECT_SECONDS = 2
OUTPUT, RESIZE, CUT = b'o', b'r', b'x'


class Recorder:
    def __init__(self, told: dict) -> None:
        """The first line says which session it is; frames follow: a byte that says of what kind, a length, and so many bytes."""
        self.pending = bytearray()
        self.room = LIMIT_BYTES
        self.socket: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(CONNECT_SECONDS)
        try:
            self.socket.connect(SOCKET)
            self.socket.sendall(json.dumps(told).encode() + b'\n')
            self.socket.setblocking(False)
        except OSError:
            self.close()

    def wants_to_send(self) -> bool:
        return self.socket is not None and len(self.pending) > 0

    def output(self, data: bytes) -> None:
        if len(data) == 0:
            return
        if self.room >= len(data):
            self.room -= len(data)
            self.frame(OUTPUT, data)
        elif self.room >= 0:
            self.room = -1
            self.frame(CUT, b'')

    def resized(self, columns: int, rows: int) -> None:
        if self.room >= 16:
            self.room -= 16
            self.frame(RESIZE, f'{columns}x{rows}'.encode())

    def frame(self, kind: bytes, data: bytes) -> None:
        if self.socket is not None:
            self.pending += kind + struct.pack('>I', len(data)) + data
            self.send()

    def send(self) -> None:
        try:
            while self.wants_to_send():
                del self.pending[:self.socket.send(self.pending)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def finish(self, seconds: float) -> None:
        """Sends the rest, but does not wait for longer than that."""
        if self.wants_to_send():
            self.socket.settimeout(seconds)
            try:
                self.socket.sendall(self.pending)
            except OSError:
                pass
        self.close()

    def close(self) -> None:
        self.pending.clear()
        if self.socket is not None:
            self.socket.close()
            self.socket = None
