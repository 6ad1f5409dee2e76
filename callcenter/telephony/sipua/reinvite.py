"""A re-INVITE of ours within a dialog that stands (RFC 3261 section 14): one at a time, again after glare."""

import asyncio
import random
from typing import TYPE_CHECKING

from callcenter.telephony.sipua.offers import has_sdp
from callcenter.telephony.sipua.wire import ALLOW, SUPPORTED, Inbound

if TYPE_CHECKING:
    from callcenter.telephony.sipua.session import Session

_BUSY = 0.1
"""Seconds after which we look again while the other side's re-INVITE is not acknowledged yet."""


class Reinvite:
    """What we want to offer anew. The newest offer counts; `caller`: whether the Call-ID is ours."""

    def __init__(self, session: "Session", caller: bool) -> None:
        self._session, self._caller = session, caller
        self._wanted: bytes | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.under_way = False

    def offer(self, body: bytes) -> None:
        """Send it now, or as soon as no other INVITE of the dialog is under way (section 14.1)."""
        self._wanted = body
        if self._timer is None:
            self._send()

    def stop(self) -> None:
        self._wanted = None
        self._later(None)

    def _send(self) -> None:
        self._timer = None
        session = self._session
        if self._wanted is None or session.over or self.under_way:
            return
        if session.unacknowledged:
            self._later(_BUSY)
            return
        body, self._wanted, self.under_way = self._wanted, None, True
        headers = {
            "Allow": ALLOW,
            "Supported": ", ".join(SUPPORTED),
            "Content-Type": "application/sdp",
        } | session.timer_headers()
        session.ask("INVITE", headers, body, lambda code, inbound: self._settled(code, inbound, body))

    def _settled(self, code: int, inbound: Inbound | None, body: bytes) -> None:
        """481 and silence end the dialog (section 12.2.1.2); any other refusal leaves it as it was (section 14.1)."""
        self.under_way = False
        session = self._session
        if session.over:
            return
        if code in (408, 481):
            session.lost(f"{code} to a re-INVITE")
        elif code == 491:
            self._wanted = self._wanted or body
            self._later(random.uniform(2.1, 4.0) if self._caller else random.uniform(0.0, 2.0))
            return
        elif code == 422 and session.lengthen(inbound):
            self._wanted = self._wanted or body
        elif code < 300 and inbound is not None:
            session.refreshed(inbound)
            if has_sdp(inbound.message):
                session.owner.answered(session, inbound.message.body)
        if self._wanted is not None:
            self._send()

    def _later(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._send) if seconds is not None else None
