"""What a line does on its own when nobody leads it: no conductor answers, or the store is away.

Conversations go on. A new caller hears a short message and is let go, recorded as refused so that a callback is owed.
When one side of a conversation hangs up while the store is away, the other is let go too.
An emergency number that one of our phones dials is dialled, whoever leads or does not.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from callcenter import commands, events
from callcenter.telephony.dialplan import is_emergency

PATIENCE = 4.0
"""Seconds that a new caller waits for the first command."""
AWAY_PATIENCE = 0.5
"""The same while the store is known to be away: long enough for a hiccup."""
LONGEST = 30.0
"""Seconds after which the caller is let go even if the message never ends: the audio process may be gone too."""
REASON = "no_conductor"
RESCUE_AFTER = 2.0
"""Seconds that an emergency call waits for a conductor. It must be longer than the conductor's own limit
(`routing.dialled.RESCUED_AFTER`), so that nobody is dialled twice."""

_RESCUE = "-emergency"

MESSAGES = {
    "en": "say:en:We are sorry, we cannot take your call right now. We will call you back as soon as we can. Goodbye.",
    "cmn": "say:cmn:非常抱歉,我们暂时无法接听您的来电。我们会尽快给您回电,再见。",
    "yue": "say:yue:非常抱歉,我哋暫時未能接聽您嘅來電。我哋會盡快覆電俾您,再見。",
}


class Alone:
    """Sees each event before it is posted and each command before it is executed."""

    def __init__(
        self,
        execute: Callable[[Any], None],
        away: Callable[[], bool],
        languages: tuple[str, ...],
        patience: float = PATIENCE,
        country: str = "CN",
    ) -> None:
        self._execute = execute
        self._away = away
        self._prompts = tuple(MESSAGES[language] for language in languages if language in MESSAGES)
        self._patience = patience
        self._country = country
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._refused: set[str] = set()
        self._partner: dict[str, str] = {}
        self._rescues: dict[str, str] = {}

    def event(self, event: Any) -> Any:
        """The event as it shall be posted."""
        match event:
            case events.CallArrived(leg=leg, phone=phone, called=called) if phone and is_emergency(
                called, self._country
            ):
                loop = asyncio.get_running_loop()
                self._waiting[leg] = loop.call_later(RESCUE_AFTER, self._rescue, leg, called)
            case events.LegAnswered(leg=leg) if leg in self._rescues and leg.endswith(_RESCUE):
                self._soon(commands.BridgeLegs(self._rescues[leg], leg))
            case events.CommandRefused(command="DialLeg", leg=leg) if leg in self._rescues:
                self._rescued(leg)
            case events.CallArrived(leg=leg):
                patience = min(self._patience, AWAY_PATIENCE) if self._away() else self._patience
                self._waiting[leg] = asyncio.get_running_loop().call_later(patience, self._apologise, leg)
            case events.PromptFinished(leg=leg) if leg in self._refused:
                self._soon(commands.HangUpLeg(leg))
            case events.LegsBridged(leg=leg, other=other):
                self._part(leg)
                self._part(other)
                self._partner[leg], self._partner[other] = other, leg
            case events.LegEnded(leg=leg):
                return self._ended(event, leg)
        return event

    def allows(self, command: Any) -> bool:
        """Whether the command may be executed; the first one for a leg ends its wait."""
        leg = getattr(command, "leg", "")
        if leg in self._refused or leg in self._rescues:
            return False
        self._attended(leg)
        if isinstance(command, commands.UnbridgeLegs):
            self._part(leg)
        return True

    def stop(self) -> None:
        for handle in self._waiting.values():
            handle.cancel()
        self._waiting.clear()

    def _apologise(self, leg: str) -> None:
        del self._waiting[leg]
        self._refused.add(leg)
        self._execute(commands.AnswerLeg(leg))
        self._execute(commands.PlayPrompts(leg, REASON, self._prompts or (MESSAGES["en"],)))
        self._waiting[leg] = asyncio.get_running_loop().call_later(
            LONGEST, self._execute, commands.HangUpLeg(leg)
        )

    def _rescue(self, leg: str, called: str) -> None:
        """Dial for the phone ourselves and let both speak."""
        del self._waiting[leg]
        theirs = leg + _RESCUE
        self._rescues[leg], self._rescues[theirs] = theirs, leg
        self._execute(commands.AnswerLeg(leg))
        self._execute(commands.PlayPrompts(leg, "ringback", ("tone:450:1000", "silence:4000"), loop=True))
        self._execute(commands.DialLeg(theirs, number=called, timeout=120.0))

    def _rescued(self, leg: str) -> None:
        """One side is gone: the other is let go."""
        other = self._rescues.pop(leg)
        if self._rescues.pop(other, None) is not None:
            self._soon(commands.HangUpLeg(other))

    def _ended(self, event: events.LegEnded, leg: str) -> Any:
        self._attended(leg)
        if leg in self._rescues:
            self._rescued(leg)
        partner = self._part(leg)
        if partner and self._away():
            self._soon(commands.HangUpLeg(partner))
        if leg not in self._refused:
            return event
        self._refused.discard(leg)
        return replace(event, outcome="refused", by="line", fault="us", retry=True, reason=REASON)

    def _soon(self, command: Any) -> None:
        """After the event that causes it was posted: its own events must follow that."""
        asyncio.get_running_loop().call_soon(self._execute, command)

    def _attended(self, leg: str) -> None:
        handle = self._waiting.pop(leg, None)
        if handle is not None:
            handle.cancel()

    def _part(self, leg: str) -> str:
        partner = self._partner.pop(leg, "")
        self._partner.pop(partner, None)
        return partner
