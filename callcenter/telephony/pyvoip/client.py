"""pyVoIP's user agent, mended where a call centre would stand still or lose a call.

What is ours here: requests never wait for an answer (pyVoIP's INVITE blocks, for good after an immediate 200), every
final answer is acknowledged and told, CANCEL in both directions, ACK and BYE with the tags of the dialog, OPTIONS, a
Call-ID that no other start repeats. What stays pyVoIP's: registration, parsing, and the messages themselves. Nothing
is retransmitted: it is meant for a PBX next door.
"""

import logging
import re
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import pyVoIP.VoIP
from aiosipua import SipMessage, SipRequest, SipResponse
from pyVoIP import RTP, SIP
from pyVoIP.VoIP import CallState, PhoneStatus, VoIPCall, VoIPPhone

from callcenter.telephony.media.ports import NoPorts, Ports
from callcenter.telephony.pyvoip.audio import Audio
from callcenter.telephony.sipua import digest

log = logging.getLogger(__name__)

REGISTER_TIMEOUT = 5
_LOOK = 0.1
_IN_BRACKETS = re.compile(r"<([^>]+)>")


class Listener(Protocol):
    """Told in pyVoIP's threads."""

    def invited(self, call: "Call") -> None: ...
    def rang(self, call: "Call") -> None: ...
    def answered(self, call: "Call") -> None: ...
    def refused(self, call: "Call", code: int, reason: str) -> None: ...
    def cancelled(self, call: "Call") -> None: ...
    def hung_up(self, call: "Call") -> None: ...
    def pressed(self, call: "Call", key: str) -> None: ...
    def failed(self, phone: "Extension") -> None: ...


class Call(VoIPCall):  # type: ignore[misc]
    """One call of an extension, either way. `text`: our INVITE as sent, or our last answer to theirs."""

    text = ""
    cseq = 0
    tried = False
    given_up = False
    remote_tag = ""

    @property
    def audio(self) -> Audio | None:
        return self.RTPClients[0] if self.RTPClients else None

    def create_rtp_clients(self, codecs: Any, ip: str, port: int, request: Any, baseport: int) -> None:
        """One stream: the first connection that the other side names."""
        where = request.body["c"][0]["address"]
        key: Callable[[str], None] = lambda key: self.phone.listener.pressed(self, key)  # noqa: E731
        bound = self.phone.bound.pop(port)
        self.port = port
        self.RTPClients.append(Audio(bound, codecs, ip, port, where, baseport, self.sendmode, dtmf=key))

    def close(self) -> None:
        """Free what the call holds; no message leaves."""
        self.state = CallState.ENDED
        for audio in self.RTPClients:
            audio.stop()
        for port in self.assignedPorts:
            if bound := self.phone.bound.pop(port, None):
                bound.close()
        self.phone.calls.pop(self.call_id, None)
        self.sip.tagLibrary.pop(self.call_id, None)

    def __del__(self) -> None:
        """Ports are freed by `close`; pyVoIP's way would free those of other calls."""


