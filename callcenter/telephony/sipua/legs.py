"""A leg: one party as the conductor sees it. Callers' legs are here, those that we place in `outbound_leg.py`."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from callcenter import events
from callcenter.telephony.line import Memory, Srtp
from callcenter.telephony.media.crypto import Crypto
from callcenter.telephony.media.monitor import Monitor
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.inbound import InboundSession
from callcenter.telephony.sipua.offers import Local, NotAcceptable, Offer, Remote, has_sdp, read_offer
from callcenter.telephony.sipua.referral import Asked
from callcenter.telephony.sipua.replaces import Replaces
from callcenter.telephony.sipua.reports import quality_event
from callcenter.telephony.sipua.session import Ending, Session
from callcenter.telephony.sipua.transactions import ServerTransaction
from callcenter.telephony.sipua.transport import Flow
from callcenter.telephony.sipua.verdicts import Verdict, verdict

_DIGITS = frozenset("0123456789*#ABCD")
_SIGNAL = re.compile(rb"^\s*Signal\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_HOLDS = ("sendonly", "inactive")
"""Directions in the other side's SDP that put us on hold (RFC 3264 section 8.4)."""
_INFO_GAP = 0.25
"""Seconds between two keys by INFO: over UDP they must not overtake each other."""


class Media(Protocol):
    """What a leg asks of the media plane; see `callcenter.telephony.media.plane.MediaPlane`."""

    @property
    def monitor(self) -> Monitor: ...
    def open(self, leg: str, host: str = "") -> int: ...
    def connect(
        self,
        leg: str,
        host: str,
        port: int,
        payload: int,
        dtmf_payload: int | None,
        direction: str = "sendrecv",
        crypto: Crypto | None = None,
    ) -> None: ...
    def send_digits(self, leg: str, digits: str) -> None: ...
    def close(self, leg: str) -> None: ...


@dataclass(slots=True)
class Desk:
    """What every leg of a line shares. `gone` is called once for each leg, after its end was reported.

    `meant`: the number or phone of ours that a URI means, else the URI; empty for nothing.
    """

    line: str
    agent: UserAgent
    media: Media
    memory: Memory
    report: Callable[[object], None]
    gone: Callable[[str], None]
    meant: Callable[[str], str]


