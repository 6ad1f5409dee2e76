"""A call that we place: forks, early dialogs, digest, CANCEL against 200, ACK."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiosipua import SipRequest, SipResponse, generate_call_id, generate_tag, parse_uri

from callcenter.telephony.line import Srtp
from callcenter.telephony.sipua import digest
from callcenter.telephony.sipua.dialogs import Dialog, parse_address_uri
from callcenter.telephony.sipua.offers import has_sdp
from callcenter.telephony.sipua.reliable import rseq_of
from callcenter.telephony.sipua.session import Ending, Owner, Session, copy_authorization
from callcenter.telephony.sipua.transactions import ClientTransaction, ServerTransaction
from callcenter.telephony.sipua.transport import Flow
from callcenter.telephony.sipua.wire import ALLOW, PRODUCT, SUPPORTED, Inbound

if TYPE_CHECKING:
    from callcenter.telephony.sipua.agent import UserAgent

_Q = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)", re.IGNORECASE)
_CHALLENGES = 2
"""Answers that we give to challenges of one INVITE: the second for a stale nonce."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ring. `caller` is a From value without tag; `flow` where the INVITE goes, before any proxy of theirs.

    `srtp`: the policy of our offer there; `trunk`: by whose channels it goes.
    """

    uri: str
    flow: Flow
    caller: str
    username: str = ""
    password: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    srtp: Srtp = "may"
    trunk: str = ""


class OutboundSession(Session):
    """Rings at once when made."""

    def __init__(self, agent: "UserAgent", owner: Owner, target: Target, offer: bytes) -> None:
        super().__init__(agent, owner, caller=True)
        self._target = target
        self._offer = offer
        self._call_id = generate_call_id(agent.host_towards(target.flow.host))
        self._tag = generate_tag()
        self._cseq = 0
        self.credentials = (target.username, target.password) if target.username else None
        self._contact = agent.contact(target.flow)
        self._challenges = 0
        self._cancelled: Ending | None = None
        self._rang = False
        self._early: dict[str, Dialog] = {}
        self._described_early: dict[str, bytes] = {}
        self._rseqs: dict[str, int] = {}
        self._acks: dict[str, tuple[bytes, Flow]] = {}
        self._key = (self._call_id, self._tag)
        agent.keep(self, self._key)
        self._client = self._send_invite(None)

    @property
    def unheard(self) -> bool:
        """Whether nothing at all came back yet."""
        return not self.over and self._client.state == "calling"

    def hang_up(self, reason: str = "") -> None:
        """BYE when answered, else CANCEL; an answer that crosses the CANCEL is acknowledged and ended."""
        if self.over:
            return
        if self.up:
            self._send_bye(reason)
            self._end(Ending("bye", "us"))
        else:
            self.cancel(Ending("cancel", "us"))

    def cancel(self, ending: Ending, reason: str = "") -> None:
        """Give up before the answer, as `ending`. `reason` is a Reason header value (RFC 3326), such as that another
        phone took the call."""
        if self.over or self.up:
            return
        self._cancelled = ending
        self._client.cancel(reason)
        self._end(ending)
        self.agent.keep(self, self._key)

    def receive(self, server: ServerTransaction) -> None:
        """An early dialog takes BYE too; before any answer with a tag there is no dialog at all."""
        if server.inbound.method == "INVITE" and not self.up:
            server.reply(491)
            return
        if not self.up:
            self.dialog = self._early.get(server.inbound.from_tag, self.dialog)
        super().receive(server)

    def _pending(self) -> int:
        if self.up or self.dialog is None:
            return super()._pending()
        return 0 if self.dialog.remote_tag in self._described_early else 491

    def _send_invite(self, authorization: tuple[str, str] | None) -> ClientTransaction:
        self._cseq += 1
        request = SipRequest(method="INVITE", uri=self._target.uri)
        headers = request.headers
        headers.set_single("Max-Forwards", "70")
        headers.set_single("From", f"{self._target.caller};tag={self._tag}")
        headers.set_single("To", f"<{self._target.uri}>")
        headers.set_single("Call-ID", self._call_id)
        headers.set_single("CSeq", f"{self._cseq} INVITE")
        headers.set_single("Contact", self._contact)
        headers.set_single("Allow", ALLOW)
        headers.set_single("Supported", ", ".join(SUPPORTED))
        headers.set_single("User-Agent", PRODUCT)
        for name, value in self._expiry.headers().items():
            headers.set_single(name, value)
        for name, value in self._target.headers.items():
            headers.set_single(name, value)
        if authorization is not None:
            headers.set_single(*authorization)
        headers.set_single("Content-Type", "application/sdp")
        request.body = self._offer
        self._request = request
        return self.agent.send(request, self._target.flow, self._response, self._silence)

    def _response(self, inbound: Inbound) -> None:
        response = inbound.response
        code = response.status_code
        if code < 200:
            self._provisional(inbound, code)
        elif code < 300:
            self._accepted(inbound)
        elif code in (401, 407) and self._retry(response):
            return
        elif code == 422 and not self.over and self.lengthen(inbound):
            self._client = self._send_invite(None)
        else:
            self.agent.release(self, self._key)
            contacts = _forwards(response) if 300 <= code < 305 else ()
            self._end(Ending("answer", "remote", code, response.reason_phrase, contacts))

    def _provisional(self, inbound: Inbound, code: int) -> None:
        """Each fork has a dialog of its own; the one that spoke last is heard, until one answers."""
        if self.over or code == 100:
            return
        tag = inbound.to_tag
        if code == 199:
            self._fork_ended(tag)
            return
        if tag:
            dialog = Dialog.of_response(self._request, inbound, self._target.flow, self._contact)
            self.dialog = self._early.setdefault(tag, dialog)
        if not self._in_turn(inbound):
            return
        if has_sdp(inbound.message):
            self._described_early[tag] = inbound.message.body
            self.owner.early(self, inbound.message.body)
        elif code in (180, 183) and not self._rang:
            self._rang = True
            self.owner.rang(self)

    def _in_turn(self, inbound: Inbound) -> bool:
        """PRACK a reliable answer (RFC 3262 section 4); False for one that was seen or comes too early."""
        number = rseq_of(inbound.message)
        if not number:
            return True
        last = self._rseqs.get(inbound.to_tag)
        if self.dialog is None or (last is not None and number != last + 1):
            return False
        self._rseqs[inbound.to_tag] = number
        self.ask("PRACK", {"RAck": f"{number} {inbound.cseq} INVITE"})
        return True

    def _fork_ended(self, tag: str) -> None:
        """199 (RFC 6228): one early dialog is over; another one that speaks is heard in its place."""
        self._early.pop(tag, None)
        self._described_early.pop(tag, None)
        for other, body in reversed(self._described_early.items()):
            self.dialog = self._early.get(other, self.dialog)
            self.owner.early(self, body)
            return

    def _accepted(self, inbound: Inbound) -> None:
        """The first 2xx makes the call; each repetition is acknowledged again, another fork's is ended."""
        known = self._acks.get(inbound.to_tag)
        if known is not None:
            self.agent.send_bytes(*known)
            return
        dialog = self._confirmed(inbound)
        hop = dialog.next_hop()
        ack = dialog.request("ACK", cseq=inbound.cseq)
        copy_authorization(self._request, ack)
        self._acks[inbound.to_tag] = (self.agent.ack(ack, hop), hop)
        if self.over or self.up:
            self.agent.send(dialog.request("BYE"), hop, lambda _: None, lambda: None)
            if self.over:
                self.agent.release(self, self._key)
            return
        self.dialog = dialog
        self.up = True
        self._learn(inbound)
        self._expiry.answered(inbound)
        self._early.clear()
        early = self._described_early.pop(inbound.to_tag, b"")
        # An answer that came reliably before need not be said again in the 2xx (RFC 6337 section 3.1).
        self.owner.answered(self, inbound.message.body if has_sdp(inbound.message) else early)

    def _confirmed(self, inbound: Inbound) -> Dialog:
        """The dialog of a 2xx: its route set and target count, the requests so far stay counted."""
        dialog = Dialog.of_response(self._request, inbound, self._target.flow, self._contact)
        early = self._early.get(inbound.to_tag)
        if early is not None:
            dialog.local_cseq, dialog.remote_cseq = early.local_cseq, early.remote_cseq
        return dialog

    def _retry(self, response: SipResponse) -> bool:
        """Answer a challenge once, and once more when our nonce was merely stale."""
        target = self._target
        if self.over or not target.username or self._challenges >= _CHALLENGES:
            return False
        if self._challenges and not digest.was_stale(response):
            return False
        authorization = digest.answer(self._request, response, target.username, target.password)
        if authorization is None:
            return False
        self._challenges += 1
        self._client = self._send_invite(authorization)
        return True

    def _silence(self) -> None:
        self.agent.release(self, self._key)
        self._end(Ending("silence", "remote", 408))


def _forwards(response: SipResponse) -> tuple[str, ...]:
    """The Contacts of a 3xx by their `q`, highest first (RFC 3261 section 20.10)."""
    found = [(_weight(value), parse_address_uri(value)) for value in response.headers.get("contact")]
    return tuple(uri for _, uri in sorted(found, key=lambda each: -each[0]) if _legible(uri))


def _legible(uri: str) -> bool:
    if uri[:4].lower() == "tel:":
        return True
    try:
        return uri[:3].lower() == "sip" and bool(parse_uri(uri).host)
    except (ValueError, IndexError):
        return False


def _weight(contact: str) -> float:
    found = _Q.search(contact)
    return float(found[1]) if found else 1.0
