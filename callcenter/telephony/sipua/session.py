"""One call of ours by SIP, either way: INVITE, its answers, ACK, re-INVITE, INFO, BYE (RFC 3261 sections 13 to 15).

`Session` is what both sides share once a dialog stands; `inbound.py` and `outbound.py` hold how it comes to stand.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aiosipua import SipRequest, SipResponse

from callcenter.telephony.sipua.dialogs import Dialog
from callcenter.telephony.sipua.offers import has_sdp
from callcenter.telephony.sipua.transactions import ServerTransaction
from callcenter.telephony.sipua.wire import ALLOW, Inbound, response_to

if TYPE_CHECKING:
    from callcenter.telephony.sipua.agent import UserAgent


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended. `by`: remote | us | line. `code`: the final SIP status, 0 for a BYE or silence.

    `how`: bye | cancel | answer (a final answer other than 2xx) | silence (no answer, no ACK, connection lost).
    """

    how: str
    by: str
    code: int = 0
    reason: str = ""


class Owner(Protocol):
    """Who a session tells. Bodies are SDP."""

    def rang(self, session: "Session") -> None:
        """180 (or 183) came to our INVITE."""

    def answered(self, session: "Session", body: bytes) -> None:
        """Our offer was answered, by a 2xx or by the ACK to ours."""

    def offered(self, session: "Session", body: bytes) -> bytes | None:
        """The other side offers anew (hold, resume, another address): our answer, None for 488."""

    def reoffer(self, session: "Session") -> bytes:
        """The other side asks for an offer of ours within the dialog."""

    def info(self, session: "Session", content_type: str, body: bytes) -> int:
        """SIP INFO: the status to answer with."""

    def ended(self, session: "Session", ending: Ending) -> None:
        """Exactly once."""


class Session:
    """What both directions share. `dialog` is None until the other side's tag is known."""

    def __init__(self, agent: "UserAgent", owner: Owner) -> None:
        self.agent = agent
        self.owner = owner
        self.dialog: Dialog | None = None
        self.over = False
        self.up = False
        self._key = ("", "")
        self._reinvite: ServerTransaction | None = None
        self._reinvite_asked = False

    # ---- for the owner -------------------------------------------------------------------------------------------

    def hang_up(self, reason: str = "") -> None:
        """End it in the way that its state asks for; `ended` follows at once."""
        raise TypeError("a session is inbound or outbound")

    def send_info(self, content_type: str, body: bytes) -> None:
        """SIP INFO within the dialog; its answer does not matter."""
        if self.dialog is None or self.over:
            return
        request = self.dialog.request("INFO")
        request.headers.set_single("Content-Type", content_type)
        request.body = body
        self.agent.send(request, self.dialog.next_hop(), lambda _: None, lambda: None)

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

    def lost(self, why: str) -> None:
        """The other side vanished: nothing more is said to the owner than its end; a BYE is tried."""
        if not self.over:
            self._send_bye(why)
            self._end(Ending("silence", "line", reason=why))

    # ---- shared --------------------------------------------------------------------------------------------------

    def _bye(self) -> None:
        self._end(Ending("bye", "remote"))

    def _take_reinvite(self, server: ServerTransaction) -> None:
        assert self.dialog is not None
        if not self.up:
            server.reply(500, headers={"Retry-After": "1"})
            return
        if self._reinvite is not None:
            self.agent.stop_repeating(self._reinvite)
        asked = not has_sdp(server.request)
        body = self.owner.reoffer(self) if asked else self.owner.offered(self, server.request.body)
        if body is None:
            server.reply(488)
            return
        self.dialog.refresh(server.inbound)
        self._reinvite, self._reinvite_asked = server, asked
        server.respond(self._with_sdp(server.request, body))
        self.agent.repeat_until_ack(server, lambda: self.lost("no ACK to a re-INVITE's answer"))

    def _take_update(self, server: ServerTransaction) -> None:
        """RFC 3311: like a re-INVITE that needs no ACK; without SDP it only moves the target."""
        assert self.dialog is not None
        body: bytes | None = b""
        if has_sdp(server.request):
            body = self.owner.offered(self, server.request.body)
            if body is None:
                server.reply(488)
                return
        self.dialog.refresh(server.inbound)
        server.respond(self._with_sdp(server.request, body or b""))

    def _with_sdp(self, request: SipRequest, body: bytes) -> SipResponse:
        assert self.dialog is not None
        response = response_to(request, 200, tag=self.dialog.local_tag)
        response.headers.set_single("Contact", self.dialog.contact)
        response.headers.set_single("Allow", ALLOW)
        if body:
            response.headers.set_single("Content-Type", "application/sdp")
            response.body = body
        return response

    def _send_bye(self, reason: str = "") -> None:
        if self.dialog is None:
            return
        request = self.dialog.request("BYE")
        if reason:
            request.headers.set_single("Reason", _reason(reason))
        self.agent.send(request, self.dialog.next_hop(), lambda _: None, lambda: None)

    def _end(self, ending: Ending) -> None:
        if self.over:
            return
        self.over = True
        if self._reinvite is not None:
            self.agent.stop_repeating(self._reinvite)
        self.agent.release(self, self._key)
        self.owner.ended(self, ending)


def _reason(text: str) -> str:
    """Reason header (RFC 3326): a Q.850 cause for the plain words that our commands use."""
    known = {
        "normal": 'Q.850;cause=16;text="normal"',
        "busy": "Q.850;cause=17",
        "no_answer": "Q.850;cause=19",
    }
    clean = text.replace('"', "'").replace("\r", " ").replace("\n", " ")
    return known.get(text) or f'Q.850;cause=16;text="{clean}"'
