"""The demo's agents: their SIP phones, their hands on the desk, their complaints; and the newcomer's phone."""

import asyncio
import contextlib
import random
from functools import partial
from typing import Any

import orjson
import redis.asyncio
import structlog

from callcenter import commands, events, stream
from callcenter.demo.backoffice import BackOffice
from callcenter.demo.callers import Spawn, Town
from callcenter.demo.cast import PLAYING, YOU, Worker
from callcenter.demo.keys import Keys
from callcenter.errors import DomainError
from callcenter.settings import SPOKEN, Settings
from callcenter.telephony.media.pcm import Samples
from callcenter.telephony.phone import Phone, PhoneCall, registered
from callcenter.telephony.sealed import unsealed

log = structlog.get_logger()

BREAK_EVERY = (50.0, 110.0)
BREAKS = ("short", "meal", "training")
LOOK = 4.0
"""Seconds between two looks at the complaints that wait."""
PATIENT_EVERY = 4
"""Every fourth complaint is left until it escalates."""


class Staff:
    """Everybody whom the demo plays."""

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        store: redis.asyncio.Redis,
        town: Town,
        office: BackOffice,
        voices: dict[str, Samples],
        spawn: Spawn,
    ) -> None:
        self.settings, self.keys, self.store, self.town = settings, keys, store, town
        self.office, self.voices, self.spawn = office, voices, spawn
        self.dice = random.Random()
        self.calls: dict[str, events.CallStarted] = {}
        self.names = {worker.name for worker in PLAYING}
        self.idle = set(self.names)
        self.phones: list[Phone] = []
        self.yours = Guest(settings, keys, store)

    def _phone(self, worker: Worker) -> Phone:
        spoken = SPOKEN.get(worker.language, "en")
        phone = Phone(
            worker.phone,
            self.keys.phones[worker.name],
            server=self.settings.sip,
            name=worker.display,
            samples=self.voices.get(spoken),
        )
        phone.answer_after = 1.5
        return phone

    async def open(self) -> None:
        """Register every phone and take the seats."""
        self.phones = await asyncio.gather(*(registered(partial(self._phone, worker)) for worker in PLAYING))
        await self.yours.register()
        for name in sorted(self.names):
            await self._ask(commands.SignIn(name))
            await self._ask(commands.SetStatus(name, "available"))

    async def close(self) -> None:
        """Leave the seats, put the phones away."""
        with contextlib.suppress(redis.RedisError, OSError):
            for name in sorted(self.names):
                await self._ask(commands.SignOut(name))
        await asyncio.gather(*(phone.stop() for phone in self.phones), self.yours.leave())

    def told(self, message: Any) -> None:
        """What happens at the hotline."""
        match message:
            case events.CallStarted():
                self.calls[message.call] = message
            case events.CallAnswered() if message.agent in self.names:
                self.spawn(self._talk(message))
            case events.CallFinished():
                self.calls.pop(message.call, None)
                if message.kind == "callback" and message.outcome == "conversation" and message.ticket:
                    self.spawn(self._after_callback(message))
            case events.WrapUpStarted() if message.agent in self.names:
                self.spawn(self._wrap_up(message))
            case events.AgentChanged() if message.agent in self.names:
                self._changed(message)
            case _:
                return

    async def work(self) -> None:
        """Look after the complaints, each when its time has come."""
        due: dict[tuple[int, str], float] = {}
        clock = asyncio.get_running_loop().time
        while True:
            waiting = await asyncio.to_thread(self.office.waiting)
            due = {one: due.get(one, clock() + self._patience(*one)) for one in waiting}
            for one in [one for one, at in due.items() if at <= clock()]:
                due[one] = clock() + 30
                await self._try(self.office.go_on, one[0])
            await asyncio.sleep(LOOK)

    async def rest(self) -> None:
        """Now and then somebody takes a break."""
        while True:
            await asyncio.sleep(self.dice.uniform(*BREAK_EVERY))
            name = self.dice.choice(sorted(self.idle) or sorted(self.names))
            await self._ask(commands.SetStatus(name, "break", self.dice.choice(BREAKS)))
            await asyncio.sleep(self.dice.uniform(12, 25))
            await self._ask(commands.SetStatus(name, "available"))

    # ---- one call ------------------------------------------------------------------------------------------------

    async def _talk(self, answered: events.CallAnswered) -> None:
        started = self.calls.get(answered.call)
        await asyncio.sleep(self.dice.uniform(4, 7))
        story = self.town.stories.get(started.caller) if started else None
        if started and started.withheld:
            story = self.town.stories.get("anonymous")
        if story and started and started.direction == "in" and answered.call in self.calls:
            await self._try(self.office.write_down, answered.agent, answered.call, story, answered.customer)
        await asyncio.sleep(self.dice.uniform(3, 9))
        if answered.call in self.calls:
            await self._ask(commands.HangUpCall(answered.agent, answered.call))

    async def _wrap_up(self, wrap: events.WrapUpStarted) -> None:
        await asyncio.sleep(self.dice.uniform(2, 5))
        disposition = self.dice.choice(("resolved", "complaint_logged", "callback_agreed"))
        await self._ask(commands.FinishWrapUp(wrap.agent, wrap.call, disposition))

    async def _after_callback(self, finished: events.CallFinished) -> None:
        """The record follows the events within moments."""
        if finished.agent not in self.names:
            return
        for _ in range(10):
            await asyncio.sleep(1.0)
            if await self._try(self.office.after_callback, finished.ticket, finished.call) is not False:
                return

    def _changed(self, change: events.AgentChanged) -> None:
        if change.activity == "idle" and change.status == "available":
            self.idle.add(change.agent)
        else:
            self.idle.discard(change.agent)
        if change.paused == "missed_calls":
            self.spawn(self._come_back(change.agent))

    async def _come_back(self, name: str) -> None:
        await asyncio.sleep(8)
        await self._ask(commands.SetStatus(name, "available"))

    def _patience(self, ticket: int, state: str) -> float:
        if state == "in_progress" and ticket % PATIENT_EVERY == 0:
            return self.dice.uniform(150, 260)
        return self.dice.uniform(6, 12) if state == "proposed" else self.dice.uniform(20, 60)

    async def _try(self, act: Any, *values: Any) -> Any:
        """A person who is told "somebody changed this meanwhile" goes on with the next thing."""
        try:
            return await asyncio.to_thread(act, *values)
        except DomainError as error:
            log.info("not done", act=act.__name__, code=error.code)
            return None

    async def _ask(self, command: Any) -> None:
        await stream.append_async(self.store, stream.DESK_COMMANDS, commands.desk.encode(command))


