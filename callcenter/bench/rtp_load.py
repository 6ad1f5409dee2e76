"""Load for `bench media`, a process of its own: `python -m callcenter.bench.rtp_load HOST SOCKETS`.

It prints its ports as JSON, reads `{"to": [...], "seconds": s, "speak": bool}`, and prints what arrived. Packets carry
the moment of their sending; the kernel stamps their arrival, so that this process being late spoils no figure.
"""

import array
import select
import socket
import struct
import sys
import time
from typing import Any

import orjson

PERIOD_NS = 20_000_000
WARM_UP = 50
"""Packets of each flow that are not counted: sources are being learnt."""

GREETING = 10
"""Packets that also a silent flow sends, so that its source is known."""

_HEADER = struct.Struct("!BBHIIQI")
_STAMP = struct.Struct("qq")
_TIMESTAMPNS = 35
_DRAIN_SECONDS = 0.5


class Flows:
    """One socket for each leg; each sends 50 packets a second, evenly spread, and times what it gets."""

    def __init__(self, host: str, count: int) -> None:
        self.sockets = [_socket(host) for _ in range(count)]
        self.delays = array.array("d")
        self.gaps = array.array("d")
        self.sent = 0
        self.received = 0
        self.behind = 0.0
        self._last: dict[int, int] = {}
        self._poll = select.epoll()
        for sock in self.sockets:
            self._poll.register(sock.fileno(), select.EPOLLIN)
        self._by_fd = {sock.fileno(): sock for sock in self.sockets}

    def run(self, to: list[tuple[str, int]], seconds: float, speak: bool) -> None:
        """Send for so long and collect what comes meanwhile and shortly after."""
        rounds = int(seconds * 50)
        step = PERIOD_NS // len(self.sockets)
        start = time.monotonic_ns() + PERIOD_NS
        for number in range(rounds * len(self.sockets)):
            due = start + number * step
            self._wait_until(due)
            if speak or number < GREETING * len(self.sockets):
                self.behind = max(self.behind, (time.monotonic_ns() - due) / 1e6)
                self._send(number, to)
        self._wait_until(time.monotonic_ns() + int(_DRAIN_SECONDS * 1e9))

    def _send(self, number: int, to: list[tuple[str, int]]) -> None:
        which, index = number % len(self.sockets), number // len(self.sockets)
        if index >= WARM_UP:
            self.sent += 1
        packet = _HEADER.pack(0x80, 0, index & 0xFFFF, index * 160, which + 1, time.time_ns(), index)
        self.sockets[which].sendto(packet.ljust(172, b"\xff"), to[which])

    def _wait_until(self, due: int) -> None:
        while True:
            left = due - time.monotonic_ns()
            for fd, _ in self._poll.poll(max(0.0, left / 1e9 - 0.001)):
                self._take(self._by_fd[fd])
            if left <= 0:
                return

    def _take(self, sock: socket.socket) -> None:
        try:
            data, control, _, _ = sock.recvmsg(2048, 64)
        except OSError:
            return
        arrived = time.time_ns()
        for level, kind, stamp in control:
            if level == socket.SOL_SOCKET and kind == _TIMESTAMPNS:
                seconds, nanoseconds = _STAMP.unpack(stamp)
                arrived = seconds * 1_000_000_000 + nanoseconds
        last = self._last.get(sock.fileno())
        if last is not None:
            self.gaps.append((arrived - last) / 1e6)
        self._last[sock.fileno()] = arrived
        sent, index = _HEADER.unpack_from(data)[5:]
        if 0 < arrived - sent < 60_000_000_000 and index >= WARM_UP:
            self.received += 1
            self.delays.append((arrived - sent) / 1e6)


def _socket(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    return sock


def _say(message: Any) -> None:
    sys.stdout.write(orjson.dumps(message).decode() + "\n")
    sys.stdout.flush()


def main() -> None:
    """One run."""
    host = sys.argv[1]
    flows = Flows(host, int(sys.argv[2]))
    _say([sock.getsockname()[1] for sock in flows.sockets])
    order = orjson.loads(sys.stdin.readline())
    flows.run([(host, port) for port in order["to"]], order["seconds"], order["speak"])
    _say(
        {
            "sent": flows.sent,
            "received": flows.received,
            "delays": list(flows.delays),
            "gaps": list(flows.gaps),
            "behind": flows.behind,
        }
    )


if __name__ == "__main__":
    main()
