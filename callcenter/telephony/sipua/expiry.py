"""Session timers (RFC 4028): a call whose other side vanished ends by itself, also while nobody speaks."""

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiosipua import SipMessage

from callcenter.telephony.sipua.wire import Inbound, values

if TYPE_CHECKING:
    from callcenter.telephony.sipua.session import Session

_SECONDS = re.compile(r"\s*(\d{1,9})\s*(?:;(.*))?", re.DOTALL)
_GRACE = 32.0
_TRIES = 2
"""Answers 422 that one INVITE may get: the second from another place behind a proxy."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """Seconds: how long a session lasts unless refreshed, and the least that we agree to (RFC 4028 section 4).

    `probe`: how often one that holds us is asked whether it is still there, for then no audio tells.
    """

    lasts: int = 1800
    least: int = 90
    probe: float = 25.0


@dataclass(frozen=True, slots=True)
class Terms:
    """A Session-Expires header. `refresher`: uac | uas, empty when left open."""

    lasts: int
    refresher: str = ""

    def __str__(self) -> str:
        return f"{self.lasts};refresher={self.refresher}" if self.refresher else str(self.lasts)


def terms_of(message: SipMessage) -> Terms | None:
    """None without a (legible) Session-Expires."""
    found = _SECONDS.fullmatch(next(iter(values(message, "session-expires")), ""))
    if found is None:
        return None
    params = dict(part.strip().lower().partition("=")[::2] for part in (found[2] or "").split(";"))
    refresher = params.get("refresher", "").strip()
    return Terms(int(found[1]), refresher if refresher in ("uac", "uas") else "")


def least_of(message: SipMessage) -> int:
    """Min-SE, 0 without."""
    found = _SECONDS.fullmatch(message.headers.get_first("min-se") or "")
    return int(found[1]) if found else 0


def supports(message: SipMessage, tag: str) -> bool:
    """Whether an option tag is in its Supported or Require."""
    tags = (*message.headers.get("supported"), *message.headers.get("require"))
    return tag in (each.strip().lower() for each in tags)


def too_short(request: SipMessage, lasting: Lasting) -> bool:
    """Whether 422 is due: only to one who understands it (section 9)."""
    asked = terms_of(request)
    return asked is not None and asked.lasts < lasting.least and supports(request, "timer")


def agreed(request: SipMessage, lasting: Lasting) -> Terms:
    """What our 2xx says (section 9, table 2): we refresh, unless the other side wants to."""
    asked = terms_of(request)
    if asked is None:
        return Terms(max(lasting.lasts, least_of(request)), "uas")
    lasts = max(min(asked.lasts, max(lasting.lasts, least_of(request))), lasting.least)
    theirs = asked.refresher == "uac" and supports(request, "timer")
    return Terms(lasts, "uac" if theirs else "uas")


class Expiry:
    """The timer of one session. Whoever refreshes does so at half time; who gets none ends the call (section 10)."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._lasting = session.agent.lasting
        self._lasts, self._least = self._lasting.lasts, self._lasting.least
        self._next: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None
        self._probe: asyncio.TimerHandle | None = None
        self._short, self._ours = 0, True

    def headers(self, within: bool = False) -> dict[str, str]:
        """Of an INVITE or UPDATE of ours. `within` the dialog whoever refreshed goes on with it."""
        refresher = ("uac" if self._ours else "uas") if within else ""
        return {"Session-Expires": str(Terms(self._lasts, refresher)), "Min-SE": str(self._least)}

    def answer(self, request: SipMessage) -> dict[str, str]:
        """Of our 2xx to such a request; the timer runs anew."""
        terms = agreed(request, self._lasting)
        self._run(terms.lasts, terms.refresher == "uas")
        required = {"Require": "timer"} if terms.refresher == "uac" else {}
        return {"Session-Expires": str(terms)} | required

    def answered(self, inbound: Inbound) -> None:
        """A 2xx to such a request. Without a word about it the other side knows no timers, and we refresh alone."""
        terms = terms_of(inbound.message)
        if terms is None:
            self._run(self._lasts, True)
        else:
            self._run(terms.lasts, terms.refresher != "uas")

    def lengthen(self, response: SipMessage) -> bool:
        """After a 422: whether to try again with the longer time that it names."""
        least = least_of(response)
        self._short += 1
        if least <= self._least or self._short > _TRIES:
            return False
        self._least, self._lasts = least, max(self._lasts, least)
        return True

    def probe(self, on: bool) -> None:
        """Ask again and again whether the other side is there, or no more."""
        if self._probe is not None:
            self._probe.cancel()
        loop = asyncio.get_running_loop()
        self._probe = loop.call_later(self._lasting.probe, self._ask) if on else None

    def stop(self) -> None:
        for handle in (self._next, self._end, self._probe):
            if handle is not None:
                handle.cancel()

    def _run(self, lasts: int, ours: bool) -> None:
        for handle in (self._next, self._end):
            if handle is not None:
                handle.cancel()
        self._lasts, self._ours = max(lasts, 1), ours
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(self._lasts / 2, self._session.refresh) if ours else None
        self._end = loop.call_later(self._lasts - min(_GRACE, self._lasts / 3), self._expired)

    def _expired(self) -> None:
        self._session.lost("the session was not refreshed")

    def _ask(self) -> None:
        self.probe(True)
        self._session.ask("OPTIONS", done=self._heard)

    def _heard(self, code: int, _: Inbound | None) -> None:
        if code in (408, 481):
            self._session.lost(f"{code} to OPTIONS within the call")
