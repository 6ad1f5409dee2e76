"""`./run bench calls [RATE [SECONDS]]`: full cycles: arrive, answer, queue, offer, agent's phone, bridge, a second of
audio, hang up, recorded by the ledger."""

import asyncio
import gc
import time
from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

import uvloop
from sqlmodel import col, func, select

from callcenter import db
from callcenter.bench import machine, spread
from callcenter.bench.house import House, house, seconds_used
from callcenter.calls.models import Call
from callcenter.settings import Settings
from callcenter.telephony.phone import Phone, PhoneCall

RATE = 20
"""Cycles that begin in a second."""
SECONDS = 20
AGENTS, CALLERS = 60, 120
"""At least; three seconds' cycles of agents, six of callers."""
TALK = 1.0
LEDGER_WITHIN = 60.0
"""Seconds behind the last call in which the ledger has written all of them."""
WITHIN = 15.0
"""Seconds that one step of a cycle may take."""
CALLER_TONE, AGENT_TONE = 440.0, 700.0
NEAR = 25.0
"""Hz by which a tone that is heard may differ."""


class Failed(Exception):
    """A cycle that did not go all the way; the text says where it ended."""


def main(settings: Settings, rate: int = RATE, seconds: int = SECONDS) -> dict[str, Any]:
    """What an installation carries on this machine, with its callers and agents on it too.

    A cycle counts when both sides heard the other's tone and both ended; `recorded`: of them in the record of calls.
    `cpu_ms_per_cycle`: processor time of each process; `load` is the callers and agents themselves. `to_agent_ms`: from
    the caller's INVITE to the INVITE that reaches the agent's phone, as both phones' sockets see it; `to_answer_ms`:
    until that phone's answer is acknowledged; `to_audio_ms`: until both heard 200 ms of each other.
    """
    del settings  # an installation of its own
    return uvloop.run(_all(rate, seconds))


async def _all(rate: int, seconds: int) -> dict[str, Any]:
    agents = max(AGENTS, 3 * rate)
    async with house() as place:
        place.seed(agents)
        await place.open(agents)
        for agent in place.phones:
            agent.tone = AGENT_TONE
        run = _Run(place)
        await run.start(max(CALLERS, 6 * rate))
        try:
            await run.cycles(rate, 2)
            run.forget()
            pids, since = place.children(), db.now()
            before = {name: seconds_used([pid]) for name, pid in pids.items()}
            own, began = time.process_time(), time.monotonic()
            await run.cycles(rate, seconds)
            took = time.monotonic() - began
            cpu = {name: seconds_used([pid]) - before[name] for name, pid in pids.items()}
            cpu["load"] = time.process_time() - own
            recorded = await _recorded(place, since, len(run.took))
        finally:
            await run.stop()
    done = len(run.took)
    return {
        "bench": "calls",
        "machine": machine(),
        "wanted_per_second": rate,
        "begun": run.begun,
        "done": done,
        "failed": dict(run.failed),
        "recorded": recorded,
        "cycles_per_second": round(done / (took - run.last), 2),
        "to_agent_ms": spread(run.rang, 1),
        "to_answer_ms": spread(run.took, 1),
        "to_audio_ms": spread(run.bridged, 1),
        "cpu_ms_per_cycle": {
            name: round(used * 1000 / max(done, 1), 1) for name, used in sorted(cpu.items())
        },
    }


async def _recorded(place: House, since: datetime, done: int) -> int:
    """Calls of the run in the record in which both really spoke; waits for the ledger, which is behind when it is busy."""
    count = select(func.count()).where(col(Call.evidence), col(Call.started_at) >= since)
    found, until = 0, time.monotonic() + LEDGER_WITHIN
    while found < done and time.monotonic() < until:
        await asyncio.sleep(0.5)
        with db.read(place.engine) as session:
            found = session.exec(count).one()
    return found


