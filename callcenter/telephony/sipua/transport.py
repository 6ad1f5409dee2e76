"""Bytes in and out: sockets that listen by UDP, TCP and TLS, and the connections that we open.

RFC 3261 section 18. A `Flow` says by which way something came, so that the answer goes the same way back.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from callcenter.telephony.sipua.connections import Connection
from callcenter.telephony.sipua.flows import SIP_PORT, Flow, is_address, join_host, split_host
from callcenter.telephony.sipua.tls import Tls

__all__ = ["Drop", "Flow", "Listen", "Transport", "is_address", "join_host", "split_host"]

log = logging.getLogger(__name__)

IDLE = 3600.0
"""Seconds without a whole message or a keep-alive after which a connection is closed; a phone is asked more often."""
SPEECHLESS = 30.0
"""The same for a connection that was accepted and never said anything whole."""
MOST_CONNECTIONS = 5000
_SWEEP = 10.0
_PATIENCE = 10.0
"""Seconds for a connection and for its handshake."""
_NAMES_KEPT = 60.0

Receive = Callable[[bytes, Flow], None]
Lost = Callable[[Flow], None]
Drop = Callable[[bytes, bool], bool]
"""Test hook: (datagram, inbound) -> whether the network loses it."""
_Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Listen:
    """An address of ours. Port 0 takes a free one. `tls`: TLS alone; else UDP and TCP."""

    host: str
    port: int = SIP_PORT
    tls: bool = False

    @property
    def ipv6(self) -> bool:
        return ":" in self.host


class _Datagrams(asyncio.DatagramProtocol):
    """Own protocol: aiosipua's receives nothing under uvloop."""

    def __init__(self, receive: Receive, number: int) -> None:
        self._receive = receive
        self._number = number

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, Flow("udp", addr[0], addr[1], self._number))

    def error_received(self, exc: Exception) -> None:
        """ICMP errors name no transaction; its timer ends it."""


