"""`./run bench kills [KILLS]`: processes die and stand still at random under load, two conductors among them.

Callers ring, hang up while they wait or behind a short talk. Each kill takes a process by a seeded dice: SIGKILL, and
for the active conductor every third time SIGSTOP for `PAUSED` seconds. At the end everything that was told must add up.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from sqlmodel import col, func, select

from callcenter import db, events, stream
from callcenter.bench import machine, spread
from callcenter.bench.house import House, house
from callcenter.calls.models import Call
from callcenter.routing.board import Board, read_board
from callcenter.routing.lease import LEASE
from callcenter.settings import Settings
from callcenter.telephony.phone import Phone

KILLS = 1000
SEED = 4
AGENTS, CALLERS = 6, 12
PAUSED = 20.0
BETWEEN = (0.5, 2.0)
"""Seconds between two kills, drawn evenly."""
STARTED = 3.0
"""Seconds behind its start in which a conductor stands by."""
UNSEEN = 30.0
"""Seconds behind which a takeover is not waited for any more; it counts as that long."""
AT_REST = 120.0
"""Seconds within which all is at rest when nobody rings any more."""
PARTS = ("conductor", "conductor", "line", "audio", "web", "ledger", "timers", "store", "worker-callbacks")
"""What dies; the conductor more often than the others."""


def main(settings: Settings, kills: int = KILLS) -> dict[str, Any]:
    """`wrong`: what does not add up; {} is the aim. `takeover_s`: from the death, or the pause, of the active conductor to
    a lease of another one, where another one stood by."""
    del settings  # an installation of its own
    return asyncio.run(run(kills, SEED, PAUSED))


async def run(kills: int, seed: int, paused: float) -> dict[str, Any]:
    """See `main`."""
    began = time.monotonic()
    async with house() as place:
        place.seed(AGENTS, ring_time=5.0)
        await place.open(AGENTS)
        for agent in place.phones:
            agent.answer_after = 0.1
        async with _standby(place) as standby, _ringing(place, seed) as crowd:
            killer = _Killer(place, random.Random(seed), paused, standby)
            while sum(killer.struck.values()) < kills:
                await killer.strike()
        board = await _at_rest(place)
        told = killer.follow()
        with db.read(place.engine) as session:
            rows = session.exec(select(func.count()).select_from(Call).where(col(Call.outcome) != "")).one()
        wrong = check(told, board, rows)
    return {
        "bench": "kills",
        "machine": machine(),
        "seed": seed,
        "kills": dict(killer.struck),
        "seconds": round(time.monotonic() - began, 1),
        "calls": crowd.begun,
        "outcomes": dict(Counter(one.outcome for one in told if isinstance(one, events.CallFinished))),
        "takeover_s": spread(killer.takeovers, 2),
        "takeovers_over_5_s": sum(seconds > 5.0 for seconds in killer.takeovers),
        "wrong": wrong,
    }


def check(told: list[Any], board: Board, rows: int) -> dict[str, Any]:
    """What does not add up, by name: empty when all does. `told`: public events in order; `rows`: finished calls in the
    record."""
    counts = {
        kind: Counter(getattr(one, key) for one in told if isinstance(one, kind))
        for kind, key in (
            (events.CallStarted, "call"),
            (events.CallFinished, "call"),
            (events.CallOffered, "offer"),
            (events.OfferEnded, "offer"),
        )
    }
    started, finished, offered, ended = counts.values()
    found = {
        "told twice": sorted(
            f"{kind.__name__} {name}"
            for kind, counted in counts.items()
            for name, n in counted.items()
            if n > 1
        ),
        "calls without an end": sorted(started.keys() - finished.keys()),
        "offers without an end": sorted(offered.keys() - ended.keys()),
        "two offers for one agent": _two_offers(told),
        "calls on the board": sorted(one.id for one in board.calls.values() if one.state != "ended"),
        "agents not free": sorted(one.name for one in board.agents.values() if one.activity != "idle"),
        "queues that do not add up": sorted(
            one.name
            for one in board.queues.values()
            if one.offered
            != one.answered
            + one.abandoned
            + one.short_abandon
            + one.deflected
            + one.overflowed
            + one.messages
            + one.lost
        ),
        "record": [] if rows == len(finished) else [f"{rows} rows, {len(finished)} calls"],
    }
    return {name: what[:10] for name, what in found.items() if what}


def _two_offers(told: list[Any]) -> list[str]:
    """Agents to whom a call was offered while another offer stood."""
    standing: dict[str, str] = {}
    twice = []
    for one in told:
        if isinstance(one, events.CallOffered):
            if one.agent in standing:
                twice.append(f"{one.agent} {one.offer}")
            standing[one.agent] = one.offer
        elif isinstance(one, events.OfferEnded) and standing.get(one.agent) == one.offer:
            del standing[one.agent]
    return twice


async def _at_rest(place: House) -> Board:
    """The board when nothing happens any more, or at the latest behind `AT_REST`."""
    until = time.monotonic() + AT_REST
    while True:
        with contextlib.suppress(redis.RedisError, OSError):
            board = await _board(place)
            live = [one for one in board.calls.values() if one.state != "ended"]
            with db.read(place.engine) as session:
                open_rows = session.exec(select(func.count()).where(col(Call.outcome) == "")).one()
            busy = [one for one in board.agents.values() if one.activity != "idle"]
            if (not live and not busy and not open_rows) or time.monotonic() > until:
                await asyncio.sleep(2.0)  # the ledger writes what was told last
                return await _board(place)
        await asyncio.sleep(0.5)


async def _board(place: House) -> Board:
    reader = stream.connect_async(f"unix://{place.settings.data_dir}/store/store.sock")
    try:
        return await read_board(reader)
    finally:
        await reader.aclose()


@dataclass
class _Standby:
    """A second conductor beside those of the installation; it is started again when it dies."""

    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def keep(self) -> int:
        """Its process id, of a new one where it died."""
        if self.process is None or self.process.poll() is not None:
            command = [sys.executable, "-m", "callcenter", "conductor"]
            quiet = subprocess.DEVNULL
            self.process = subprocess.Popen(command, env=self.environment, stdout=quiet, stderr=quiet)
        return self.process.pid


@contextlib.asynccontextmanager
async def _standby(place: House) -> AsyncIterator[_Standby]:
    made = _Standby(place.environment())
    made.keep()
    try:
        yield made
    finally:
        if made.process is not None:
            with contextlib.suppress(ProcessLookupError):
                made.process.send_signal(signal.SIGCONT)
            made.process.terminate()
            await asyncio.to_thread(made.process.wait, 30)


class _Killer:
    """Strikes one process after another, and follows what is told meanwhile."""

    def __init__(self, place: House, dice: random.Random, paused: float, standby: _Standby) -> None:
        self.place, self.dice, self.paused, self.standby = place, dice, paused, standby
        self.struck: Counter[str] = Counter()
        self.conductors = 0
        self.takeovers: list[float] = []
        self.after = "0-0"
        self.told: list[Any] = []

    async def strike(self) -> None:
        """One process dies or stands still; nothing where that part is not up just now."""
        await asyncio.sleep(self.dice.uniform(*BETWEEN))
        self.standby.keep()
        self.follow()
        part = self.dice.choice(PARTS)
        pids = [
            pid for name, pid in self.place.children().items() if name.split("-")[0] == part.split("-")[0]
        ]
        if part == "conductor":
            pids.append(self.standby.keep())
            await self._conductor(pids)
        elif pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.dice.choice(pids), signal.SIGKILL)
            self.struck[part] += 1

    async def _conductor(self, pids: list[int]) -> None:
        """All that may hold the lease but one: kill or stop them, and see how soon another one has it."""
        former = self._lease()
        holder = former.partition(":")[0].rpartition("-")[2]
        active = int(holder) if holder.isdecimal() and int(holder) in pids else self.dice.choice(pids)
        beside = any(pid != active and _old(pid) > STARTED for pid in pids)
        stopped = self.conductors % 3 == 2
        with contextlib.suppress(ProcessLookupError):
            os.kill(active, signal.SIGSTOP if stopped else signal.SIGKILL)
        self.struck["conductor, paused" if stopped else "conductor"] += 1
        self.conductors += 1
        began = time.monotonic()
        now = former
        while now in ("", former) and time.monotonic() - began < UNSEEN:
            await asyncio.sleep(0.05)
            now = self._lease()
        if beside:
            self.takeovers.append(time.monotonic() - began)
        if stopped:
            await asyncio.sleep(max(0.0, self.paused - (time.monotonic() - began)))
            with contextlib.suppress(ProcessLookupError):
                os.kill(active, signal.SIGCONT)

    def _lease(self) -> str:
        with contextlib.suppress(redis.RedisError, OSError):
            found: Any = self.place.store.get(LEASE)
            return found.decode() if found else ""
        return ""

    def follow(self) -> list[Any]:
        """Everything that was told so far."""
        with contextlib.suppress(redis.RedisError, OSError):
            while True:
                entries: Any = self.place.store.xrange(stream.PUBLIC, f"({self.after}", "+", 1000)
                if not entries:
                    break
                for key, fields in entries:
                    self.after = key.decode() if isinstance(key, bytes) else key
                    self.told.append(events.public.decode(fields[b"body"]))
        return self.told


def _old(pid: int) -> float:
    """Seconds since the process was started, 0 for one that is gone."""
    with contextlib.suppress(OSError, ValueError):
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return 0.0


@dataclass
class _Crowd:
    """Callers who ring, wait a while or talk, and hang up."""

    phones: list[Phone]
    dice: random.Random
    begun: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def ring(self, phone: Phone) -> None:
        """One caller, again and again."""
        while True:
            await asyncio.sleep(self.dice.uniform(0.2, 3.0))
            self.begun += 1
            call = phone.call("hotline")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.over.wait(), self.dice.uniform(0.3, 4.0))
            call.hang_up()


@contextlib.asynccontextmanager
async def _ringing(place: House, seed: int) -> AsyncIterator[_Crowd]:
    server = place.settings.sip
    phones = [Phone(f"+86138{n:08d}", server=server, audible=False) for n in range(CALLERS)]
    for phone in phones:
        await phone.start()
    crowd = _Crowd(phones, random.Random(seed + 1))
    crowd.tasks = [asyncio.create_task(crowd.ring(phone)) for phone in phones]
    try:
        yield crowd
    finally:
        for task in crowd.tasks:
            task.cancel()
        await asyncio.gather(*crowd.tasks, return_exceptions=True)
        for phone in phones:
            phone.hang_up_all()
        await asyncio.gather(*(phone.stop() for phone in phones), return_exceptions=True)
