"""The PJSIP processes of a line: each carries one conversation; one that dies is replaced at once."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from callcenter.telephony.media.wire import Message, Wire, WireClosed

log = logging.getLogger(__name__)

MOST_LEGS = 4
"""Legs of one process: customer, agent, consult, supervisor. Compiled into PJSIP's wheel."""
_CALLS, _CALLS_WITHIN = 5, 1.0
"""A burst of INVITEs aborts PJSIP (36 do); this many in so many seconds never did."""
_START = 30.0
_GRACE = 5.0
_DEATHS, _DEATHS_WITHIN = 3, 60.0


class Engine:
    """One process, and its place in the pool once it is replaced. `seats`: keys of the legs that sit here."""

    def __init__(self, told: Callable[["Engine", Message], None], died: Callable[["Engine"], None]) -> None:
        self.seats: set[str] = set()
        self.address = ""
        self.ready = asyncio.Event()
        self._told, self._died = told, died
        self._loop = asyncio.get_running_loop()
        self._recent: deque[float] = deque(maxlen=_CALLS)
        self._deaths: deque[float] = deque(maxlen=_DEATHS)
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: Wire | None = None
        self._backlog: list[Message] = []
        self._timer: asyncio.TimerHandle | None = None
        self.spawn()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    @property
    def free(self) -> bool:
        return not self.seats

    @property
    def failing(self) -> bool:
        """Whether it died so often of late that its legs are not entrusted to it once more."""
        return len(self._deaths) == _DEATHS and time.monotonic() - self._deaths[0] < _DEATHS_WITHIN

    def send(self, message: Message) -> None:
        if self._wire is None:
            self._backlog.append(message)
        else:
            self._wire.send(message)
            if self._wire.waiting:
                self._loop.add_writer(self._wire.sock, self._flush)

    def wait_for_turn(self) -> float:
        """Book the next INVITE to this process: seconds until it may be sent."""
        now = time.monotonic()
        at = now
        if len(self._recent) == _CALLS:
            at = max(now, self._recent[0] + _CALLS_WITHIN)
        self._recent.append(at)
        return at - now

    def spawn(self) -> None:
        self._timer = None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parents[3])
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "callcenter.telephony.pjsua2.child", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env={**os.environ, "PYTHONPATH": path},
                stdout=subprocess.DEVNULL,
            )
        self._wire = Wire(ours)
        self._loop.add_reader(ours, self._read, self._wire)
        backlog, self._backlog = self._backlog, []
        for message in backlog:
            self.send(message)

    def kill(self) -> None:
        """End a process that no longer does its work; another takes its place."""
        if self._process is not None:
            self._process.kill()

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        process = self._unplug()
        if process is not None:
            await self._loop.run_in_executor(None, _reap, process)

    def _read(self, wire: Wire) -> None:
        try:
            while wire is self._wire and (received := wire.receive()) is not None:
                if received[0][0] == "ready":
                    self.address = received[0][1]
                    self.ready.set()
                else:
                    self._told(self, received[0])
        except WireClosed:
            self._bury()

    def _bury(self) -> None:
        """Another takes its place: at once, later when they die as fast as they come."""
        process = self._unplug()
        if process is not None:
            self._loop.run_in_executor(None, _reap, process)
        self._deaths.append(time.monotonic())
        self._timer = self._loop.call_later(_GRACE if self.failing else 0.0, self.spawn)
        log.error("a PJSIP process died; %d legs were in it", len(self.seats))
        self._died(self)

    def _unplug(self) -> subprocess.Popen[bytes] | None:
        wire, self._wire = self._wire, None
        process, self._process = self._process, None
        self.ready.clear()
        if wire is not None:
            self._loop.remove_reader(wire.sock)
            self._loop.remove_writer(wire.sock)
            wire.close()
        return process

    def _flush(self) -> None:
        if self._wire is not None:
            self._wire.flush()
            if not self._wire.waiting:
                self._loop.remove_writer(self._wire.sock)


class Pool:
    """All engines of a line."""

    def __init__(
        self, size: int, told: Callable[[Engine, Message], None], died: Callable[[Engine], None]
    ) -> None:
        self.engines = [Engine(told, died) for _ in range(size)]

    async def start(self) -> None:
        """Wait until one is there. Raises OSError when none comes up."""
        waits = [asyncio.ensure_future(engine.ready.wait()) for engine in self.engines]
        done, rest = await asyncio.wait(waits, timeout=_START, return_when=asyncio.FIRST_COMPLETED)
        for wait in rest:
            wait.cancel()
        if not done:
            raise OSError("no PJSIP process came up")

    def free(self) -> Engine | None:
        """An engine without a leg, one that is up before one that is still starting."""
        free = [engine for engine in self.engines if engine.free]
        return max(free, key=lambda engine: engine.ready.is_set(), default=None)

    async def stop(self) -> None:
        await asyncio.gather(*(engine.stop() for engine in self.engines))


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