class Leg:
    """Common to both directions: media, keys, the end."""

    inbound = False

    def __init__(self, desk: Desk, leg: str, towards: Flow, srtp: Srtp) -> None:
        self.id = leg
        self.trunk = ""
        self.over = False
        self.session: Session | None = None
        self._target = ""
        self._desk = desk
        host, private = desk.agent.host_towards(towards.host), towards.transport == "tls"
        port = desk.media.open(leg, desk.agent.bound_towards(towards))
        self._local = Local(host, port, srtp=srtp, private=private)
        self._remote: Remote | None = None
        self._held = self._answered = self._quiet = False

    @property
    def codec(self) -> int | None:
        """RTP payload type that was agreed on, or that a caller shall be answered with; None while it is open."""
        return self._remote.payload if self._remote is not None else None

    @property
    def up(self) -> bool:
        return self.session is not None and self.session.up and not self.over

    @property
    def audible(self) -> bool:
        """Whether audio can flow: answered, or early media."""
        return not self.over and (self.up or self._remote is not None)

    # ---- orders --------------------------------------------------------------------------------------------------

    def hang_up(self, cause: str) -> None:
        """BYE, CANCEL or a final answer."""
        if self.session is not None:
            self.session.hang_up(cause)

    def send_digits(self, digits: str) -> None:
        """RFC 4733 when it was negotiated, else INFO."""
        if self._remote is not None and self._remote.dtmf_payload is not None:
            self._desk.media.send_digits(self.id, digits)
            return
        loop = asyncio.get_running_loop()
        for number, digit in enumerate(digit for digit in digits.upper() if digit in _DIGITS):
            loop.call_later(number * _INFO_GAP, self._send_info_digit, digit)

    def transfer(self, target: str, refer_to: str, replaced: "Leg | None") -> bool:
        """REFER to the target's URI, or to the partner of the `replaced` leg; False when that cannot be asked now."""
        if self.session is None or self.session.dialog is None:
            return False
        if replaced is not None:
            dialog = replaced.session.dialog if replaced.session is not None and replaced.up else None
            if dialog is None:
                return False
            # The tags as the partner will compare them: its own is the `to-tag`.
            told = Replaces(dialog.call_id, dialog.remote_tag, dialog.local_tag)
            refer_to = f"{dialog.remote_target}?Replaces={told.escaped()}"
        if not self.session.refer(f"<{refer_to}>", self.session.dialog.local_uri):
            return False
        self._target = target
        return True

    def finish_referral(self, code: int) -> bool:
        """The final NOTIFY; False when no transfer was asked for."""
        return self.session is not None and self.session.finish_referral(code)

    def lost(self, why: str) -> None:
        """It is gone without a word."""
        if self.session is not None:
            self.session.lost(why)

    def fell_silent(self, seconds: float) -> None:
        """The watchdog heard nothing for too long. Before the answer that is allowed, and its time starts then."""
        if self.up:
            self.lost(f"no audio for {seconds:.0f} s")
        else:
            self._quiet = True

    # ---- Owner ---------------------------------------------------------------------------------------------------

    def rang(self, session: Session) -> None:
        """Only an outbound leg rings elsewhere."""

    def early(self, session: Session, body: bytes) -> None:
        """Only an outbound leg hears somebody before the answer."""

    def answered(self, session: Session, body: bytes) -> None:
        try:
            self._connect(self._local.read_answer(body))
        except NotAcceptable:
            session.hang_up("no common codec")

    def offered(self, session: Session, body: bytes) -> bytes | None:
        """Hold, resume or move; an offer that we cannot take leaves everything as it was."""
        try:
            offer = self._local.read_offer(body)
        except NotAcceptable:
            return None
        self._connect(offer.remote)
        return self._local.answer(offer)

    def reoffer(self, session: Session) -> bytes:
        return self._local.offer()

    def info(self, session: Session, content_type: str, body: bytes) -> int:
        digit = _digit(content_type, body)
        if digit is None:
            return 415 if content_type not in ("application/dtmf-relay", "application/dtmf") else 400
        self._desk.report(events.DigitPressed(time.time(), self._desk.line, self.id, digit, "info"))
        return 200

    def referred(self, session: Session, asked: Asked) -> int:
        """An attended transfer to a dialog that is not ours is declined: nobody here could connect it."""
        replaced = ""
        if asked.replaces is not None:
            partner = leg_of(self._desk.agent, asked.replaces)
            if partner is None or partner is self:
                return 603
            replaced = partner.id
        target = self._desk.meant(asked.uri)
        if not target:
            return 404
        self._desk.report(events.TransferAsked(time.time(), self._desk.line, self.id, target, replaced))
        return 202

    def transferred(self, session: Session, code: int) -> None:
        self._desk.report(events.LegTransferred(time.time(), self._desk.line, self.id, self._target, code))

    def ended(self, session: Session, ending: Ending) -> None:
        self.finish(verdict(ending, self.inbound))

    # ---- shared --------------------------------------------------------------------------------------------------

    def finish(self, words: Verdict) -> None:
        """Report the end, once, and free what the leg held."""
        if self.over:
            return
        self.over = True
        desk = self._desk
        heard = desk.media.monitor.quality(self.id)
        if heard is not None:
            desk.report(quality_event(heard, time.time(), desk.line, self.id))
        desk.media.close(self.id)
        desk.memory.drop_dialog(self.id)
        desk.report(
            events.LegEnded(
                time.time(), desk.line, self.id, words.outcome, words.by, words.fault, words.retry, words.code,
                words.reason,
            )
        )  # fmt: skip
        desk.gone(self.id)

    def _connect(self, remote: Remote) -> None:
        self._remote = remote
        self._tell_media(remote, remote.direction)
        if self._answered:
            self._report_hold()

    def _tell_media(self, remote: Remote, direction: str) -> None:
        self._desk.media.connect(
            self.id, remote.host, remote.port, remote.payload, remote.dtmf_payload, direction,
            self._local.crypto(remote),
        )  # fmt: skip

    def _report_hold(self) -> None:
        held = self._remote is not None and self._remote.direction in _HOLDS
        if held != self._held and not self.over:
            self._held = held
            if self.session is not None:
                self.session.probe(held)
            self._desk.report(events.LegHeld(time.time(), self._desk.line, self.id, held))

    def _report_answered(self) -> None:
        assert self.session is not None
        self._answered = True
        if self._quiet and self._remote is not None:
            # The watchdog looks at who talks and listens: taking up both anew starts its clock.
            self._tell_media(self._remote, "inactive")
            self._tell_media(self._remote, self._remote.direction)
        if self.session.dialog is not None:
            self._desk.memory.save_dialog(self.session.dialog.saved(self.id))
        self._desk.report(events.LegAnswered(time.time(), self._desk.line, self.id))
        self._report_hold()

    def _send_info_digit(self, digit: str) -> None:
        if self.session is not None and not self.over:
            self.session.send_info("application/dtmf-relay", f"Signal={digit}\r\nDuration=160\r\n".encode())


