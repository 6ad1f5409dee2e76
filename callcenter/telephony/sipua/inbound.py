"""A call that comes to us: ring, answer, refuse; CANCEL; the 2xx repeated until its ACK."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from callcenter.telephony.sipua.dialogs import Dialog
from callcenter.telephony.sipua.expiry import supports
from callcenter.telephony.sipua.offers import has_sdp
from callcenter.telephony.sipua.reliable import Reliable
from callcenter.telephony.sipua.session import Ending, Owner, Session
from callcenter.telephony.sipua.transactions import ServerTransaction
from callcenter.telephony.sipua.wire import ALLOW, Inbound

if TYPE_CHECKING:
    from callcenter.telephony.sipua.agent import UserAgent

_REMIND = 60.0


class InboundSession(Session):
    """`offer` is the SDP of the INVITE, empty when the caller wants ours."""

    def __init__(self, agent: "UserAgent", owner: Owner, server: ServerTransaction) -> None:
        super().__init__(agent, owner, caller=False)
        self._server = server
        self._acked = self._answered = False
        self._bye_wanted: str | None = None
        self._reliable = Reliable(server, agent.timers, self._heard_all, self._unheard)
        self._waiting: tuple[bytes, Callable[[], None]] | None = None
        self._reminder: asyncio.TimerHandle | None = None
        self.dialog = Dialog.of_invite(server.inbound, agent.contact(server.inbound.flow))
        self._key = (self.dialog.call_id, self.dialog.local_tag)
        self.offer = server.request.body if has_sdp(server.request) else b""
        self._learn(server.inbound)
        server.on_cancel = self._cancelled
        agent.keep(self, self._key)

    @property
    def invite(self) -> Inbound:
        return self._server.inbound

    def ring(self) -> None:
        """180 Ringing."""
        self._provide(180, b"")

    def progress(self, sdp: bytes) -> None:
        """183 Session Progress with our answer: the caller hears us before the call is taken (RFC 3960)."""
        self._provide(183, sdp)

    def answer(self, sdp: bytes, then: Callable[[], None] = lambda: None) -> None:
        """200 OK with an answer, or with our offer when the caller made none; `then` is called when it left: at once,
        or when what we said before was acknowledged."""
        if self.over or self.up or self._waiting is not None:
            return
        self._stop_reminding()
        if self._reliable.describing:
            self._waiting = (sdp, then)
        else:
            self._answer(sdp, then)

    def _answer(self, sdp: bytes, then: Callable[[], None]) -> None:
        self.up = True
        self._reliable.stop()
        response = self._timed(self._server.request, sdp)
        self._copy_route(response.headers.append)
        self._server.respond(response)
        self.agent.repeat_until_ack(self._server, self._never_acked)
        then()

    def refuse(self, code: int, reason: str = "", retry_after: int = 0) -> None:
        """A final answer 300-699."""
        if self.over or self.up:
            return
        self._refuse(code, reason, retry_after)
        self._end(Ending("answer", "us", code, reason))

    def forward(self, uri: str) -> None:
        """302: the caller may try there."""
        if self.over or self.up:
            return
        assert self.dialog is not None
        self._server.reply(302, headers={"Contact": f"<{uri}>"}, tag=self.dialog.local_tag)
        self._end(Ending("answer", "us", 302))

    def hang_up(self, reason: str = "") -> None:
        if self.over:
            return
        if not self.up:
            self.refuse(480)
        elif self._acked:
            self._send_bye(reason)
            self._end(Ending("bye", "us"))
        else:
            # Section 15: the callee may not send BYE before the ACK came or the wait for it ended.
            self._bye_wanted = reason
            self._end(Ending("bye", "us"))

    def acknowledged(self, inbound: Inbound) -> None:
        if inbound.cseq != self._server.inbound.cseq:
            super().acknowledged(inbound)
            return
        first, self._acked = not self._acked, True
        self.agent.stop_repeating(self._server)
        if not first:
            return
        if self._bye_wanted is not None:
            self._send_bye(self._bye_wanted)
            self.agent.release(self, self._key)
        elif not self.over and not self.offer and has_sdp(inbound.message):
            self.owner.answered(self, inbound.message.body)

    @property
    def unacknowledged(self) -> bool:
        return super().unacknowledged or not self._acked

    def _pending(self) -> int:
        return super()._pending() or (0 if self.up or self._answered else 500)

    def _provide(self, code: int, sdp: bytes) -> None:
        """A provisional answer, once more each minute so that no proxy gives up (section 13.3.1.1)."""
        if self.over or self.up:
            return
        self._answered = self._answered or bool(sdp)
        response = self._described(self._server.request, code, sdp)
        self._copy_route(response.headers.append)
        if self._wants_reliable(bool(sdp)):
            self._reliable.send(response)
        else:
            self._server.respond(response)
        self._stop_reminding()
        self._reminder = asyncio.get_running_loop().call_later(_REMIND, self._provide, code, sdp)

    def _wants_reliable(self, described: bool) -> bool:
        """When the caller insists, and for SDP when he is able to (RFC 3262 section 3)."""
        request = self._server.request
        required = (tag.lower() for tag in request.headers.get("require"))
        return "100rel" in required or (described and supports(request, "100rel"))

    def _take_prack(self, server: ServerTransaction) -> None:
        request = server.request
        if not self._reliable.knows(request):
            server.reply(481)
            return
        body: bytes | None = b""
        if has_sdp(request):
            body = self.owner.offered(self, request.body)
        if body is None:
            server.reply(488)
        else:
            server.respond(self._described(request, 200, body))
        self._reliable.acknowledged(request)

    def _heard_all(self) -> None:
        if self._waiting is not None and not self.over:
            waiting, self._waiting = self._waiting, None
            self._answer(*waiting)

    def _unheard(self) -> None:
        if not self.over and not self.up:
            self._refuse(504)
            self._end(Ending("silence", "line", reason="no PRACK"))

    def _stop_reminding(self) -> None:
        if self._reminder is not None:
            self._reminder.cancel()

    def _end(self, ending: Ending) -> None:
        self._stop_reminding()
        self._reliable.stop()
        super()._end(ending)
        if self._bye_wanted is not None and not self._acked:
            self.agent.keep(self, self._key)

    def _bye(self) -> None:
        """Also before our answer: then the INVITE gets its 487 (section 15.1.2)."""
        self.agent.stop_repeating(self._server)
        if not self.up:
            self._refuse(487)
        self._acked = True
        super()._bye()
        self.agent.release(self, self._key)

    def _cancelled(self) -> None:
        if not self.over and not self.up:
            self._refuse(487)
            self._end(Ending("cancel", "remote", 487))

    def _never_acked(self) -> None:
        """Section 13.3.1.4: 64 * T1 without an ACK: the dialog stands, and ends by BYE."""
        self._acked = True
        self._send_bye("no ACK")
        self.agent.release(self, self._key)
        if not self.over:
            self._end(Ending("silence", "line", reason="no ACK"))

    def _refuse(self, code: int, reason: str = "", retry_after: int = 0) -> None:
        assert self.dialog is not None
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        if code == 405:
            headers["Allow"] = ALLOW
        self._server.reply(code, reason, headers, tag=self.dialog.local_tag)

    def _copy_route(self, append: Callable[[str, str], None]) -> None:
        for value in self._server.request.headers.get("record-route"):
            append("Record-Route", value)
