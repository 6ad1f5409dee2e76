"""`./run bench desks [DESKS [RATE [SECONDS]]]`: who calls reaches a desk among 300 as fast as the only one."""

import asyncio
import random
import time
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from sqlmodel import col, select, update

from callcenter import db, events, stream
from callcenter.bench import machine, spread
from callcenter.bench.house import PASSWORD, House, house, seconds_used
from callcenter.bench.watchers import Watcher
from callcenter.people import desk as people
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.telephony.phone import Phone, PhoneCall, registered

DESKS, BOARDS = 300, 5
RATE, SECONDS = 5, 60
"""Calls that begin in a second, evenly; for how many seconds."""
FIRST = 20
"""Calls before those that count."""
RINGS, TALK, BUSY = 0.3, 20.0, 0.7
"""Seconds until an agent's phone answers, and of each talk at most; the share of agents in a call at most. The phones are
mute: no call may last a minute."""
BAD = 10
"""Desks that read nothing any more, and as many that break off, while the last calls ring."""
WITHIN = 10.0
LANGUAGES = ("en", "zh_Hans", "zh_Hant")


def main(settings: Settings, desks: int = DESKS, rate: int = RATE, seconds: int = SECONDS) -> dict[str, Any]:
    """Milliseconds from the INVITE at the line, and from the offer, to the frame with the pop at the agent's browser.

    `one`: a desk alone, its caller hangs up at the pop. `many`: every desk and wallboard open, calls answered and
    talked through. `bad_readers`: the same, while some of them read nothing any more or broke off; theirs do not count.
    `missing`: offers that the agent's desk never showed; `failed`: calls that were not answered or did not end.
    `cpu_ms_per_s`: processor time of each process in a second,
    `load` is callers, phones and readers themselves. `web_mb`: resident memory of the web process.
    """
    del settings  # an installation of its own
    return uvloop.run(_all(desks, BOARDS, rate, seconds))


async def _all(desks: int, boards: int, rate: int, seconds: int) -> dict[str, Any]:
    async with house() as place:
        _seed(place, desks, boards)
        await place.open(0)
        floor = _Floor(place, rate)
        try:
            await floor.arrive(1, 0)
            one = await floor.measure(seconds, answered=False)
            await floor.arrive(desks, boards)
            many = await floor.measure(seconds, answered=True)
            floor.misbehave()
            bad = await floor.measure(seconds, answered=True)
        finally:
            await floor.leave()
    return {
        "bench": "desks",
        "machine": machine(),
        "desks": desks,
        "boards": boards,
        "calls_per_second": rate,
        "talk_s": floor.talk,
        "one": one,
        "many": many,
        "bad_readers": bad,
    }


def _seed(place: House, desks: int, boards: int) -> None:
    """One password for all, hashed once; three languages."""
    place.seed(desks, ring_time=WITHIN)
    with db.write(place.engine) as session:
        for number in range(boards):
            people.add_user(session, f"board{number}", "supervisor", db.now())
        known = session.exec(select(User.password_hash).where(User.name == "agent0")).one()
        session.exec(update(User).values(password_hash=known))
        for at, language in enumerate(LANGUAGES):
            session.exec(update(User).where(col(User.id) % len(LANGUAGES) == at).values(language=language))