class Transport:
    """UDP and TCP on each address, TLS on those that say so.

    `receive` gets each whole message, `lost` each connection that broke or could not be opened. `drop` loses
    datagrams for tests.
    """

    def __init__(self, receive: Receive, lost: Lost, drop: Drop | None = None) -> None:
        self._receive = receive
        self._lost = lost
        self._drop = drop
        self._tls: Tls | None = None
        self._udp: dict[int, tuple[Listen, asyncio.DatagramTransport]] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: dict[int, Connection] = {}
        self._named: dict[_Key, Connection] = {}
        self._waiting: dict[_Key, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._names: dict[str, list[str]] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self.listening: list[Listen] = []
        self.admits: Callable[[bytes, str], bool] = lambda data, host: True

    async def start(self, listen: Sequence[Listen], tls: Tls | None = None) -> int:
        """Listen everywhere; the port of the first address. Raises OSError."""
        self._tls = tls
        self.listening.clear()
        for each in listen:
            port = await (self._listen_tls(each) if each.tls else self._listen(each))
            self.listening.append(Listen(each.host, port, each.tls))
        self._sweep()
        return self.listening[0].port

    def own(self, flow: Flow) -> Listen:
        """The address of ours by which the other end of `flow` reaches us."""
        fitting = [each for each in self.listening if each.tls == (flow.transport == "tls")] or self.listening
        if is_address(flow.host):
            fitting = [each for each in fitting if each.ipv6 == (":" in flow.host)] or fitting
        return fitting[0]

    def send(self, data: bytes, flow: Flow) -> None:
        """Hand `data` to the network; loss shows as silence (UDP) or by `lost`."""
        if flow.reliable:
            self._send_connected(data, flow)
        elif not (self._drop and self._drop(data, False)):
            if is_address(flow.host):
                self._send_datagram(data, flow)
            else:
                self._spawn(self._send_named(data, flow))

    async def stop(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        for task in list(self._tasks):
            task.cancel()
        for server in self._servers:
            server.close()
        for connection in list(self._connections.values()):
            connection.close()
        for _, transport in self._udp.values():
            transport.close()
        self._servers.clear()
        self._udp.clear()
        await asyncio.sleep(0)

    def alive(self, flow: Flow) -> bool:
        """Whether the very connection of `flow` is still open; UDP always is."""
        return not flow.reliable or flow.connection in self._connections

    # ---- for the sockets -----------------------------------------------------------------------------------------

    def received(self, data: bytes, flow: Flow) -> None:
        if not flow.reliable and self._drop and self._drop(data, True):
            return
        if self.admits(data, flow.host):
            self._receive(data, flow)

    def connected(self, connection: Connection) -> bool:
        if len(self._connections) >= MOST_CONNECTIONS:
            log.warning("no room for a connection from %s", connection.flow.address)
            return False
        self._connections[connection.number] = connection
        flow = connection.flow
        self._name(connection, (flow.transport, flow.host, flow.port))
        return True

    def disconnected(self, connection: Connection) -> None:
        self._connections.pop(connection.number, None)
        for key in connection.names:
            if self._named.get(key) is connection:
                del self._named[key]
            self._lost(Flow(*key, connection.number))

    # ---- listening -----------------------------------------------------------------------------------------------

    async def _listen(self, address: Listen) -> int:
        """UDP and TCP on one port."""
        loop = asyncio.get_running_loop()
        for attempt in range(20):
            server = await loop.create_server(self._accept("tcp"), address.host, address.port)
            port = int(server.sockets[0].getsockname()[1])
            try:
                sock = _bound(address.host, port)
            except OSError:
                server.close()
                if address.port or attempt == 19:
                    raise
                continue
            self._servers.append(server)
            self._numbers += 1
            number = self._numbers
            udp, _ = await loop.create_datagram_endpoint(
                partial(_Datagrams, self.received, number), sock=sock
            )
            self._udp[number] = (address, udp)
            return port
        raise OSError("no port is free for both UDP and TCP")

    async def _listen_tls(self, address: Listen) -> int:
        if self._tls is None or self._tls.server is None:
            raise OSError("TLS needs a certificate")
        server = await asyncio.get_running_loop().create_server(
            self._accept("tls"), address.host, address.port, ssl=self._tls.server,
            ssl_handshake_timeout=_PATIENCE,
        )  # fmt: skip
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _accept(self, kind: str) -> Callable[[], Connection]:
        def make() -> Connection:
            self._numbers += 1
            return Connection(self, self._numbers, kind, asyncio.get_running_loop().time)

        return make

    def _sweep(self) -> None:
        """Close what says nothing, and look whether the certificate was renewed."""
        loop = asyncio.get_running_loop()
        for connection in list(self._connections.values()):
            if loop.time() - connection.heard > (IDLE if connection.spoke else SPEECHLESS):
                connection.close()
        if self._tls is not None:
            self._tls.refresh()
        self._sweeping = loop.call_later(_SWEEP, self._sweep)

    # ---- sending -------------------------------------------------------------------------------------------------

    def _send_datagram(self, data: bytes, flow: Flow) -> None:
        """By the socket that it is an answer to, else by one of the same family."""
        way = self._udp.get(flow.connection) or next(
            (way for way in self._udp.values() if way[0].ipv6 == (":" in flow.host)), None
        )
        # A port that a message names may be none: asyncio would close the socket for it.
        if way is not None and not way[1].is_closing() and 0 < flow.port < 65536:
            with contextlib.suppress(OSError, OverflowError, ValueError):
                way[1].sendto(data, (flow.host, flow.port))

    async def _send_named(self, data: bytes, flow: Flow) -> None:
        """Look the host up first (A and AAAA records; RFC 3263's SRV and NAPTR are left to a proxy in front)."""
        found = self._names.get(flow.host)
        if found is None:
            loop = asyncio.get_running_loop()
            try:
                records = await loop.getaddrinfo(flow.host, flow.port, type=socket.SOCK_DGRAM)
            except (OSError, UnicodeError):  # a message may name a host that no name can be (IDNA)
                return
            found = self._names[flow.host] = [str(record[4][0]) for record in records]
            loop.call_later(_NAMES_KEPT, self._names.pop, flow.host, None)
        families = {way[0].ipv6 for way in self._udp.values()}
        host = next((host for host in found if (":" in host) in families), "")
        if host:
            self._send_datagram(data, Flow("udp", host, flow.port, flow.connection))

    def _send_connected(self, data: bytes, flow: Flow) -> None:
        key = (flow.transport, flow.host, flow.port)
        connection = self._connections.get(flow.connection) or self._named.get(key)
        if connection is not None:
            connection.send(data)
            return
        waiting = self._waiting.setdefault(key, [])
        waiting.append(data)
        if len(waiting) == 1:
            self._spawn(self._connect(key))

    async def _connect(self, key: _Key) -> None:
        """Open a connection: each address of the name in turn. By TLS the other side proves the name that we call."""
        kind, host, port = key
        more: dict[str, Any] = {}
        if kind == "tls":
            more = {"ssl": (self._tls or Tls()).client, "server_hostname": host.strip("[]")}
        try:
            async with asyncio.timeout(_PATIENCE):
                _, connection = await asyncio.get_running_loop().create_connection(
                    self._accept(kind), host.strip("[]"), port, **more
                )
        except (OSError, TimeoutError, ValueError) as error:
            log.info("no connection to %s by %s: %s", join_host(host, port), kind, error)
            self._waiting.pop(key, None)
            self._lost(Flow(*key))
            return
        self._name(connection, key)
        connection.spoke = True
        for data in self._waiting.pop(key, []):
            connection.send(data)

    def _name(self, connection: Connection, key: _Key) -> None:
        if key not in connection.names:
            connection.names.append(key)
        self._named[key] = connection

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _bound(host: str, port: int) -> socket.socket:
    """A UDP socket of one family, wide enough for a burst of INVITEs while one is handled. Raises OSError."""
    records = socket.getaddrinfo(host or None, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = records[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock
