"""The user agent: one transport, its transactions, and the sessions in dialog; used by the driver and by `Phone`.

Everything that arrives goes through `_arrived`, which answers or drops what is malformed and never raises.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from aiosipua import SipRequest, SipResponse

from callcenter.telephony.sipua.expiry import Lasting, too_short
from callcenter.telephony.sipua.inbound import InboundSession
from callcenter.telephony.sipua.lately import Lately
from callcenter.telephony.sipua.offers import not_spoken
from callcenter.telephony.sipua.outbound import OutboundSession, Target
from callcenter.telephony.sipua.replaces import Replaces
from callcenter.telephony.sipua.session import Owner, Session
from callcenter.telephony.sipua.tls import Tls
from callcenter.telephony.sipua.transactions import (
    ClientTransaction,
    ServerTransaction,
    Timers,
    Transactions,
)
from callcenter.telephony.sipua.transport import Drop, Flow, Listen, Transport, is_address, join_host
from callcenter.telephony.sipua.wire import (
    ALLOW,
    SUPPORTED,
    Inbound,
    Malformed,
    answer_flow,
    read,
    response_to,
    stamp_via,
    top_via,
)

log = logging.getLogger(__name__)

_IN_DIALOG = ("INVITE", "BYE", "INFO", "UPDATE", "OPTIONS", "PRACK", "REFER", "NOTIFY")
_ABILITIES = {"Allow": ALLOW, "Accept": "application/sdp", "Supported": ", ".join(SUPPORTED)}
_REMEMBERED = 32.0
"""Seconds in which a Replaces for an ended dialog is told that it is over."""
_LOOK = 0.01
_ROUTES_KEPT = 1000
_MERGE_WINDOW = 32.0
"""Seconds in which the same INVITE by another way counts as merged (RFC 3261 section 8.2.2.2)."""


class UserAgent:
    """Set the `on_...` hooks before `start`. `user` is the user part of our Contact. `closed`: OPTIONS is answered 503,
    so that a proxy which asks looks elsewhere for new calls."""

    def __init__(
        self,
        timers: Timers | None = None,
        drop: Drop | None = None,
        user: str = "callcenter",
        lasting: Lasting | None = None,
    ) -> None:
        self.timers = timers or Timers()
        self.lasting = lasting or Lasting()
        self.user = user
        self.port = 0
        self.on_invite: Callable[[ServerTransaction], None] = lambda server: server.reply(480)
        self.on_register: Callable[[ServerTransaction], None] = lambda server: _not_allowed(server)
        self.on_flow_lost: Callable[[Flow], None] = lambda flow: None
        self.on_message: Callable[[bytes, str, Flow], None] = lambda data, way, flow: None
        self.on_session: Callable[[Session, str], None] = lambda session, call_id: None
        self.on_malformed: Callable[[str], None] = lambda host: None
        self.closed = False
        self._transport = Transport(self._arrived, self._flow_lost, drop)
        self._transactions = Transactions(
            self.send_bytes, self.timers, self._requested, self._acked, self._sent_by
        )
        self._sessions: dict[tuple[str, str], Session] = {}
        self._repeats: dict[ServerTransaction, asyncio.TimerHandle] = {}
        self._recent: Lately[tuple[str, str, int]] = Lately(_MERGE_WINDOW)
        self._over: Lately[tuple[str, str]] = Lately(_REMEMBERED)
        self._advertised = ""
        self._routes: dict[str, str] = {}

    async def start(self, listen: Sequence[Listen], advertised: str = "", tls: Tls | None = None) -> str:
        """Listen; returns the first address as `host:port`. Raises OSError."""
        self._advertised = advertised
        self.port = await self._transport.start(listen, tls)
        return join_host(listen[0].host, self.port)

    def guard(self, admits: Callable[[bytes, str], bool]) -> None:
        """Ask this of each message, by its source's address, before it is read."""
        self._transport.admits = admits

    async def settle(self, seconds: float) -> None:
        """Wait until everything that we asked is answered, BYEs above all; at most so long."""
        for _ in range(int(seconds / _LOOK)):
            if not self._transactions.unanswered():
                return
            await asyncio.sleep(_LOOK)

    async def stop(self) -> None:
        for handle in self._repeats.values():
            handle.cancel()
        self._repeats.clear()
        self._transactions.close()
        await self._transport.stop()

    # ---- addresses -----------------------------------------------------------------------------------------------

    def host_towards(self, host: str) -> str:
        """Our host as `host` can reach it: advertised, bound, or the interface by which packets go there."""
        if self._advertised and (":" in self._advertised) == (":" in host):
            return self._advertised
        bound = self._transport.own(Flow("udp", host, 0)).host
        if bound not in ("", "0.0.0.0", "::"):
            return bound
        if host not in self._routes:
            if len(self._routes) >= _ROUTES_KEPT:
                self._routes.clear()
            self._routes[host] = _interface_towards(host)
        return self._routes[host]

    def bound_towards(self, flow: Flow) -> str:
        """The host that we listen on for the other end of `flow`."""
        return self._transport.own(flow).host

    def contact(self, flow: Flow) -> str:
        """Our Contact value towards the other end of `flow`."""
        how = f";transport={flow.transport}" if flow.reliable else ""
        return f"<sip:{self.user}@{self.address_towards(flow)}{how}>"

    def address_towards(self, flow: Flow) -> str:
        """Our `host:port` as the other end of `flow` can reach it."""
        return join_host(*self._sent_by(flow))

    def alive(self, flow: Flow) -> bool:
        """Whether the connection of `flow` still stands."""
        return self._transport.alive(flow)

    # ---- calls and requests --------------------------------------------------------------------------------------

    def call(self, owner: Owner, target: Target, offer: bytes) -> OutboundSession:
        """Ring `target`."""
        return OutboundSession(self, owner, target, offer)

    def accept(self, owner: Owner, server: ServerTransaction) -> InboundSession:
        """Make a call of an INVITE."""
        return InboundSession(self, owner, server)

    def send(
        self,
        request: SipRequest,
        flow: Flow,
        on_response: Callable[[Inbound], None],
        on_failure: Callable[[], None],
    ) -> ClientTransaction:
        """Send a request by a transaction of its own."""
        return self._transactions.request(request, flow, on_response, on_failure)

    def ack(self, request: SipRequest, flow: Flow) -> bytes:
        """Send the ACK to a 2xx; its bytes, for `send_bytes` when the 2xx is repeated."""
        return self._transactions.ack(request, flow)

    def send_bytes(self, data: bytes, flow: Flow) -> None:
        self.on_message(data, "out", flow)
        self._transport.send(data, flow)

    # ---- for sessions --------------------------------------------------------------------------------------------

    def keep(self, session: Session, key: tuple[str, str]) -> None:
        """Requests with this Call-ID and local tag are the session's."""
        self._sessions[key] = session
        self.on_session(session, key[0])

    def release(self, session: Session, key: tuple[str, str]) -> None:
        if self._sessions.get(key) is session:
            del self._sessions[key]
            self._over.add(key)

    def find(self, replaces: Replaces) -> Session | None:
        """The session with this dialog (RFC 3891 section 3)."""
        session = self._sessions.get((replaces.call_id, replaces.to_tag))
        if session is None or session.over or session.dialog is None:
            return None
        return session if session.dialog.remote_tag == replaces.from_tag else None

    def ended_lately(self, replaces: Replaces) -> bool:
        """Whether the dialog is one that stood until some seconds ago."""
        return self._over.seen((replaces.call_id, replaces.to_tag))

    def repeat_until_ack(self, server: ServerTransaction, give_up: Callable[[], None]) -> None:
        """Repeat a 2xx after T1, doubling up to T2, by any transport; `give_up` after 64 * T1."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timers.timeout

        def again(interval: float) -> None:
            if loop.time() + interval >= deadline:
                self.stop_repeating(server)
                give_up()
                return
            server.again()
            self._repeats[server] = loop.call_later(interval, again, min(interval * 2, self.timers.t2))

        first = self.timers.t1
        self._repeats[server] = loop.call_later(first, again, min(first * 2, self.timers.t2))

    def stop_repeating(self, server: ServerTransaction) -> None:
        handle = self._repeats.pop(server, None)
        if handle is not None:
            handle.cancel()

    @property
    def pending(self) -> int:
        """Transactions that are not forgotten yet."""
        return self._transactions.pending()

    @property
    def sessions(self) -> int:
        return len(self._sessions)

    # ---- what arrives --------------------------------------------------------------------------------------------

    def _arrived(self, data: bytes, flow: Flow) -> None:
        try:
            self.on_message(data, "in", flow)
            inbound = read(data, flow)
            if inbound is None:
                return
            if isinstance(inbound.message, SipRequest):
                stamp_via(inbound.message, inbound.via, flow)
            self._transactions.receive(inbound)
        except Malformed as problem:
            self._refuse_malformed(problem, flow)
        except Exception:
            log.exception("a message from %s could not be handled", flow.address)

    def _refuse_malformed(self, problem: Malformed, flow: Flow) -> None:
        """400 (or what the problem says) without a transaction; nothing to an ACK or to what names no way back."""
        self.on_malformed(flow.host)
        log.debug("malformed SIP from %s: %s", flow.address, problem)
        request = problem.request
        if request is None or request.method == "ACK":
            return
        try:
            via = top_via(request)
            stamp_via(request, via, flow)
            self._transport.send(bytes(response_to(request, problem.code)), answer_flow(via, flow))
        except (ValueError, IndexError, KeyError, TypeError, OSError, OverflowError):
            return

    def _requested(self, server: ServerTransaction) -> None:
        try:
            self._dispatch(server)
        except Exception:
            log.exception("%s could not be handled", server.inbound.method)
            server.reply(500)

    def _dispatch(self, server: ServerTransaction) -> None:
        inbound = server.inbound
        if inbound.method in ("INVITE", "UPDATE") and too_short(server.request, self.lasting):
            server.reply(422, headers={"Min-SE": str(self.lasting.least)})
            return
        required = [tag for tag in server.request.headers.get("require") if tag.lower() not in SUPPORTED]
        if required and inbound.method != "CANCEL":
            server.respond(_unsupported(server, required))
        elif inbound.method == "INVITE" and (code := not_spoken(server.request)):
            server.reply(code, headers={"Accept": "application/sdp"})
        elif inbound.to_tag:
            self._within_dialog(server)
        elif inbound.method == "INVITE":
            if self._merged(inbound):
                server.reply(482)
                return
            server.reply(100)
            self.on_invite(server)
        elif inbound.method == "REGISTER":
            self.on_register(server)
        elif inbound.method == "OPTIONS":
            server.reply(503 if self.closed else 200, headers=_ABILITIES)
        elif inbound.method == "REFER":
            # Nobody may have us call somebody out of the blue.
            server.reply(603)
        elif inbound.method in ("BYE", "INFO", "UPDATE", "PRACK", "NOTIFY"):
            server.reply(481)
        else:
            _not_allowed(server)

    def _within_dialog(self, server: ServerTransaction) -> None:
        session = self._sessions.get((server.inbound.call_id, server.inbound.to_tag))
        if session is not None:
            session.receive(server)
        elif server.inbound.method == "REGISTER":
            self.on_register(server)
        elif server.inbound.method in _IN_DIALOG:
            server.reply(481)
        else:
            _not_allowed(server)

    def _acked(self, inbound: Inbound) -> None:
        session = self._sessions.get((inbound.call_id, inbound.to_tag))
        if session is not None:
            session.acknowledged(inbound)

    def _merged(self, inbound: Inbound) -> bool:
        key = (inbound.call_id, inbound.from_tag, inbound.cseq)
        merged = self._recent.seen(key)
        self._recent.add(key)
        return merged

    def _flow_lost(self, flow: Flow) -> None:
        self._transactions.lost(flow)
        self.on_flow_lost(flow)

    def _sent_by(self, flow: Flow) -> tuple[str, int]:
        return self.host_towards(flow.host), self._transport.own(flow).port


def _not_allowed(server: ServerTransaction) -> None:
    server.reply(405, headers={"Allow": ALLOW})


def _unsupported(server: ServerTransaction, required: list[str]) -> SipResponse:
    response = response_to(server.request, 420)
    for name in required:
        response.headers.append("Unsupported", name)
    return response


def _interface_towards(host: str) -> str:
    """Address of the interface by which datagrams to `host` leave; loopback when there is no way."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host if is_address(host) else "192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
