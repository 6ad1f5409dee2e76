"""`./run bench media`: what a relayed call and a waiting caller cost, and what the relay does to the audio."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from callcenter.bench import machine, spread
from callcenter.settings import Settings
from callcenter.telephony.media.plane import Bridged, MediaEvent, MediaPlane

CALLS = (20, 50, 100)
WAITING = 200
SECONDS = 10.0
HOST = "127.0.0.1"


def main(settings: Settings) -> dict[str, Any]:
    """Figures of this machine.

    `cpu`: per cent of one core per call, of the audio process alone, its system calls included. `delay_ms`: from
    before the sender's system call to the kernel's arrival stamp at the receiver, both ways of every call.
    `lost`: packets of `sent` that never arrived. `behind_ms`: how late the load itself was at worst.
    `waiting`: callers who hear music; `gap_ms` is the time between two packets, 20 when the pacer is exact.
    """
    del settings  # nothing of the installation is touched
    return asyncio.run(_all())


async def _all() -> dict[str, Any]:
    bridged = [await _bridged(calls) for calls in CALLS]
    return {"bench": "media", "machine": machine(), "bridged": bridged, "waiting": await _waiting(WAITING)}


async def _bridged(calls: int) -> dict[str, Any]:
    async with _Run(2 * calls) as run:
        for call in range(calls):
            run.plane.bridge(f"leg{2 * call}", f"leg{2 * call + 1}")
        await run.bridged.wait()
        figures = await run.measure(speak=True)
    return {
        "calls": calls,
        "seconds": SECONDS,
        "cpu_per_call": round(figures["cpu"] / calls, 4),
        "sent": figures["sent"],
        "lost": figures["sent"] - figures["received"],
        "delay_ms": spread(figures["delays"]),
        "behind_ms": round(figures["behind"], 3),
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
        "gap_ms": spread(figures["gaps"]),
    }


class _Run:
    """A plane with so many connected legs, and the load process at their other end."""

    def __init__(self, legs: int) -> None:
        self.legs = [f"leg{number}" for number in range(legs)]
        self.plane = MediaPlane()
        self.bridged = asyncio.Event()
        self._wanted = legs // 2

    async def __aenter__(self) -> "_Run":
        await self.plane.start(HOST, (10_000, 60_000), self._report)
        self._load = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "callcenter.bench.rtp_load", HOST, str(len(self.legs)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=2**28,
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

    def _report(self, event: MediaEvent) -> None:
        self._wanted -= isinstance(event, Bridged)
        if not self._wanted:
            self.bridged.set()

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
        """Seconds of processor time so far."""
        pid = self.plane.pid
        try:
            return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def _answer(self) -> Any:
        assert self._load.stdout is not None
        return orjson.loads(await self._load.stdout.readline())
