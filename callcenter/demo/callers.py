"""The town: customers who ring the hotline, and their phones at the other end of the trunk.

Some complain, some chase, some ask, some hang up in the queue, some press a key there to be rung back; of those who are
called back some are busy and some do not answer. Real SIP and RTP on loopback.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from callcenter import events
from callcenter.demo.cast import PEOPLE, STRANGERS, WITHHELD, WITHOUT_AREA_CODE, Person
from callcenter.settings import SPOKEN
from callcenter.telephony.media.pcm import Samples
from callcenter.telephony.phone import Phone, PhoneCall

Wish = Literal["complain", "chase", "ask", "leave", "keep"]

BETWEEN = (6.0, 10.0)
"""Seconds between two callers."""
MOST_AT_ONCE = 6
PATIENCE = 75.0
"""Seconds that a customer waits to be answered."""
LONGEST = 240.0
"""Seconds after which any customer has said everything."""
SCORES = (5, 5, 5, 5, 4, 4, 4, 3, 2, 1)

Spawn = Callable[[Coroutine[Any, Any, None]], None]


@dataclass(frozen=True, slots=True)
class Story:
    """Who rings now, and why."""

    person: Person
    wish: Wish


class Town:
    """All customers. `voices`: what they say, by spoken language. `stories`: who rings now, by number as sent."""

    def __init__(self, hotline: str, server: str, voices: dict[str, Samples], spawn: Spawn) -> None:
        self.hotline, self.server, self.voices, self.spawn = hotline, server, voices, spawn
        self.stories: dict[str, Story] = {}
        self.dice = random.Random()
        self._surveyed: set[str] = set()
        self._trunk = Phone("town", server=server)
        self._trunk.answer_after = None
        self._trunk.on_call = self._rung
        self._ringing: set[Phone] = set()

    async def open(self, port: int) -> None:
        """Listen where the trunk leads."""
        await self._trunk.start(port)

    async def close(self) -> None:
        """Everybody hangs up."""
        for phone in list(self._ringing):
            phone.hang_up_all()
        await self._trunk.stop()

    async def live(self) -> None:
        """Let somebody ring every few seconds, for ever."""
        while True:
            if len(self.stories) < MOST_AT_ONCE:
                self.spawn(self._ring(self._next()))
            await asyncio.sleep(self.dice.uniform(*BETWEEN))

    def told(self, message: Any) -> None:
        """What the hotline tells: which of the calls that come will be a survey."""
        if isinstance(message, events.CallStarted) and message.direction == "out":
            change = self._surveyed.add if message.kind == "survey" else self._surveyed.discard
            change(message.called)

    # ---- they ring -----------------------------------------------------------------------------------------------

    def _next(self) -> Story:
        wish: Wish = self.dice.choices(("complain", "chase", "ask", "leave", "keep"), (36, 18, 22, 12, 12))[0]
        known = self.dice.random() >= 0.12
        strangers = () if known else self._not_ringing(*STRANGERS, WITHOUT_AREA_CODE, WITHHELD)
        # Fewer are on the phone (MOST_AT_ONCE) than are known.
        return Story(self.dice.choice(strangers or self._not_ringing(*PEOPLE)), wish)

    def _not_ringing(self, *people: Person) -> tuple[Person, ...]:
        """Nobody rings twice at once."""
        return tuple(person for person in people if person.number not in self.stories)

    async def _ring(self, story: Story) -> None:
        number = story.person.number
        phone = Phone(
            number,
            server=self.server,
            name="" if number == WITHHELD.number else story.person.name,
            samples=self.voices.get(SPOKEN[story.person.language]),
        )
        self.stories[number] = story
        self._ringing.add(phone)
        try:
            await phone.start()
            call = phone.call(self.hotline)
            await self._wait(call, story)
            call.hang_up()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.over.wait(), 5)
        finally:
            self._ringing.discard(phone)
            del self.stories[number]
            await phone.stop()

    async def _wait(self, call: PhoneCall, story: Story) -> None:
        """Until the hotline hangs up, or patience ends."""
        patience = self.dice.uniform(9, 16) if story.wish in ("leave", "keep") else LONGEST
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(call.over.wait(), patience)
        if story.wish == "keep" and not call.over.is_set():
            # Of who speaks with an agent by now, the key means nothing.
            call.press("1")
            await asyncio.sleep(2)
            call.press("1")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.over.wait(), LONGEST)

    # ---- they are rung -------------------------------------------------------------------------------------------

    def _rung(self, call: PhoneCall) -> None:
        mood = self.dice.random()
        if mood < 0.15:
            call.refuse(486)
        elif mood > 0.25:
            # The rest lets it ring.
            self.spawn(self._take(call))

    async def _take(self, call: PhoneCall) -> None:
        await asyncio.sleep(self.dice.uniform(2, 5))
        person = next((one for one in PEOPLE if one.number == call.called), None)
        spoken = SPOKEN[person.language] if person else "cmn"
        if call.called not in self._surveyed and spoken in self.voices:
            call.voice.say(self.voices[spoken])
        call.answer()
        await asyncio.sleep(self.dice.uniform(6, 9))
        if call.called in self._surveyed:
            call.press(str(self.dice.choice(SCORES)))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(call.over.wait(), LONGEST)
        call.hang_up()