class Guest:
    """The newcomer's phone: answers when the page asks it to, and leaves when a real one registers in its place."""

    def __init__(self, settings: Settings, keys: Keys, store: redis.asyncio.Redis) -> None:
        self.bindings = f"line:bindings:{settings.line}"
        self.store = store
        self.phone: Phone | None = None
        self.make = partial(Phone, YOU.phone, keys.phones[YOU.name], server=settings.sip, name=YOU.display)

    async def register(self) -> None:
        """Be the newcomer's phone."""
        self.phone = await registered(self.make)
        self.phone.answer_after = None
        self.phone.on_call = self._rung

    async def leave(self) -> None:
        """Be it no longer."""
        phone, self.phone = self.phone, None
        if phone is not None:
            await phone.stop()

    async def make_room(self) -> None:
        """Step back for another phone of the same user, and take over when it has gone."""
        while True:
            await asyncio.sleep(3)
            stored: Any = await self.store.hget(self.bindings, YOU.phone)
            ours = self.phone.address if self.phone else "-"
            others = [
                one
                for one in orjson.loads(unsealed(stored) if stored else b"[]")
                if ours not in str(one["contact"])
            ]
            if others and self.phone and not self.phone.calls:
                await self.leave()
            elif not others and not self.phone:
                await self.register()

    def _rung(self, call: PhoneCall) -> None:
        if call.asked_to_answer:
            call.answer()
