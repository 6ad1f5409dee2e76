"""Load for `bench media`, a process of its own: `python -m callcenter.bench.rtp_load HOST FLOWS`.

It stands for gateways: `FLOWS_EACH` flows share a socket, so that one system call sends or takes a packet of each. It
prints the port of each flow as JSON, reads `{"to": [...], "seconds": s, "speak": bool}`, and prints what arrived. Packets
carry the moment of their sending; the kernel stamps their arrival, so that this process being late spoils no figure.
"""

import contextlib
import ctypes
import os
import resource
import socket
import sys
import time
from typing import Any

import numpy as np
import orjson

from callcenter.bench import spread

PERIOD_NS = 20_000_000
FLOWS_EACH = 8
WARM_UP = 50
"""Packets of each flow that are not counted: sources are being learnt."""
GREETING = 10
"""Packets that also a silent flow sends, so that its source is known."""

_TIMESTAMPNS = 35
_DONTWAIT = 0x40
_AT_ONCE = 64
_DRAIN_ROUNDS = 25

_PACKET = np.dtype(
    [("first", "u1"), ("kind", "u1"), ("seq", ">u2"), ("ts", ">u4"), ("ssrc", ">u4"), ("sent", "<i8"),
     ("index", "<u4"), ("rest", "u1", 148)]
)  # fmt: skip
_KEPT = np.dtype([("head", "u1", 12), ("sent", "<i8"), ("index", "<u4")])
_NAME = np.dtype([("family", "<u2"), ("port", ">u2"), ("host", "u1", 4), ("zero", "u1", 8)])
_STAMP = np.dtype(
    [("size", "<u8"), ("level", "<i4"), ("kind", "<i4"), ("seconds", "<i8"), ("nanoseconds", "<i8")]
)
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """`struct mmsghdr` of 64-bit Linux."""

    _fields_ = (
        ("name", ctypes.c_void_p), ("name_size", ctypes.c_uint), ("vectors", ctypes.POINTER(_Vector)),
        ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int), ("padding", ctypes.c_int), ("size", ctypes.c_uint), ("end", ctypes.c_uint),
    )  # fmt: skip


class Batch:
    """Packets that go with one system call. Each is a row of `data`, with its row of `names` and `controls`."""

    def __init__(self, data: np.ndarray, names: np.ndarray, controls: np.ndarray | None) -> None:
        self.data, self.names, self.controls = data, names, controls
        self._vectors = (_Vector * len(data))()
        self.messages = (_Message * len(data))()
        for number, message in enumerate(self.messages):
            row = data[number : number + 1]
            self._vectors[number] = _Vector(row.ctypes.data, row.nbytes)
            message.name, message.name_size = names[number : number + 1].ctypes.data, _NAME.itemsize
            message.vectors, message.count = ctypes.pointer(self._vectors[number]), 1
            if controls is not None:
                message.control = controls[number : number + 1].ctypes.data
                message.control_size = _STAMP.itemsize


class Arrivals:
    """What came to every socket, kept as it came and read at the end."""

    def __init__(self) -> None:
        self._batch = Batch(np.zeros(_AT_ONCE, _KEPT), np.zeros(_AT_ONCE, _NAME), np.zeros(_AT_ONCE, _STAMP))
        self._pieces: list[tuple[bytes, bytes, bytes]] = []

    def take(self, fd: int) -> None:
        """All that waits at a socket."""
        batch, count = self._batch, _AT_ONCE
        assert batch.controls is not None
        while count == _AT_ONCE:
            count = _LIBC.recvmmsg(fd, batch.messages, _AT_ONCE, _DONTWAIT, None)
            if count > 0:
                parts = (batch.data[:count], batch.names[:count], batch.controls[:count])
                self._pieces.append((parts[0].tobytes(), parts[1].tobytes(), parts[2].tobytes()))

    def figures(self) -> dict[str, Any]:
        """`received` and `delay_ms` of counted packets, `gap_ms` between two packets of one flow."""
        data, names, stamps = (
            np.frombuffer(b"".join(piece[part] for piece in self._pieces), kind)
            for part, kind in enumerate((_KEPT, _NAME, _STAMP))
        )
        # reports (RFC 3550, 12.1: 200 to 204) may reach the port beside the one that they are for
        sound = (data["head"][:, 1] < 200) | (data["head"][:, 1] > 204)
        data, names, stamps = data[sound], names[sound], stamps[sound]
        arrived = stamps["seconds"] * 1_000_000_000 + stamps["nanoseconds"]
        delays = arrived - data["sent"]
        counted = (delays > 0) & (delays < 60_000_000_000) & (data["index"] >= WARM_UP)
        order = np.lexsort((arrived, names["port"]))
        port, moment = names["port"][order], arrived[order]
        gaps = np.diff(moment)[port[1:] == port[:-1]]
        return {
            "received": int(counted.sum()),
            "delay_ms": spread((delays[counted] / 1e6).tolist()),
            "gap_ms": spread((gaps / 1e6).tolist()),
        }


