"""The control channel between the line and its audio process: whole messages, with sockets attached where needed."""

import errno
import marshal
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

CHUNK = 32 * 1024
"""Bytes of sound in one message, small enough that reading it delays no packet."""
_ROOM = 64 * 1024
_FULL = {errno.EAGAIN, errno.ENOBUFS, errno.ETOOMANYREFS}

Message = tuple[Any, ...]


class WireClosed(Exception):
    """The other process is gone."""


class Wire:
    """One end. Never blocks: what does not fit waits in order until `flush`."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._waiting: deque[tuple[bytes, Sequence[int], Callable[[], None] | None]] = deque()

    @property
    def waiting(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._waiting)

    def send(
        self, message: Message, fds: Sequence[int] = (), after: Callable[[], None] | None = None
    ) -> None:
        """Send, in order, a tuple of plain values and duplicates of `fds`; `after` is called once it is on its way."""
        # marshal: both ends are the same interpreter on a private socket pair, and it carries bytes as they are
        self._waiting.append((marshal.dumps(message), fds, after))
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as it goes. A peer that is gone is noticed by `receive`."""
        while self._waiting:
            body, fds, after = self._waiting[0]
            try:
                if fds:
                    socket.send_fds(self.sock, [body], fds)
                else:
                    self.sock.send(body)
            except OSError as error:
                if error.errno in _FULL:
                    return
            self._waiting.popleft()
            if after:
                after()

    def receive(self) -> tuple[Message, list[int]] | None:
        """The next message with its descriptors, None when there is none now; raises WireClosed."""
        try:
            body, fds, _, _ = socket.recv_fds(self.sock, _ROOM, 4)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            raise WireClosed from error
        if not body:
            raise WireClosed
        return marshal.loads(body), fds  # noqa: S302 - from our own child or parent alone

    def close(self) -> None:
        """Close our end and forget what waits."""
        waiting, self._waiting = self._waiting, deque()
        for _, _, after in waiting:
            if after:
                after()
        self.sock.close()
