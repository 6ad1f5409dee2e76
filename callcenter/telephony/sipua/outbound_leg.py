"""A leg that we place. It may ring several contacts of one phone at once, and one trunk after another."""

import asyncio
import time
from collections.abc import Callable

from callcenter import events
from callcenter.telephony.sipua.legs import Desk, Leg
from callcenter.telephony.sipua.offers import NotAcceptable
from callcenter.telephony.sipua.outbound import OutboundSession, Target
from callcenter.telephony.sipua.session import Ending, Session
from callcenter.telephony.sipua.verdicts import ELSEWHERE, NO_ANSWER, Verdict, verdict, worse_than

_HOPS = 5
"""Times that one leg is forwarded."""
UNHEARD = 8
"""Times T1 without any answer after which the next trunk is tried: 4 seconds."""


class OutboundLeg(Leg):
    """A leg that we place: rings every target of a round, the first answer wins; the next round when all failed.

    Each round by a trunk is another way to the same party: it is taken only when the network failed before anybody
    rang, or when nothing at all was heard within a few seconds.
    `codec`: of the leg that it shall hear, offered first, so that nothing need be transcoded where both have it.
    `forwarded`: whom to ring when a 3xx names this URI; nobody when that is not allowed.
    """

    def __init__(
        self,
        desk: Desk,
        leg: str,
        rounds: list[list[Target]],
        timeout: float,
        forwarded: Callable[[str], list[Target]],
        codec: int | None = None,
    ) -> None:
        super().__init__(desk, leg, rounds[0][0].flow, rounds[0][0].srtp)
        if codec is not None:
            self._local.prefer(codec)
        self._ringing: list[OutboundSession] = []
        self._rang = self._early = False
        self._forwarded, self._forwards = forwarded, list[str]()
        self._hops, self._tried = 0, {target.uri for target in rounds[0]}
        self._worst = Ending("silence", "remote", 408)
        self._wanted: Ending | None = None
        self._timer = asyncio.get_running_loop().call_later(timeout, self._no_answer)
        self._rounds = rounds[1:]
        self._patience: asyncio.TimerHandle | None = None
        self._ring(rounds[0])

    def hang_up(self, cause: str) -> None:
        if self.session is not None:
            super().hang_up(cause)
        else:
            self._give_up(Ending("cancel", "us"))

    def rang(self, session: Session) -> None:
        if not self._rang and self.session is None:
            self._rang = True
            self._desk.report(events.LegRinging(time.time(), self._desk.line, self.id))

    def early(self, session: Session, body: bytes) -> None:
        """Whoever spoke last is heard, as long as nobody answered."""
        if self.session is not None or self.over:
            return
        try:
            self._connect(self._local.read_answer(body))
        except NotAcceptable:
            self.rang(session)
            return
        if not self._early:
            self._rang = self._early = True
            self._desk.report(events.LegRinging(time.time(), self._desk.line, self.id, early=True))

    def answered(self, session: Session, body: bytes) -> None:
        if self.session is not None:
            super().answered(session, body)
            return
        try:
            remote = self._local.read_answer(body)
        except NotAcceptable:
            self._worst = Ending("answer", "remote", 488, "no common codec in the answer")
            session.hang_up("no common codec")
            return
        self.session = session
        self._timer.cancel()
        self._cancel_others(session, ELSEWHERE, 'SIP;cause=200;text="Call completed elsewhere"')
        self._connect(remote)
        self._report_answered()

    def ended(self, session: Session, ending: Ending) -> None:
        self._ringing = [each for each in self._ringing if each is not session]
        if self.session is session:
            self.finish(verdict(ending, False))
        elif self.session is None and self._wanted is None:
            self._forwards += ending.contacts
            if ending.contacts and self._forward():
                return
            if worse_than(ending, self._worst):
                self._worst = ending
            if ending.code >= 600:
                self._give_up(ending)
            elif self._ringing or self._forward():
                return
            elif self._goes_on(ending):
                self._ring(self._rounds.pop(0))
            else:
                self.finish(verdict(self._worst, False, self._rang))

    def finish(self, words: Verdict) -> None:
        self._timer.cancel()
        self._stop_waiting()
        super().finish(words)

    def _ring(self, targets: list[Target]) -> None:
        self.trunk = targets[0].trunk
        call = self._desk.agent.call
        self._ringing = [call(self, target, self._offer_to(target)) for target in targets]
        self._stop_waiting()
        if self.trunk and self._rounds:
            wait = UNHEARD * self._desk.agent.timers.t1
            self._patience = asyncio.get_running_loop().call_later(wait, self._unheard)

    def _goes_on(self, ending: Ending) -> bool:
        """Whether the next round is rung: another trunk only when it was this one that failed."""
        if not self._rounds or not self.trunk:
            return bool(self._rounds)
        failed = ending.how == "silence" or ending.code == 408 or 500 <= ending.code <= 599
        return failed and not self._rang

    def _unheard(self) -> None:
        """Not even 100 Trying came: whoever is there is down."""
        for session in list(self._ringing):
            if session.unheard:
                session.cancel(Ending("silence", "remote", 408))

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def _offer_to(self, target: Target) -> bytes:
        self._local.srtp, self._local.private = target.srtp, target.flow.transport == "tls"
        return self._local.offer()

    def _forward(self) -> bool:
        """Ring the next place that a 3xx named and that we may call, once each, at most five."""
        while self._forwards and self._hops < _HOPS:
            targets = [each for each in self._forwarded(self._forwards.pop(0)) if each.uri not in self._tried]
            if targets:
                self._hops += 1
                self.trunk, self._rounds = targets[0].trunk, []
                self._tried |= {target.uri for target in targets}
                self._ringing += [self._desk.agent.call(self, each, self._offer_to(each)) for each in targets]
                return True
        return False

    def _no_answer(self) -> None:
        self._give_up(NO_ANSWER)

    def _give_up(self, ending: Ending) -> None:
        self._wanted = ending
        self._cancel_others(None, ending)
        self.finish(verdict(ending, False, self._rang))

    def _cancel_others(self, winner: Session | None, ending: Ending, reason: str = "") -> None:
        for session in list(self._ringing):
            if session is not winner:
                session.cancel(ending, reason)