class Flows:
    """Each flow sends 50 packets a second; the sockets take turns, evenly spread over the 20 ms."""

    def __init__(self, host: str, count: int) -> None:
        self._host = host
        self.count = count
        self.sockets = [_socket(host) for _ in range(-(-count // FLOWS_EACH))]
        self.ports = [self.sockets[flow // FLOWS_EACH].getsockname()[1] for flow in range(count)]
        self.sent = 0
        self.behind = 0.0

    def run(self, to: list[int], seconds: float, speak: bool) -> dict[str, Any]:
        """Send for so long; what came meanwhile and shortly after."""
        fds = [sock.fileno() for sock in self.sockets]
        for fd in fds:
            # music began before we listened
            Arrivals().take(fd)
        arrivals = Arrivals()
        batches = [self._batch(to, first) for first in range(0, self.count, FLOWS_EACH)]
        rounds = int(seconds * 50)
        start = time.monotonic_ns() + PERIOD_NS
        for index in range(rounds + _DRAIN_ROUNDS):
            sends = index < rounds and (speak or index < GREETING)
            for turn, fd in enumerate(fds):
                due = start + index * PERIOD_NS + turn * PERIOD_NS // len(fds)
                left = due - time.monotonic_ns()
                if left > 0:
                    time.sleep(left / 1e9)
                elif -left > PERIOD_NS:
                    # kept from running: no gateway sends what it missed in a burst
                    start -= left
                    self.behind -= left / 1e6
                arrivals.take(fd)
                if sends:
                    self._send(fd, batches[turn], index)
        return arrivals.figures()

    def _batch(self, to: list[int], first: int) -> Batch:
        ports = to[first : first + FLOWS_EACH]
        data, names = np.zeros(len(ports), _PACKET), np.zeros(len(ports), _NAME)
        data["first"], data["rest"] = 0x80, 0xFF
        data["ssrc"] = np.arange(first + 1, first + 1 + len(ports))
        names["family"], names["port"] = socket.AF_INET, ports
        names["host"] = np.frombuffer(socket.inet_aton(self._host), np.uint8)
        return Batch(data, names, None)

    def _send(self, fd: int, batch: Batch, index: int) -> None:
        data, count = batch.data, len(batch.data)
        data["seq"], data["ts"], data["index"] = index & 0xFFFF, index * 160, index
        data["sent"] = time.time_ns()
        gone = 0
        while gone < count:
            more = _LIBC.sendmmsg(
                fd, ctypes.byref(batch.messages, gone * ctypes.sizeof(_Message)), count - gone, 0
            )
            if more <= 0:
                raise OSError(ctypes.get_errno(), "sendmmsg")
            gone += more
        if index >= WARM_UP:
            self.sent += count


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
    """One run, at a better nice value where that is allowed: the load must keep its pace to be one."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    flows = Flows(sys.argv[1], int(sys.argv[2]))
    _say(flows.ports)
    order = orjson.loads(sys.stdin.readline())
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    arrived = flows.run(order["to"], order["seconds"], order["speak"])
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    _say(
        {
            **arrived,
            "sent": flows.sent,
            "behind_ms": round(flows.behind, 3),
            "load_cpu": round(100 * used / (time.monotonic() - began), 1),
        }
    )


if __name__ == "__main__":
    main()