class Client(SIP.SIPClient):  # type: ignore[misc]
    """See the module. `source`: where the message that is handled now came from; `pbx`: the address of `server`."""

    source = ("", 0)
    pbx = ""
    myPort = 0  # noqa: N815  # pyVoIP's name

    def start(self) -> None:
        """Raises OSError for a taken port or a PBX whose name is not known."""
        self.pbx = socket.gethostbyname(self.server)
        self.NSD = True
        self.s = self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((self.myIP, self.myPort))
        self.myPort = self.s.getsockname()[1]
        self.register()
        threading.Thread(target=self.recv_loop, daemon=True, name=f"SIP {self.username}").start()

    def recv_loop(self) -> None:
        while self.NSD:
            try:
                if not select.select([self.s], [], [], _LOOK)[0]:
                    continue
                # held by whoever waits for the answer to a REGISTER
                with self.recvLock:
                    data, self.source = self.s.recvfrom(65535, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            except (OSError, ValueError):
                return
            try:
                self.parse_message(SIP.SIPMessage(data))
            except Exception as error:
                log.warning("%s: a message could not be handled: %r", self.username, error)

    def parse_message(self, message: Any) -> None:
        if message.type != SIP.SIPMessageType.MESSAGE:
            if message.headers["CSeq"]["method"] == "INVITE":
                self.phone.responded(message)
            return
        call = self.phone.calls.get(message.headers["Call-ID"])
        match message.method:
            case "INVITE" if call is None and self.source[0] != self.pbx:
                log.info("%s: an INVITE from %s, which is not the PBX", self.username, self.source[0])
            case "INVITE":
                self.phone.invited(message, call)
            case "BYE" | "CANCEL" if call is None:
                self.tell(self._answer(message, "481 Call/Transaction Does Not Exist"), self.source)
            case "BYE":
                self.tell(self._answer(message, "200 OK"), self.source)
                self.phone.hung_up(call)
            case "CANCEL":
                self.tell(self._answer(message, "200 OK"), self.source)
                self.phone.cancelled(call)
            case "OPTIONS":
                self.tell(self._answer(message, "200 OK"), self.source)
            case "ACK":
                return
            case _:
                self.tell(self._answer(message, "405 Method Not Allowed"), self.source)

    def tell(self, text: str, where: tuple[str, int] | None = None) -> None:
        """To the PBX unless told otherwise; what cannot leave is lost, as a datagram may be."""
        try:
            self.out.sendto(text.encode(), where or (self.server, self.port))
        except OSError as error:
            log.warning("%s: not sent: %s", self.username, error)

    def gen_call_id(self) -> str:
        return f"{secrets.token_hex(16)}@{self.myIP}"

    def answer(self, request: Any, code: int, reason: str) -> str:
        return self._answer(request, f"{code} {reason or SIP.SIPStatus(code).phrase}")

    def ack(self, call: Call, response: Any, accepted: bool) -> str:
        """For a refusal the ACK belongs to the INVITE's transaction (RFC 3261 section 17.1.1.3), else it is its own."""
        uri = _target(response, call.text.split(" ")[1]) if accepted else call.text.split(" ")[1]
        via = self._via() if accepted else _line(call.text, "Via")
        return self._request(call, "ACK", uri, via, call.cseq, response.headers["To"]["tag"])

    def cancel(self, call: Call) -> str:
        return self._request(call, "CANCEL", call.text.split(" ")[1], _line(call.text, "Via"), call.cseq, "")

    def bye_in(self, call: Call) -> str:
        uri = _target(call.answer_of or call.request, f"sip:{self.server}")
        return self._request(call, "BYE", uri, self._via(), call.cseq + 1, call.remote_tag)

    def _request(self, call: Call, method: str, uri: str, via: str, cseq: int, remote_tag: str) -> str:
        headers, own = call.request.headers, self.tagLibrary.get(call.call_id, "")
        ours, theirs = ("From", "To") if call.outbound else ("To", "From")
        tag = f";tag={remote_tag}" if remote_tag else ""
        return (
            f"{method} {uri} SIP/2.0\r\n{via}\r\nMax-Forwards: 70\r\n"
            f"From: {headers[ours]['raw']};tag={own}\r\nTo: {headers[theirs]['raw']}{tag}\r\n"
            f"Call-ID: {call.call_id}\r\nCSeq: {cseq} {method}\r\n"
            f"User-Agent: pyVoIP {pyVoIP.__version__}\r\nContent-Length: 0\r\n\r\n"
        )

    def _via(self) -> str:
        return f"Via: SIP/2.0/UDP {self.myIP}:{self.myPort};branch={self.gen_branch()};rport"

    def _answer(self, request: Any, status: str) -> str:
        """Also within a dialog, whose tag it keeps."""
        text: str = self.gen_ok(request).replace("200 OK", status, 1)
        tag = request.headers["To"]["tag"] or self.tagLibrary.get(request.headers["Call-ID"])
        return re.sub(r"(?m)^(To: .*;tag=)\w+", rf"\g<1>{tag}", text) if tag else text


class Extension(VoIPPhone):  # type: ignore[misc]
    """One registration at the PBX. `ports` are shared by all extensions of a line."""

    def __init__(
        self,
        pbx: tuple[str, int],
        user: str,
        password: str,
        own: tuple[str, int],
        ports: Ports,
        listener: Listener,
    ) -> None:
        super().__init__(*pbx, user, password, myIP=own[0], sipPort=own[1])
        self.sip = Client(
            *pbx, user, password, phone=self, myIP=own[0], myPort=own[1], fatalCallback=self.fatal
        )
        self.sip.register_timeout = REGISTER_TIMEOUT
        self.ports, self.listener = ports, listener
        self.bound: dict[int, socket.socket] = {}

    # ---- orders, on any thread -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Blocks until the PBX took us or not: pyVoIP asks three times, for REGISTER_TIMEOUT each."""
        super().start()
        end = time.monotonic() + 3 * REGISTER_TIMEOUT
        while self._status == PhoneStatus.REGISTERING and time.monotonic() < end:
            time.sleep(_LOOK)

    def place(self, number: str) -> Call:
        """Ring `number`, a user part at the PBX. Raises NoPorts."""
        port = self.request_port()
        media = {port: {0: RTP.PayloadType.PCMU, 8: RTP.PayloadType.PCMA, 101: RTP.PayloadType.EVENT}}
        call_id, session = self.sip.gen_call_id(), secrets.randbelow(1_000_000)
        text = self.sip.gen_invite(
            number, str(session), media, RTP.TransmitType.SENDRECV, self.sip.gen_branch(), call_id
        )
        call = self._new(Call(self, CallState.DIALING, SIP.SIPMessage(text.encode()), session, self.myIP, media,
                              self.sendmode), text)  # fmt: skip
        self.sip.tell(text)
        return call

    def ring(self, call: Call) -> None:
        call.text = self.sip.gen_ringing(call.request)
        self.sip.tell(call.text)

    def answer(self, call: Call) -> None:
        media = call.gen_ms()
        call.text = self.sip.gen_answer(call.request, call.session_id, media, call.sendmode)
        call.state = CallState.ANSWERED
        self.sip.tell(call.text)

    def refuse(self, call: Call, code: int, reason: str) -> None:
        self.sip.tell(self.sip.answer(call.request, code, reason))
        call.close()

    def hang_up(self, call: Call) -> None:
        """BYE, or CANCEL; a cancelled call is kept until its final answer."""
        if call.state == CallState.ANSWERED:
            self.sip.tell(self.sip.bye_in(call))
            call.close()
        elif call.outbound:
            call.given_up = True
            self.sip.tell(self.sip.cancel(call))
        else:
            self.refuse(call, 480, "")

    # ---- told by the client, on its thread -----------------------------------------------------------------------

    def invited(self, message: Any, call: Call | None) -> None:
        if call is not None:
            # Repeated, or an offer within the call: the same answer again, moved to where they want to be reached.
            if call.state == CallState.ANSWERED and call.audio is not None:
                again = message.headers["CSeq"]["check"] != call.request.headers["CSeq"]["check"]
                if again and "c" in message.body:
                    call.audio.outIP = message.body["c"][0]["address"]
                    call.audio.outPort = message.body["m"][0]["port"]
                call.text = self.sip.gen_answer(message, call.session_id, call.gen_ms(), call.sendmode)
            if call.text:
                self.sip.tell(call.text)
            return
        try:
            session = secrets.randbelow(1_000_000)
            self.sip.tagLibrary[message.headers["Call-ID"]] = self.sip.gen_tag()
            call = self._new(
                Call(self, CallState.RINGING, message, session, self.myIP, sendmode=self.recvmode), ""
            )
        except (KeyError, IndexError, NoPorts) as error:
            log.warning("%s: an INVITE that cannot be taken: %r", self.username, error)
            self.sip.tagLibrary.pop(message.headers["Call-ID"], None)
            self.sip.tell(self.sip.answer(message, 503 if isinstance(error, NoPorts) else 488, ""))
            return
        if call.audio is None:
            self.refuse(call, 488, "")
            return
        call.remote_tag = message.headers["From"]["tag"]
        # Until a provisional answer came, a proxy holds back the caller's CANCEL.
        call.text = self.sip.answer(message, 100, "Trying")
        self.sip.tell(call.text)
        self.listener.invited(call)

    def responded(self, message: Any) -> None:
        call = self.calls.get(message.headers["Call-ID"])
        if call is None or not call.outbound:
            return
        code = int(message.status)
        if code < 200:
            if code >= 180 and not call.given_up:
                self.listener.rang(call)
        elif code < 300:
            self._accepted(call, message)
        else:
            self.sip.tell(self.sip.ack(call, message, accepted=False))
            if code in (401, 407) and not call.tried and not call.given_up and self._try_again(call, message):
                return
            call.close()
            self.listener.refused(call, code, message.status.phrase)

    def hung_up(self, call: Call) -> None:
        call.close()
        self.listener.hung_up(call)

    def cancelled(self, call: Call) -> None:
        if call.state == CallState.RINGING:
            self.refuse(call, 487, "")
            self.listener.cancelled(call)

    def fatal(self) -> None:
        """The registration failed again and again."""
        self._status = PhoneStatus.FAILED
        self.listener.failed(self)

    # ---- ports ---------------------------------------------------------------------------------------------------

    def request_port(self, blocking: bool = True) -> int:
        port, rtp, rtcp = self.ports.bind()
        rtcp.close()
        self.bound[port] = rtp
        return port

    def release_ports(self, call: VoIPCall | None = None) -> None:
        """`Call.close` does it."""

    # ---- shared --------------------------------------------------------------------------------------------------

    def _new(self, call: Call, text: str) -> Call:
        call.text, call.outbound, call.answer_of = text, bool(text), None
        call.cseq = int(call.request.headers["CSeq"]["check"]) if text else 0
        self.calls[call.call_id] = call
        return call

    def _accepted(self, call: Call, message: Any) -> None:
        first = call.state == CallState.DIALING
        if first:
            call.remote_tag, call.answer_of = message.headers["To"]["tag"], message
        self.sip.tell(self.sip.ack(call, message, accepted=True))
        if first and call.given_up:
            call.state = CallState.ANSWERED
            self.hang_up(call)
        elif first:
            call.answered(message)
            self.listener.answered(call)

    def _try_again(self, call: Call, message: Any) -> bool:
        request, response = SipMessage.parse(call.text), SipMessage.parse(message.raw.decode())
        assert isinstance(request, SipRequest)
        assert isinstance(response, SipResponse)
        found = digest.answer(request, response, self.username, self.password)
        if found is None:
            return False
        call.tried = True
        call.cseq += 1
        lines = call.text.replace(f"CSeq: {call.cseq - 1} INVITE", f"CSeq: {call.cseq} INVITE", 1)
        lines = lines.replace(_line(lines, "Via"), self.sip._via(), 1)
        call.text = lines.replace("\r\nContent-Length", f"\r\n{found[0]}: {found[1]}\r\nContent-Length", 1)
        self.sip.tell(call.text)
        return True


def _target(message: Any, otherwise: str) -> str:
    """The URI in a Contact."""
    contact = str(message.headers.get("Contact", ""))
    found = _IN_BRACKETS.search(contact)
    return found[1] if found else contact.partition(";")[0].strip() or otherwise


def _line(text: str, name: str) -> str:
    return next(line for line in text.split("\r\n") if line.startswith(f"{name}:"))
