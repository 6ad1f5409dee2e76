"""A conductor in ten lines, for tests that drive a line by a foreign user agent: answers, bridges, lets go."""

import asyncio
from typing import Any

from callcenter import commands, events
from callcenter.telephony.line import Line
from tests.events import Reported


class Answering(Reported):
    """Answers every caller; with `phone` dials it and bridges both; ends the other side with the first."""

    def __init__(self, line: Line, phone: str = "") -> None:
        super().__init__()
        self.line, self.phone = line, phone
        self.refuse_with = 0
        self.answers = True

    def __call__(self, event: Any) -> None:
        super().__call__(event)
        match event:
            case events.CallArrived(leg=leg) if self.refuse_with:
                self._soon(commands.RefuseLeg(leg, self.refuse_with))
            case events.CallArrived(leg=leg):
                self._soon(commands.RingLeg(leg))
                if self.answers:
                    self._soon(commands.AnswerLeg(leg))
                if self.phone:
                    self._soon(commands.DialLeg(f"to-{leg}", phone=self.phone))
            case events.LegAnswered(leg=leg) if leg.startswith("to-"):
                self._soon(commands.BridgeLegs(leg, leg[3:]))
            case events.LegEnded(leg=leg):
                other = leg[3:] if leg.startswith("to-") else f"to-{leg}"
                if other in self.line.legs():
                    self._soon(commands.HangUpLeg(other))

    def _soon(self, command: Any) -> None:
        asyncio.get_running_loop().call_soon(self.line.execute, command)
