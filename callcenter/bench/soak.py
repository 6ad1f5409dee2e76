"""`./run bench soak [CALLS]`: does a line hold anything behind so many calls? Everything that can happen to one happens.

Warmed up, then at a tenth, at each quarter and at the end all calls are seen to their end, SIP's own timers run out,
and what the line holds is counted: memory, files, ports, entries of every container, objects, tasks.
"""

import asyncio
import contextlib
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson

from callcenter.bench import machine
from callcenter.bench.house import seconds_used
from callcenter.bench.soaked import ANSWERING, KINDS, PASSWORD, Plan
from callcenter.settings import Settings
from callcenter.telephony.phone import Phone, PhoneCall
from callcenter.telephony.sipua.transactions import Timers

CALLS = 20_000
RATE = 40.0
SEED = 3
RTP_PORTS = (30000, 33999)
FADED = 62.0
"""Seconds behind which what the line remembers for a while (merged INVITEs, ended dialogs, calls a minute) is old."""
FADES = frozenset(
    {
        "entries _gate.traffic._window._times[]", "entries _ladder._dialogs", "objects _Dialog",
        "entries _ladder._new",
        "entries _placed._seen", "entries _trunks._agent._over._seen", "entries _trunks._agent._recent._seen",
    }
)  # fmt: skip
"""Those, as `left_over` names them: a count that waits for SIP's timers alone finds them still (`_new`: messages of the
last seconds, which the ladder has not written yet)."""
_WARM = 500
_CALLERS, _TCP = 40, 10
_WITHIN = 120.0
"""Seconds that a call may take, the never acknowledged ones included."""
_HABITS = (
    ("hangs up", 40), ("is hung up", 25), ("cancels", 5), ("holds", 6), ("is held", 4), ("presses", 5),
    ("talks", 3), ("is referred", 5), ("never acknowledges", 1), ("vanishes", 1), ("rings once", 4),
    ("rings nobody", 1),
)  # fmt: skip
"""What callers do, and how often in a hundred."""


@dataclass(frozen=True)
class Pace:
    """`rate`: calls that begin in a second. `t1`, `silent`: see `Plan`. `faded`: seconds that a count waits beyond
    SIP's own timers."""

    rate: float = RATE
    t1: float = 0.5
    silent: float = 30.0
    faded: float = FADED


def main(settings: Settings, calls: int = CALLS) -> dict[str, Any]:
    """`left_over`: what there is more of at the end than behind the warm-up; {} is the aim. `cpu_ms_per_call`: of the
    line, of its audio process and of the callers and phones (`load`)."""
    del settings  # a line of its own
    return asyncio.run(soak(calls, SEED, Pace(), warm=_WARM))


async def soak(
    calls: int, seed: int, pace: Pace, warm: int, parts: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 1.0)
) -> dict[str, Any]:
    """Everything that was counted. `warm`: calls before the first count; `parts` of all behind which it is done again."""
    marks = [round(part * calls) for part in parts]
    timers = Timers(pace.t1, 8 * pace.t1, 10 * pace.t1)
    with (
        tempfile.TemporaryDirectory(prefix="callcenter-soak-") as folder,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody,
    ):
        nobody.bind(("127.0.0.1", 0))
        plan = Plan(folder, RTP_PORTS, f"127.0.0.1:{nobody.getsockname()[1]}", seed, pace.t1, pace.silent)
        async with _line(plan) as line, _Town(line, timers, seed) as town:
            await town.ring(warm, pace.rate)
            counts = [await _count(line, town, pace)]
            used, began = _used(line), time.monotonic()
            busy = 0.0
            for mark in marks:
                begins = time.monotonic()
                await town.ring(warm + mark - town.begun, pace.rate)
                busy += time.monotonic() - begins
                counts.append(await _count(line, town, pace))
            spent = {name: now - used[name] for name, now in _used(line).items()}
    return {
        "bench": "soak", "machine": machine(), "calls": calls, "warm_up": warm, "seed": seed,
        "calls_per_second": round(calls / busy, 1), "seconds": round(time.monotonic() - began, 1),
        "habits": dict(town.habits), "failed": dict(town.failed), "endings": counts[-1]["endings"],
        "refused": counts[-1]["refused"], "most_at_once": counts[-1]["most_at_once"],
        "errors": counts[-1]["errors"],
        "marks": [
            {"calls": number, "line": count["line"], "audio": count["audio"]}
            for number, count in zip((0, *marks), counts, strict=True)
        ],
        "figures": counts[-1]["figures"],
        "left_over": left_over(counts[0], counts[-1]),
        "cpu_ms_per_call": {name: round(s * 1000 / calls, 2) for name, s in spent.items()},
    }  # fmt: skip


def left_over(first: dict[str, Any], last: dict[str, Any]) -> dict[str, list[int]]:
    """What grew, [before, behind]; memory stands in the marks. Of objects, which come and go, those that are there all the
    time are compared with the most that were seen before."""
    first = {**first, "objects": first["objects_at_most"]}
    flat = [
        {f"{part} {name}": value for part in ("entries", "objects") for name, value in count[part].items()}
        | {
            f"{part} {name}": count[part][name]
            for part in ("line", "audio")
            for name in ("files", "udp_ports")
        }
        | {"tasks": count["tasks"], "spooled": count["spooled"]}
        for count in (first, last)
    ]
    return {
        name: [flat[0].get(name, 0), value]
        for name, value in sorted(flat[1].items())
        if value > flat[0].get(name, 0)
    }