class _Floor:
    """Everybody who sits there, and the callers."""

    def __init__(self, place: House, rate: int) -> None:
        self.place, self.rate = place, rate
        self.dice = random.Random(3)
        self.desks: dict[str, Watcher] = {}
        self.boards: list[Watcher] = []
        self.bad: set[str] = set()
        self.callers: asyncio.Queue[Phone] = asyncio.Queue()
        self.alone = asyncio.Lock()
        self.talk = 0.0

    async def arrive(self, desks: int, boards: int) -> None:
        """Sign in whoever is not here yet, a few at once, as at the start of a shift."""
        server, few = self.place.settings.sip, asyncio.Semaphore(4)

        async def sit(name: str, page: str) -> Watcher:
            async with few:
                watcher = Watcher(self.place.settings.http, name, page)
                await watcher.sign_in(PASSWORD)
                await watcher.open()
                if page == "/desk":
                    phone = await registered(partial(Phone, name, PASSWORD, server=server, audible=False))
                    self.place.phones.append(phone)
                    await watcher.choose("available")
                return watcher

        names = [f"agent{number}" for number in range(len(self.desks), desks)]
        for watcher in await asyncio.gather(*(sit(name, "/desk") for name in names)):
            self.desks[watcher.name] = watcher
        self.boards += await asyncio.gather(*(sit(f"board{n}", "/board") for n in range(boards)))
        self.talk = min(TALK, BUSY * desks / self.rate)
        for number in range(self.callers.qsize(), 4 + int(2 * self.rate * (self.talk + 1))):
            phone = Phone(f"+86138{number:08d}", server=server, audible=False)
            await phone.start()
            self.callers.put_nowait(phone)

    async def leave(self) -> None:
        """Everybody goes home."""
        await asyncio.gather(*(one.close() for one in [*self.desks.values(), *self.boards]))
        while not self.callers.empty():
            await self.callers.get_nowait().stop()

    def misbehave(self) -> None:
        """Some stop to read, some break off."""
        self.bad = set(self.dice.sample(sorted(self.desks), min(2 * BAD, len(self.desks) - 1)))
        for at, name in enumerate(sorted(self.bad)):
            (Watcher.stall if at % 2 else Watcher.vanish)(self.desks[name])

    async def measure(self, seconds: int, *, answered: bool) -> dict[str, Any]:
        """Ring for so long; what the frames of the pops say."""
        for phone in self.place.phones:
            phone.answer_after = RINGS if answered else None
        await self._ring(FIRST, answered)
        before_these = frozenset(await asyncio.to_thread(self._arrived))
        pids = self.place.children()
        before, own, began = {n: seconds_used([p]) for n, p in pids.items()}, time.process_time(), time.time()
        sent = [(one.frames, one.bytes) for one in self._everybody()]
        failed = await self._ring(self.rate * seconds, answered)
        took = time.time() - began
        used = {name: seconds_used([pid]) - before[name] for name, pid in pids.items()}
        used["load"] = time.process_time() - own
        frames = sum(one.frames for one in self._everybody()) - sum(count for count, _ in sent)
        size = sum(one.bytes for one in self._everybody()) - sum(count for _, count in sent)
        return {
            **await asyncio.to_thread(self._figures, before_these),
            "failed": failed,
            "frames_per_s": round(frames / took, 1),
            "kb_per_s": round(size / took / 1000, 1),
            "cpu_ms_per_s": {name: round(1000 * cpu / took, 1) for name, cpu in sorted(used.items())},
            "web_mb": _resident(pids["web"]),
        }

    def _everybody(self) -> list[Watcher]:
        return [*self.desks.values(), *self.boards]

    def _arrived(self) -> dict[str, float]:
        """Call -> when the line got its INVITE."""
        told = self.place.told(stream.LINE_EVENTS, events.line)
        return {one.leg: one.at for one in told if isinstance(one, events.CallArrived)}

    def _figures(self, before_these: frozenset[str]) -> dict[str, Any]:
        arrived = {call: at for call, at in self._arrived().items() if call not in before_these}
        offers = [
            one
            for one in self.place.told(stream.PUBLIC, events.public)
            if isinstance(one, events.CallOffered) and one.call in arrived and one.agent not in self.bad
        ]
        every = [
            (arrived[one.call], one.at, *self.desks[one.agent].pops[one.call])
            for one in offers
            if one.call in self.desks[one.agent].pops
        ]
        return {
            "missing": len(offers) - len(every),
            "invite_to_offered_ms": spread([1000 * (offered - at) for at, offered, _, _ in every], 1),
            "offered_to_sent_ms": spread([1000 * (sent - offered) for _, offered, sent, _ in every], 1),
            "offered_to_here_ms": spread([1000 * (here - offered) for _, offered, _, here in every], 1),
            "invite_to_here_ms": spread([1000 * (here - at) for at, _, _, here in every], 1),
        }

    async def _ring(self, calls: int, answered: bool) -> int:
        """So many calls, begun evenly; how many failed."""
        loop = asyncio.get_running_loop()
        began, running = loop.time(), []
        for number in range(calls):
            await asyncio.sleep(max(0.0, began + number / self.rate - loop.time()))
            running.append(loop.create_task(self._talk() if answered else self._look()))
        return sum(await asyncio.gather(*running))

    async def _look(self) -> bool:
        """A caller who hangs up when the only desk shows the call, one after another; whether it failed."""
        async with self.alone:
            phone, desk = await self.callers.get(), self.desks["agent0"]
            desk.shown.clear()
            call = phone.call("hotline")
            return await self._end(phone, call, desk.shown.wait())

    async def _talk(self) -> bool:
        """A caller whom an agent answers; whether it failed."""
        phone = await self.callers.get()
        call = phone.call("hotline")
        return await self._end(phone, call, self._speak(call))

    async def _speak(self, call: PhoneCall) -> None:
        await call.up.wait()
        await asyncio.sleep(self.talk)

    async def _end(self, phone: Phone, call: PhoneCall, first: Coroutine[Any, Any, Any]) -> bool:
        try:
            await asyncio.wait_for(first, WITHIN + self.talk)
            call.hang_up()
            await asyncio.wait_for(call.over.wait(), WITHIN)
        except TimeoutError:
            phone.hang_up_all()
            return True
        finally:
            self.callers.put_nowait(phone)
        return False


def _resident(pid: int) -> float:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return round(int(fields[1]) * 4096 / 1e6, 1)
