"""`./run bench media`: what a relayed, a recorded and a waiting call cost, and what the relay does to the audio."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from callcenter.bench import machine
from callcenter.settings import Settings
from callcenter.telephony.media.plane import Bridged, ChildDied, MediaEvent, MediaPlane, Recorded, Recording

BRIDGED = (20, 100, 600)
RECORDED = (100, 400)
WAITING = 200
SECONDS = 10.0
HOST = "127.0.0.1"


def main(settings: Settings) -> dict[str, Any]:
    """Figures of this machine.

    `cpu_per_call`: per cent of one core, of the audio process alone, its system calls and its writing included;
    `load_cpu`: per cent of a core of the load tool, which runs beside it. `delay_ms`: from before the sender's system
    call to the kernel's arrival stamp at the receiver, both ways of every call. `lost`: packets of `sent` that never
    arrived. `behind_ms`: how long in all the load was kept from sending. `load`: runnable processes when the run ended.
    `waiting`: callers who hear music; `gap_ms` is the time between two packets, 20 when the pacer is exact.
    """
    del settings  # nothing of the installation is touched
    return asyncio.run(_all())


async def _all() -> dict[str, Any]:
    return {
        "bench": "media",
        "machine": machine(),
        "bridged": [await _bridged(calls) for calls in BRIDGED],
        "recorded": [await _recorded(calls) for calls in RECORDED],
        "waiting": await _waiting(WAITING),
    }


async def _bridged(calls: int) -> dict[str, Any]:
    async with _Run(2 * calls) as run:
        await run.bridge()
        return _of_calls(calls, await run.measure(speak=True))


async def _recorded(calls: int) -> dict[str, Any]:
    async with _Run(2 * calls) as run:
        await run.bridge()
        for call in range(calls):
            run.plane.recordings.record(f"call{call}", f"leg{2 * call}", f"leg{2 * call + 1}")
        await run.told(Recording, calls)
        figures = await run.measure(speak=True)
        for call in range(calls):
            run.plane.recordings.end(f"call{call}")
        complete = await run.told(Recorded, calls)
    shortest = min(each.seconds for each in complete if isinstance(each, Recorded))
    return {**_of_calls(calls, figures), "files": len(complete), "shortest_seconds": round(shortest, 1)}


def _of_calls(calls: int, figures: dict[str, Any]) -> dict[str, Any]:
    return {
        "calls": calls,
        "seconds": SECONDS,
        "cpu_per_call": round(figures["cpu"] / calls, 4),
        "load_cpu": figures["load_cpu"],
        "sent": figures["sent"],
        "lost": figures["sent"] - figures["received"],
        "delay_ms": figures["delay_ms"],
        "behind_ms": figures["behind_ms"],
        "load": round(os.getloadavg()[0], 2),
    }


async def _waiting(callers: int) -> dict[str, Any]:
    async with _Run(callers) as run:
        for leg in run.legs:
            run.plane.play(leg, leg, ("music:default",), loop=True)
        figures = await run.measure(speak=False)
    return {
        "callers": callers,
        "seconds": SECONDS,
        "cpu_per_caller": round(figures["cpu"] / callers, 4),
        "gap_ms": figures["gap_ms"],
        "load": round(os.getloadavg()[0], 2),
    }


class _Run:
    """A plane with so many connected legs, and the load process at their other end."""

    def __init__(self, legs: int) -> None:
        self.legs = [f"leg{number}" for number in range(legs)]
        self._folder = tempfile.TemporaryDirectory(prefix="callcenter-bench-")
        self.plane = MediaPlane(spool=Path(self._folder.name))
        self._events: list[MediaEvent] = []
        self._news = asyncio.Event()

    async def __aenter__(self) -> "_Run":
        await self.plane.start(HOST, (10_000, 60_000), self._report)
        self._load = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "callcenter.bench.rtp_load", HOST, str(len(self.legs)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=2**20,
        )  # fmt: skip
        self._to = [self.plane.open(leg) for leg in self.legs]
        for leg, port in zip(self.legs, await self._answer(), strict=True):
            self.plane.connect(leg, HOST, port, 0, 101)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._load.returncode is None:
            self._load.kill()
        await self._load.wait()
        await self.plane.stop()
        self._folder.cleanup()

    async def bridge(self) -> None:
        """Every second leg with the next."""
        for leg, other in zip(self.legs[::2], self.legs[1::2], strict=True):
            self.plane.bridge(leg, other)
        await self.told(Bridged, len(self.legs) // 2)

    async def told(self, kind: type[MediaEvent], count: int) -> list[MediaEvent]:
        """The plane's reports of this kind once there are so many."""
        while len(found := [event for event in self._events if isinstance(event, kind)]) < count:
            self._news.clear()
            await self._news.wait()
            if any(isinstance(event, ChildDied) for event in self._events):
                raise RuntimeError("the audio process died")
        return found

    def _report(self, event: MediaEvent) -> None:
        self._events.append(event)
        self._news.set()

    async def measure(self, speak: bool) -> dict[str, Any]:
        """The load's figures and `cpu`: per cent of a core that the audio process used meanwhile."""
        assert self._load.stdin is not None
        # the figure is of calls that are up, not of their setting up
        await asyncio.sleep(1.0)
        order = {"to": self._to, "seconds": SECONDS + 1.0, "speak": speak}
        self._load.stdin.write(orjson.dumps(order) + b"\n")
        await self._load.stdin.drain()
        await asyncio.sleep(1.0)
        cpu, began = self._cpu(), time.monotonic()
        await asyncio.sleep(SECONDS - 0.5)
        used = (self._cpu() - cpu) / (time.monotonic() - began) * 100
        figures: dict[str, Any] = await self._answer()
        return {**figures, "cpu": used}

    def _cpu(self) -> float:
        """Seconds of processor time so far, of every thread."""
        tasks = Path(f"/proc/{self.plane.pid}/task")
        try:
            return sum(int(task.read_text().split()[0]) for task in tasks.glob("*/schedstat")) / 1e9
        except OSError:
            fields = (tasks.parent / "stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def _answer(self) -> Any:
        assert self._load.stdout is not None
        return orjson.loads(await self._load.stdout.readline())
