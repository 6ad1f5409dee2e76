"""One call of ours by SIP, either way: INVITE, its answers, ACK, re-INVITE, INFO, BYE (RFC 3261 sections 13 to 15).

`Session` is what both sides share once a dialog stands; `inbound.py` and `outbound.py` hold how it comes to stand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aiosipua import SipRequest, SipResponse

from callcenter.telephony.sipua import digest
from callcenter.telephony.sipua.dialogs import Dialog
from callcenter.telephony.sipua.expiry import Expiry
from callcenter.telephony.sipua.offers import has_sdp
from callcenter.telephony.sipua.referral import Asked, NotReferral, Referral, Transfer, read_refer
from callcenter.telephony.sipua.reinvite import Reinvite
from callcenter.telephony.sipua.transactions import ServerTransaction
from callcenter.telephony.sipua.transport import Flow
from callcenter.telephony.sipua.wire import ALLOW, SUPPORTED, Inbound, response_to

if TYPE_CHECKING:
    from callcenter.telephony.sipua.agent import UserAgent

Done = Callable[[int, Inbound | None], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended. `by`: remote | us | line. `code`: the final SIP status, 0 for a BYE or silence.

    `how`: bye | cancel | answer (a final answer other than 2xx) | silence (no answer, no ACK, connection lost).
    `contacts`: where a 3xx sends us, the best first.
    """

    how: str
    by: str
    code: int = 0
    reason: str = ""
    contacts: tuple[str, ...] = ()


class Owner(Protocol):
    """Who a session tells. Bodies are SDP."""

    def rang(self, session: "Session") -> None:
        """180 (or 183) came to our INVITE."""

    def early(self, session: "Session", body: bytes) -> None:
        """The same with an answer: the other side sends audio already (RFC 3960). Each fork may tell its own."""

    def answered(self, session: "Session", body: bytes) -> None:
        """Our offer was answered, by a 2xx or by the ACK to ours."""

    def offered(self, session: "Session", body: bytes) -> bytes | None:
        """The other side offers anew (hold, resume, another address): our answer, None for 488."""

    def reoffer(self, session: "Session") -> bytes:
        """The other side asks for an offer of ours within the dialog."""

    def info(self, session: "Session", content_type: str, body: bytes) -> int:
        """SIP INFO: the status to answer with."""

    def referred(self, session: "Session", asked: Asked) -> int:
        """REFER: 202 to follow it (then `finish_referral` is owed), or the status to refuse it with."""

    def transferred(self, session: "Session", code: int) -> None:
        """What came of our `refer`: a final status, 0 when the other side never told."""

    def ended(self, session: "Session", ending: Ending) -> None:
        """Exactly once."""


