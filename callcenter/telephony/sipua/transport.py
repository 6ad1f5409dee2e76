"""Bytes in and out: one UDP socket and one TCP listener on the same port, and the TCP connections we open.

RFC 3261 section 18. A `Flow` says by which way something came, so that the answer goes the same way back.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import cast

MAX_MESSAGE = 65_536
"""Bytes of one SIP message over TCP; a peer that sends more is cut off."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a message came from or shall go. `transport` is udp | tcp; `connection` numbers a TCP connection, or 0."""

    transport: str
    host: str
    port: int
    connection: int = 0

    @property
    def address(self) -> str:
        return join_host(self.host, self.port)


Receive = Callable[[bytes, Flow], None]
Lost = Callable[[Flow], None]
Drop = Callable[[bytes, bool], bool]
"""Test hook: (datagram, inbound) -> whether the network loses it."""


def join_host(host: str, port: int) -> str:
    """`host:port`, an IPv6 literal in brackets."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def split_host(address: str, default_port: int = 5060) -> tuple[str, int]:
    """`host:port`, `[v6]:port` or `host` taken apart. Raises ValueError for a port that is no number."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, int(rest[1:]) if rest.startswith(":") else default_port
    host, colon, port = address.rpartition(":")
    if not colon or ":" in host:
        return address, default_port
    return host, int(port)


def is_address(host: str) -> bool:
    """Whether `host` is an IP literal, which needs no look-up."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


class _Datagrams(asyncio.DatagramProtocol):
    """Own protocol: aiosipua's receives nothing under uvloop."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, Flow("udp", addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """ICMP errors name no transaction; its timer ends it."""


class _Connection(asyncio.Protocol):
    """One TCP connection, accepted or opened: frames by Content-Length (RFC 3261 section 18.3)."""

    def __init__(self, owner: "Transport", number: int) -> None:
        self._owner = owner
        self._buffer = bytearray()
        self.number = number
        self.flow = Flow("tcp", "", 0, number)
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self.flow = Flow("tcp", peer[0], peer[1], self.number)
        self._owner.connected(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            self._answer_keepalive()
            message = self._next_message()
            if message is None:
                return
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
    """Declared body length of a header section, 0 when absent, None when it is no length."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() in (b"content-length", b"l"):
            value = value.strip()
            return int(value) if value.isdigit() else None
    return 0


class Transport:
    """UDP and TCP on one port.

    `receive` gets each whole message, `lost` each TCP flow that broke or could not be opened. `drop` loses
    datagrams for tests.
    """

    def __init__(self, receive: Receive, lost: Lost, drop: Drop | None = None) -> None:
        self._receive = receive
        self._lost = lost
        self._drop = drop
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[int, _Connection] = {}
        self._by_address: dict[tuple[str, int], _Connection] = {}
        self._waiting: dict[tuple[str, int], list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._names: dict[str, str] = {}

    async def start(self, host: str, port: int) -> int:
        """Listen on `host:port`, by UDP and TCP; port 0 takes a free one. Returns the port. Raises OSError."""
        loop = asyncio.get_running_loop()
        for attempt in range(20):
            self._server = await loop.create_server(self._accept, host, port)
            bound = int(self._server.sockets[0].getsockname()[1])
            try:
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self.received), local_addr=(host, bound)
                )
            except OSError:
                self._server.close()
                if port or attempt == 19:
                    raise
                continue
            self._widen_buffer()
            return bound
        raise OSError("no port is free for both UDP and TCP")

    def send(self, data: bytes, flow: Flow) -> None:
        """Hand `data` to the network; loss shows as silence (UDP) or by `lost` (TCP)."""
        if flow.transport == "tcp":
            self._send_tcp(data, flow)
        elif (
            self._udp is not None
            and not self._udp.is_closing()
            and not (self._drop and self._drop(data, False))
        ):
            if is_address(flow.host):
                with contextlib.suppress(OSError, OverflowError, ValueError):
                    self._udp.sendto(data, (flow.host, flow.port))
            else:
                self._spawn(self._send_named(data, flow))

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections.values()):
            connection.close()
        if self._udp is not None:
            self._udp.close()
        await asyncio.sleep(0)

    def alive(self, flow: Flow) -> bool:
        """Whether the very TCP connection of `flow` is still open; UDP always is."""
        return flow.transport == "udp" or flow.connection in self._connections

    def received(self, data: bytes, flow: Flow) -> None:
        if flow.transport == "udp" and self._drop and self._drop(data, True):
            return
        self._receive(data, flow)

    def connected(self, connection: _Connection) -> None:
        self._connections[connection.number] = connection
        self._by_address[connection.flow.host, connection.flow.port] = connection

    def disconnected(self, connection: _Connection) -> None:
        self._connections.pop(connection.number, None)
        address = (connection.flow.host, connection.flow.port)
        if self._by_address.get(address) is connection:
            del self._by_address[address]
        self._lost(connection.flow)

    def _accept(self) -> _Connection:
        self._numbers += 1
        return _Connection(self, self._numbers)

    def _widen_buffer(self) -> None:
        """A burst of INVITEs must fit into the socket while one is handled."""
        sock = self._udp.get_extra_info("socket") if self._udp else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)

    def _send_tcp(self, data: bytes, flow: Flow) -> None:
        connection = self._connections.get(flow.connection) or self._by_address.get((flow.host, flow.port))
        if connection is not None:
            connection.send(data)
            return
        address = (flow.host, flow.port)
        waiting = self._waiting.setdefault(address, [])
        waiting.append(data)
        if len(waiting) == 1:
            self._spawn(self._connect(address))

    async def _connect(self, address: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(10):
                _, connection = await loop.create_connection(self._accept, *address)
        except (OSError, TimeoutError):
            self._waiting.pop(address, None)
            self._lost(Flow("tcp", *address))
            return
        self._by_address[address] = connection
        for data in self._waiting.pop(address, []):
            connection.send(data)

    async def _send_named(self, data: bytes, flow: Flow) -> None:
        """Look the host up first (A and AAAA records; RFC 3263's SRV and NAPTR are left to a proxy in front)."""
        host = self._names.get(flow.host)
        if host is None:
            loop = asyncio.get_running_loop()
            try:
                found = await loop.getaddrinfo(flow.host, flow.port, type=socket.SOCK_DGRAM)
            except OSError:
                return
            host = self._names[flow.host] = str(found[0][4][0])
            loop.call_later(60, self._names.pop, flow.host, None)
        if self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(data, (host, flow.port))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
