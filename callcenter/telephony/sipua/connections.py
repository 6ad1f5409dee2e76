"""One TCP or TLS connection, accepted or opened: frames by Content-Length (RFC 3261 section 18.3), keep-alives."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from callcenter.telephony.sipua.flows import Flow

MAX_MESSAGE = 65_536
"""Bytes of one SIP message over TCP; a peer that sends more is cut off."""


class Owner(Protocol):
    """The transport whose connection it is."""

    def connected(self, connection: "Connection") -> bool:
        """Whether there is room for it."""

    def disconnected(self, connection: "Connection") -> None: ...
    def received(self, data: bytes, flow: Flow) -> None: ...


class Connection(asyncio.Protocol):
    """`flow` is where it leads; `names` are the keys (transport, host, port) by which its owner finds it.

    `heard`: loop time of its last whole message or keep-alive; `spoke`: whether there was one.
    """

    def __init__(self, owner: Owner, number: int, kind: str, clock: Callable[[], float]) -> None:
        self._owner = owner
        self._clock = clock
        self._buffer = bytearray()
        self.number = number
        self.flow = Flow(kind, "", 0, number)
        self.names: list[tuple[str, str, int]] = []
        self.heard = clock()
        self.spoke = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self.flow = Flow(self.flow.transport, peer[0], peer[1], self.number)
        if not self._owner.connected(self):
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            self._answer_keepalive()
            message = self._next_message()
            if message is None:
                return
            self.heard, self.spoke = self._clock(), True
            self._owner.received(message, self.flow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.disconnected(self)

    def send(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def _answer_keepalive(self) -> None:
        """RFC 5626 section 3.5.1: a double CRLF is a ping and gets one CRLF; a single one before a message is nothing."""
        while self._buffer[:2] == b"\r\n":
            self.heard, self.spoke = self._clock(), True
            if self._buffer[:4] == b"\r\n\r\n":
                del self._buffer[:4]
                self.send(b"\r\n")
            elif len(self._buffer) > 2 and self._buffer[2:3] != b"\r":
                del self._buffer[:2]
            else:
                return

    def _next_message(self) -> bytes | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_MESSAGE:
                self.close()
            return None
        length = content_length(bytes(self._buffer[:end]))
        if length is None or length > MAX_MESSAGE:
            self.close()
            return None
        total = end + 4 + length
        if len(self._buffer) < total:
            return None
        message = bytes(self._buffer[:total])
        del self._buffer[:total]
        return message


def content_length(head: bytes) -> int | None:
    """Declared body length of a header section, 0 when absent, None when it is no length or said twice: then nobody
    knows where the message ends, and what is taken for the next one could be smuggled in."""
    said = [
        value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        if name.strip().lower() in (b"content-length", b"l")
    ]
    if not said:
        return 0
    return int(said[0]) if len(said) == 1 and said[0].isdigit() else None