class Session:
    """What both directions share. `dialog` is None until the other side's tag is known.

    `credentials`: user and password for challenges within the dialog.
    """

    credentials: tuple[str, str] | None = None

    def __init__(self, agent: "UserAgent", owner: Owner, caller: bool) -> None:
        self.agent = agent
        self.owner = owner
        self.dialog: Dialog | None = None
        self.over = False
        self.up = False
        self._key = ("", "")
        self._referral: Referral | None = None
        self._referrals = 0
        self._ours = Reinvite(self, caller)
        self._expiry = Expiry(self)
        self._allows = ""
        self._transfer: Transfer | None = None
        self._reinvite: ServerTransaction | None = None
        self._reinvite_asked = False

    # ---- for the owner -------------------------------------------------------------------------------------------

    def hang_up(self, reason: str = "") -> None:
        """End it in the way that its state asks for; `ended` follows at once."""
        raise TypeError("a session is inbound or outbound")

    def send_info(self, content_type: str, body: bytes) -> None:
        """SIP INFO within the dialog; its answer does not matter."""
        if not self.over:
            self.ask("INFO", {"Content-Type": content_type}, body)

    def reinvite(self, sdp: bytes) -> None:
        """Offer anew within the call; the owner's `answered` tells what the other side says to it."""
        if self.up and not self.over:
            self._ours.offer(sdp)

    def probe(self, on: bool) -> None:
        """While it holds us no audio tells that the other side lives: ask it, until turned off."""
        if not self.over:
            self._expiry.probe(on)

    def refer(self, refer_to: str, referred_by: str) -> bool:
        """Ask the other side by REFER to call `refer_to`, a name-addr; False while an earlier one is open."""
        if self.over or not self.up or (self._transfer is not None and self._transfer.open):
            return False
        self._transfer = Transfer(self, refer_to, referred_by)
        return True

    def finish_referral(self, code: int) -> bool:
        """The final NOTIFY of the transfer that the other side asked for; False when there is none."""
        referral, self._referral = self._referral, None
        if referral is not None:
            referral.finish(code)
        return referral is not None

    def ask(
        self,
        method: str,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        done: "Done" = lambda code, inbound: None,
        authorization: tuple[str, str] | None = None,
    ) -> None:
        """A request within the dialog, again when it is challenged. `done` gets the final status, 408 for silence."""
        if self.dialog is None:
            return
        request = self.dialog.request(method)
        for name, value in (headers or {}).items():
            request.headers.set_single(name, value)
        if authorization is not None:
            request.headers.set_single(*authorization)
        request.body = body
        acks: list[tuple[bytes, Flow]] = []

        def answered(inbound: Inbound) -> None:
            code = inbound.response.status_code
            if method == "INVITE" and 200 <= code < 300 and self._acknowledge(request, inbound, acks):
                return
            if code in (401, 407) and authorization is None and self.credentials is not None:
                proof = digest.answer(request, inbound.response, *self.credentials)
                if proof is not None:
                    self.ask(method, headers, body, done, proof)
                    return
            if code >= 200:
                done(code, inbound)

        self.agent.send(request, self.dialog.next_hop(), answered, lambda: done(408, None))

    def _acknowledge(self, request: SipRequest, inbound: Inbound, acks: list[tuple[bytes, Flow]]) -> bool:
        """ACK to the 2xx of a re-INVITE; the same bytes for each repetition. Whether it was one."""
        if acks:
            self.agent.send_bytes(*acks[0])
            return True
        assert self.dialog is not None
        ack = self.dialog.request("ACK", cseq=inbound.cseq)
        copy_authorization(request, ack)
        hop = self.dialog.next_hop()
        acks.append((self.agent.ack(ack, hop), hop))
        return False

    # ---- for the agent -------------------------------------------------------------------------------------------

    def receive(self, server: ServerTransaction) -> None:
        """A request within the dialog."""
        inbound = server.inbound
        if self.dialog is None or not self.dialog.matches(inbound.from_tag):
            server.reply(481)
            return
        if inbound.cseq < self.dialog.remote_cseq:
            server.reply(500)
            return
        self.dialog.remote_cseq = inbound.cseq
        match inbound.method:
            case "BYE":
                server.reply(200)
                self._bye()
            case _ if self.over:
                server.reply(481)
            case "INVITE":
                self._take_reinvite(server)
            case "UPDATE":
                self._take_update(server)
            case "INFO":
                kind = (
                    (server.request.headers.get_first("content-type") or "").partition(";")[0].strip().lower()
                )
                server.reply(self.owner.info(self, kind, server.request.body))
            case "PRACK":
                self._take_prack(server)
            case "REFER":
                self._take_refer(server)
            case "NOTIFY":
                self._take_notify(server)
            case "OPTIONS":
                server.reply(200, headers={"Allow": ALLOW, "Accept": "application/sdp"})
            case _:
                server.reply(405, headers={"Allow": ALLOW})

    def acknowledged(self, inbound: Inbound) -> None:
        """An ACK to a 2xx of ours."""
        if self._reinvite is not None and inbound.cseq == self._reinvite.inbound.cseq:
            self.agent.stop_repeating(self._reinvite)
            self._reinvite = None
            if self._reinvite_asked and has_sdp(inbound.message) and not self.over:
                self.owner.answered(self, inbound.message.body)
            self._reinvite_asked = False

    @property
    def unacknowledged(self) -> bool:
        """Whether a 2xx of ours waits for its ACK: then no INVITE of ours may go out."""
        return self._reinvite is not None

    def refresh(self) -> None:
        """Keep the session alive (RFC 4028 section 7.4): by UPDATE, which cannot touch the audio, where it is known."""
        if self.over or not self.up:
            return
        if "UPDATE" in self._allows:
            headers = {"Supported": ", ".join(SUPPORTED)} | self.timer_headers()
            self.ask("UPDATE", headers, b"", self._updated)
        else:
            self.reinvite(self.owner.reoffer(self))

    def timer_headers(self) -> dict[str, str]:
        return self._expiry.headers(within=True)

    def lengthen(self, inbound: Inbound | None) -> bool:
        """A 422 came: whether the same may be asked again for a longer time."""
        return inbound is not None and self._expiry.lengthen(inbound.message)

    def refreshed(self, inbound: Inbound) -> None:
        """The other side's 2xx to a re-INVITE or UPDATE of ours."""
        self._learn(inbound)
        self._expiry.answered(inbound)
        if self.dialog is not None:
            self.dialog.refresh(inbound)

    def lost(self, why: str) -> None:
        """The other side vanished: nothing more is said to the owner than its end; a BYE is tried."""
        if not self.over:
            self._send_bye(why)
            self._end(Ending("silence", "line", reason=why))

    # ---- shared --------------------------------------------------------------------------------------------------

    def _bye(self) -> None:
        self._end(Ending("bye", "remote"))

    def _updated(self, code: int, inbound: Inbound | None) -> None:
        if self.over:
            return
        if code in (408, 481):
            self.lost(f"{code} to an UPDATE")
        elif code in (405, 501):
            self._allows = "none"
            self.refresh()
        elif code == 422 and self.lengthen(inbound):
            self.refresh()
        elif code < 300 and inbound is not None:
            self.refreshed(inbound)

    def _learn(self, inbound: Inbound) -> None:
        """What the other side says that it takes."""
        allow = inbound.message.headers.get("allow")
        if allow:
            self._allows = ",".join(allow).upper()

    def _take_reinvite(self, server: ServerTransaction) -> None:
        assert self.dialog is not None
        if not self.up:
            server.reply(500, headers={"Retry-After": "1"})
            return
        if self._ours.under_way:
            server.reply(491)
            return
        if self._reinvite is not None:
            self.agent.stop_repeating(self._reinvite)
        asked = not has_sdp(server.request)
        body = self.owner.reoffer(self) if asked else self.owner.offered(self, server.request.body)
        if body is None:
            server.reply(488)
            return
        self.dialog.refresh(server.inbound)
        self._learn(server.inbound)
        self._reinvite, self._reinvite_asked = server, asked
        server.respond(self._timed(server.request, body))
        self.agent.repeat_until_ack(server, lambda: self.lost("no ACK to a re-INVITE's answer"))

    def _take_update(self, server: ServerTransaction) -> None:
        """RFC 3311: like a re-INVITE that needs no ACK; without SDP it only moves the target."""
        assert self.dialog is not None
        body: bytes | None = b""
        if has_sdp(server.request):
            code = self._pending()
            if code:
                server.reply(code, headers={"Retry-After": "1"} if code == 500 else None)
                return
            body = self.owner.offered(self, server.request.body)
            if body is None:
                server.reply(488)
                return
        self.dialog.refresh(server.inbound)
        if self.up:
            server.respond(self._timed(server.request, body or b""))
        else:
            server.respond(self._described(server.request, 200, body or b""))

    def _take_prack(self, server: ServerTransaction) -> None:
        """Only an inbound call has provisional answers of ours."""
        server.reply(481)

    def _pending(self) -> int:
        """Why no offer can be taken now: 491 while ours waits for its answer, 500 while theirs waits for ours
        (RFC 3311 section 5.2); 0 when it can."""
        return 491 if self._ours.under_way else 0

    def _take_refer(self, server: ServerTransaction) -> None:
        """RFC 3515: 202 and a NOTIFY at once; one transfer at a time."""
        try:
            asked = read_refer(server.request)
        except NotReferral as problem:
            server.reply(problem.code, str(problem))
            return
        if self._referral is not None:
            server.reply(491)
            return
        code = self.owner.referred(self, asked) if self.up else 603
        if code != 202:
            server.reply(code)
            return
        headers = {"Refer-Sub": "false"} if asked.silent else {}
        server.reply(202, headers=headers | self._target_header())
        # Only the first REFER of a dialog may go without an id, and is known without one by every phone.
        event = f"refer;id={server.inbound.cseq}" if self._referrals else "refer"
        self._referrals += 1
        self._referral = Referral(self, event, asked.silent)

    def _take_notify(self, server: ServerTransaction) -> None:
        event = (server.request.headers.get_first("event") or "").partition(";")[0].strip().lower()
        if event != "refer":
            server.reply(489, headers={"Allow-Events": "refer"})
        elif self._transfer is None:
            server.reply(481)
        else:
            server.reply(200)
            self._transfer.notified(server.request)

    def _target_header(self) -> dict[str, str]:
        return {"Contact": self.dialog.contact} if self.dialog is not None else {}

    def _described(self, request: SipRequest, code: int, body: bytes) -> SipResponse:
        """An answer that makes or keeps a dialog, with this SDP."""
        assert self.dialog is not None
        response = response_to(request, code, tag=self.dialog.local_tag)
        response.headers.set_single("Contact", self.dialog.contact)
        response.headers.set_single("Allow", ALLOW)
        response.headers.set_single("Supported", ", ".join(SUPPORTED))
        if body:
            response.headers.set_single("Content-Type", "application/sdp")
            response.body = body
        return response

    def _timed(self, request: SipRequest, body: bytes) -> SipResponse:
        """200 to an INVITE or UPDATE: the session lasts anew."""
        response = self._described(request, 200, body)
        for name, value in self._expiry.answer(request).items():
            response.headers.set_single(name, value)
        return response

    def _send_bye(self, reason: str = "") -> None:
        self.ask("BYE", {"Reason": _reason(reason)} if reason else None)

    def _end(self, ending: Ending) -> None:
        if self.over:
            return
        self.over = True
        self._ours.stop()
        self._expiry.stop()
        if self._reinvite is not None:
            self.agent.stop_repeating(self._reinvite)
        self.agent.release(self, self._key)
        if self._transfer is not None:
            # A phone that hangs up at once when its transfer was taken is usual.
            self._transfer.settle(0)
        self.owner.ended(self, ending)


def copy_authorization(request: SipRequest, ack: SipRequest) -> None:
    """An ACK to a 2xx carries the credentials of its INVITE (RFC 3261 section 13.2.2.4)."""
    for name in ("Authorization", "Proxy-Authorization"):
        value = request.headers.get_first(name)
        if value:
            ack.headers.set_single(name, value)


def _reason(text: str) -> str:
    """Reason header (RFC 3326): a Q.850 cause for the plain words that our commands use."""
    known = {
        "normal": 'Q.850;cause=16;text="normal"',
        "busy": "Q.850;cause=17",
        "no_answer": "Q.850;cause=19",
    }
    clean = text.replace('"', "'").replace("\r", " ").replace("\n", " ")
    return known.get(text) or f'Q.850;cause=16;text="{clean}"'