class _Line:
    """The process with the line."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self.process, self.address = process, address
        self.audio = 0

    async def count(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(b"count\n")
        return await _told(self.process)


@contextlib.asynccontextmanager
async def _line(plan: Plan) -> AsyncIterator[_Line]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "callcenter.bench.soaked", orjson.dumps(plan).decode(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22,
    )  # fmt: skip
    try:
        yield _Line(process, (await _told(process))["address"])
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _told(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = orjson.loads(await process.stdout.readline())
    return found


async def _count(line: _Line, town: "_Town", pace: Pace) -> dict[str, Any]:
    """When it is quiet; some more calls let go what is forgotten only when the next come."""
    await asyncio.sleep(pace.faded)
    await town.last_calls()
    return await line.count()


def _used(line: _Line) -> dict[str, float]:
    pid = line.process.pid
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        audio = [int(child) for child in children.read().split()]
    return {"line": seconds_used([pid]), "audio": seconds_used(audio), "load": time.process_time()}


class _Town:
    """Callers and agents."""

    def __init__(self, line: _Line, timers: Timers, seed: int) -> None:
        self._line, self._timers, self._dice = line, timers, random.Random(seed)
        self._agents: list[Phone] = []
        self._callers: list[Phone] = []
        self._lost = False
        self.begun = 0
        self.habits, self.failed = Counter[str](), Counter[str]()

    async def __aenter__(self) -> "_Town":
        names = ("busy", "deaf", "away", *(f"agent{number}" for number in range(ANSWERING)))
        for number, name in enumerate(names):
            phone = self._phone(name, "tcp" if number % 4 == 3 else "udp", PASSWORD)
            phone.on_call = self._rings
            self._agents.append(phone)
            await phone.start()
        busy, deaf, away = self._agents[:3]
        busy.refuse_with, deaf.answer_after, away.forward_to = 486, None, f"sip:agent0@{self._line.address}"
        self._callers = [
            self._phone(f"caller{number}", "tcp" if number < _TCP else "udp") for number in range(_CALLERS)
        ]
        self._rude = self._phone("rude")
        self._rude.agent._transport._drop = lambda data, inbound: not inbound and data.startswith(b"ACK")
        for phone in (*self._callers, self._rude):
            await phone.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(phone.stop() for phone in (*self._callers, self._rude, *self._agents)))

    async def ring(self, calls: int, rate: float) -> None:
        """So many calls, evenly, each seen to its end."""
        loop = asyncio.get_running_loop()
        began, running = loop.time(), set[asyncio.Task[None]]()
        for number in range(calls):
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            task = loop.create_task(self._call())
            running.add(task)
            task.add_done_callback(running.discard)
        while running:
            await asyncio.wait(running)

    async def last_calls(self) -> None:
        """A plain one from each caller, so that whoever keeps a connection has one."""
        calls = [phone.call("plain") for phone in self._callers]
        async with asyncio.timeout(_WITHIN):
            for call in calls:
                await call.up.wait()
                call.hang_up()

    async def _call(self) -> None:
        self.begun += 1
        (habit,) = self._dice.choices([name for name, _ in _HABITS], [share for _, share in _HABITS])
        self.habits[habit] += 1
        number = "nowhere" if habit == "rings nobody" else self._dice.choice(KINDS)
        try:
            async with asyncio.timeout(_WITHIN):
                await self._behave(habit, number)
        except TimeoutError:
            self.failed[f"{habit} at {number}"] += 1

    async def _behave(self, habit: str, number: str) -> None:
        phone = self._dice.choice(self._callers)
        if habit == "never acknowledges":
            phone = self._rude
        elif habit in ("rings once", "vanishes"):
            phone = self._phone("once", self._dice.choice(("udp", "tcp")))
            await phone.start()
        call = phone.call(number)
        if habit == "talks":
            call.voice.wake()
        await _first(call.ringing, call.up, call.over)
        if habit == "cancels":
            await asyncio.sleep(self._dice.uniform(0, 0.3))
            call.hang_up()
        await _first(call.up, call.over)
        if not call.over.is_set():
            await self._talk(habit, call)
        await call.over.wait()
        if habit in ("rings once", "vanishes"):
            await phone.stop()

    async def _talk(self, habit: str, call: PhoneCall) -> None:
        pause = self._dice.uniform(0.1, 0.5)
        match habit:
            case "hangs up" | "rings once":
                await asyncio.sleep(pause)
            case "holds":
                call.hold()
                await asyncio.sleep(pause)
                call.resume()
                await asyncio.sleep(pause)
            case "presses":
                call.press("12", "info")
                await asyncio.sleep(pause)
            case "talks":
                await asyncio.sleep(1 + pause)
                call.press("3")
                await asyncio.sleep(pause)
            case "vanishes":
                call.phone.agent._transport._drop = lambda data, inbound: True
                await asyncio.sleep(pause)
            case "is hung up" | "is held" | "is referred":
                await _within(call, 3)
            case "never acknowledges":
                return
        call.hang_up()

    def _rings(self, call: PhoneCall) -> None:
        """An agent's phone rings; some agents do something of their own."""
        call.phone.incoming.clear()
        habit = self._dice.choice(("waits", "waits", "hangs up", "holds", "refers", "is gone"))
        asyncio.get_running_loop().call_later(self._dice.uniform(0.05, 0.4), self._act, habit, call)

    def _act(self, habit: str, call: PhoneCall) -> None:
        if call.over.is_set() or not call.up.is_set():
            return
        match habit:
            case "hangs up":
                call.hang_up()
            case "holds":
                call.hold()
            case "refers":
                call.refer(f"sip:agent1@{self._line.address}")

    def _phone(self, name: str, transport: str = "udp", password: str = "") -> Phone:
        phone = Phone(
            name, password, server=self._line.address, transport=transport, timers=self._timers, audible=False
        )
        phone.follows_referrals = False
        return phone


async def _first(*happenings: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(one.wait()) for one in happenings]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _within(call: PhoneCall, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(call.over.wait(), seconds)