class _Run:
    """Callers who ring one after another; each number is in one call at a time."""

    def __init__(self, place: House) -> None:
        self.place = place
        self.idle: asyncio.Queue[Phone] = asyncio.Queue()
        self.expected: dict[str, asyncio.Future[tuple[PhoneCall, float]]] = {}
        self.invited: dict[str, float] = {}
        """Phone -> when its socket sent or got the INVITE of its present call."""
        self.forget()
        for agent in place.phones:
            agent.on_call = self._agent_rings
            agent.patient = True
            agent.agent.on_message = partial(self._seen, agent)

    def forget(self) -> None:
        """What was before does not count."""
        self.begun, self.failed = 0, Counter[str]()
        self.last = 0.0
        """Seconds that the last cycles took behind the beginning of the last."""
        self.rang: list[float] = []
        self.took: list[float] = []
        self.bridged: list[float] = []

    async def start(self, callers: int) -> None:
        self.callers = [
            Phone(f"+86138{number:08d}", server=self.place.settings.sip, tone=CALLER_TONE, patient=True)
            for number in range(callers)
        ]
        for phone in self.callers:
            phone.agent.on_message = partial(self._seen, phone)
            await phone.start()
            self.idle.put_nowait(phone)
        # What stays for the whole run is not looked at again and again.
        gc.freeze()

    async def stop(self) -> None:
        await asyncio.gather(*(phone.stop() for phone in self.callers))

    async def cycles(self, rate: int, seconds: int) -> None:
        """Begin so many cycles, evenly, and see each to its end."""
        loop = asyncio.get_running_loop()
        began, running = loop.time(), []
        for number in range(rate * seconds):
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            running.append(loop.create_task(self._cycle()))
        await asyncio.sleep(max(0.0, began + seconds - loop.time()))
        everything = loop.time()
        await asyncio.gather(*running)
        self.last = loop.time() - everything

    async def _cycle(self) -> None:
        self.begun += 1
        phone = await self.idle.get()
        try:
            self.took.append(await self._ring(phone) * 1000)
        except Failed as error:
            self.failed[str(error)] += 1
        finally:
            phone.hang_up_all()
            self.expected.pop(phone.user, None)
            self.invited.pop(phone.user, None)
            self.idle.put_nowait(phone)

    async def _ring(self, phone: Phone) -> float:
        """Seconds until the agent answered."""
        self.expected[phone.user] = asyncio.get_running_loop().create_future()
        call = phone.call("hotline")
        began = self.invited[phone.user]
        await _step(call.up.wait(), "not answered")
        agent, rang_at = await _step(self.expected[phone.user], "no agent")
        await _step(agent.up.wait(), "agent did not answer")
        waited = time.monotonic() - began
        await _step(_hears(call, AGENT_TONE), "caller heard nothing")
        await _step(_hears(agent, CALLER_TONE), "agent heard nothing")
        self.rang.append((rang_at - began) * 1000)
        self.bridged.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(TALK)
        for side, hertz, name in ((call, AGENT_TONE, "caller"), (agent, CALLER_TONE, "agent")):
            if not _tone(side, hertz):
                raise Failed(f"{name} heard nothing any more")
        call.hang_up()
        await _step(call.over.wait(), "did not end")
        await _step(agent.over.wait(), "agent was left")
        return waited

    def _agent_rings(self, call: PhoneCall) -> None:
        rang_at = self.invited.pop(call.phone.user)
        expected = self.expected.get(call.caller)
        if expected is not None and not expected.done():
            expected.set_result((call, rang_at))

    def _seen(self, phone: Phone, data: bytes, way: str, flow: object) -> None:
        if data.startswith(b"INVITE "):
            self.invited.setdefault(phone.user, time.monotonic())


async def _hears(side: PhoneCall, hertz: float) -> None:
    while not _tone(side, hertz):  # noqa: ASYNC110  # a sound sets no event
        await asyncio.sleep(0.05)


def _tone(side: PhoneCall, hertz: float) -> bool:
    return abs(side.voice.loudest(0.2) - hertz) < NEAR


async def _step(waiting: Any, otherwise: str) -> Any:
    try:
        return await asyncio.wait_for(waiting, WITHIN)
    except TimeoutError:
        raise Failed(otherwise) from None