class InboundLeg(Leg):
    """A caller's leg. Raises NotAcceptable for an offer without our codecs, NoPorts when RTP has no port left."""

    inbound = True

    def __init__(self, desk: Desk, leg: str, server: ServerTransaction, srtp: Srtp = "may") -> None:
        self._offer = read_offer(server.request.body, srtp) if has_sdp(server.request) else None
        self._said = b""
        super().__init__(desk, leg, server.inbound.flow, srtp)
        try:
            self.session: InboundSession = desk.agent.accept(self, server)
        except Exception:
            desk.media.close(leg)
            raise

    @property
    def codec(self) -> int | None:
        return (
            self._offer.remote.payload if self._remote is None and self._offer is not None else super().codec
        )

    def ring(self) -> None:
        self.session.ring()

    def progress(self) -> bool:
        """Early media; False for a caller who wants our offer, which only a 2xx can carry to him."""
        if self._offer is None:
            return False
        if not self.session.up and not self.over:
            self.session.progress(self._answer_to(self._offer))
        return True

    def answer(self) -> None:
        if self.session.up or self.over:
            return
        sdp = self._answer_to(self._offer) if self._offer is not None else self._local.offer()
        self.session.answer(sdp, self._report_answered)

    def refuse(self, code: int, reason: str) -> None:
        self.session.refuse(code, reason, 5 if code == 503 else 0)

    def _answer_to(self, offer: Offer) -> bytes:
        """The same in the 183 and in the 200: an offer is answered once."""
        if not self._said:
            self._connect(offer.remote)
            self._said = self._local.answer(offer)
        return self._said


def leg_of(agent: UserAgent, replaces: Replaces) -> Leg | None:
    """The leg whose dialog this is."""
    session = agent.find(replaces)
    return session.owner if session is not None and isinstance(session.owner, Leg) else None


def _digit(content_type: str, body: bytes) -> str | None:
    """The key in an INFO: `Signal=5` (application/dtmf-relay) or the bare key (application/dtmf)."""
    if content_type == "application/dtmf-relay":
        found = _SIGNAL.search(body)
        text = found[1].decode("ascii", "replace") if found else ""
    elif content_type == "application/dtmf":
        text = body.decode("ascii", "replace").strip()
        if text.lower().startswith("signal"):
            text = text.partition("=")[2].split()[0] if "=" in text else ""
    else:
        return None
    text = {"10": "*", "11": "#"}.get(text, text).upper()
    return text if len(text) == 1 and text in _DIGITS else None
