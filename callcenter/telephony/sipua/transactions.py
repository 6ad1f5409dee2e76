"""RFC 3261 section 17 with RFC 6026: requests and answers survive a lossy network; duplicates are seen once.

All timers come from `Timers`, so that tests can be quick with the real machine.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiosipua import SipRequest, SipResponse, generate_branch

from callcenter.telephony.sipua.flows import Flow, join_host
from callcenter.telephony.sipua.wire import MAGIC, Inbound, answer_flow, response_to

LARGEST_BY_UDP = 1300
"""Bytes of a request; a larger one goes by TCP where the peer has it (RFC 3261 section 18.1.1)."""
CONNECTS_WITHIN = 2.0
"""Seconds that such a request waits for any answer by TCP."""
_PEERS_KEPT = 1000

Send = Callable[[bytes, Flow], None]


@dataclass(frozen=True, slots=True)
class Timers:
    """Seconds: RFC 3261 table 4. `t1` round trip, `t2` longest retransmission, `t4` longest life of a message."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def timeout(self) -> float:
        """Timers B, F, H, J, L and M: 64 * T1."""
        return 64 * self.t1


class _Clock:
    """The running timers of one transaction."""

    def __init__(self) -> None:
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def start(self, name: str, delay: float, then: Callable[[], None]) -> None:
        self.stop(name)
        self._handles[name] = asyncio.get_running_loop().call_later(delay, then)

    def stop(self, name: str) -> None:
        handle = self._handles.pop(name, None)
        if handle is not None:
            handle.cancel()

    def stop_all(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()


class ServerTransaction:
    """One request that came in; `respond` may be called until a final answer was given."""

    def __init__(self, layer: "Transactions", inbound: Inbound, key: str) -> None:
        self._layer = layer
        self._key = key
        self._last: bytes = b""
        self._clock = _Clock()
        self._reply_to = answer_flow(inbound.via, inbound.flow)
        self._interval = layer.timers.t1
        self.inbound = inbound
        self.invite = inbound.method == "INVITE"
        self.state = "proceeding"
        self.on_cancel: Callable[[], None] | None = None

    @property
    def request(self) -> SipRequest:
        return self.inbound.request

    @property
    def reliable(self) -> bool:
        return self.inbound.flow.reliable

    def reply(
        self, code: int, reason: str = "", headers: dict[str, str] | None = None, tag: str = ""
    ) -> None:
        """Answer with nothing but the status and these headers."""
        response = response_to(self.request, code, reason, tag)
        for name, value in (headers or {}).items():
            response.headers.set_single(name, value)
        self.respond(response)

    def respond(self, response: SipResponse) -> None:
        """Send an answer; after a final one, further answers are ignored."""
        if self.state != "proceeding":
            return
        self._last = bytes(response)
        self._send_last()
        if response.status_code >= 200:
            self._finish(response.status_code)

    def again(self) -> None:
        """The 2xx of an INVITE once more: its retransmission belongs to the user agent (section 13.3.1.4)."""
        if self.state == "accepted":
            self._send_last()

    def receive(self, inbound: Inbound) -> None:
        """A retransmission of the request, or the ACK to a 300-699."""
        if inbound.method == "ACK":
            if self.state == "completed":
                self.state = "confirmed"
                self._clock.stop_all()
                self._clock.start("I", 0 if self.reliable else self._layer.timers.t4, self._end)
        elif self.state in ("proceeding", "completed"):
            self._send_last()

    def close(self) -> None:
        self._clock.stop_all()

    def _finish(self, code: int) -> None:
        timers = self._layer.timers
        if self.invite and code < 300:
            self.state = "accepted"
            self._clock.start("L", timers.timeout, self._end)
        elif self.invite:
            self.state = "completed"
            self._clock.start("H", timers.timeout, self._end)
            if not self.reliable:
                self._clock.start("G", self._interval, self._retransmit)
        else:
            self.state = "completed"
            self._clock.start("J", 0 if self.reliable else timers.timeout, self._end)

    def _retransmit(self) -> None:
        self._send_last()
        self._interval = min(self._interval * 2, self._layer.timers.t2)
        self._clock.start("G", self._interval, self._retransmit)

    def _send_last(self) -> None:
        if self._last:
            self._layer.send(self._last, self._reply_to)

    def _end(self) -> None:
        self.state = "terminated"
        self._clock.stop_all()
        self._layer.forget_server(self._key)


class ClientTransaction:
    """One request of ours, `data` its bytes. `on_response` gets each answer (of an INVITE also repeated 2xx),
    `on_failure` silence."""

    def __init__(
        self,
        layer: "Transactions",
        request: SipRequest,
        flow: Flow,
        on_response: Callable[[Inbound], None],
        on_failure: Callable[[], None],
        data: bytes,
        instead: Flow | None = None,
    ) -> None:
        self._layer = layer
        self._clock = _Clock()
        self._interval = layer.timers.t1
        self._instead = instead
        self._cancel_wanted = ""
        self._cancelled = False
        self.request = request
        self.flow = flow
        self.invite = request.method == "INVITE"
        self.state = "calling"
        self._on_response = on_response
        self._on_failure = on_failure
        self._bytes = data

    @property
    def reliable(self) -> bool:
        return self.flow.reliable

    def begin(self) -> None:
        timers = self._layer.timers
        self._clock.start("B", timers.timeout, self.fail)
        if not self.reliable:
            self._clock.start("A", self._interval, self._retransmit)
        if self._instead is not None:
            self._clock.start("connect", CONNECTS_WITHIN, self._unconnected)
        self._layer.send(self._bytes, self.flow)

    def cancel(self, reason: str = "") -> None:
        """CANCEL an INVITE, at once or as soon as a provisional answer allows it (section 9.1)."""
        self._cancel_wanted = reason or "SIP;cause=487"
        if self.state == "proceeding":
            self._send_cancel()

    def receive(self, inbound: Inbound) -> None:
        code = inbound.response.status_code
        if self.state == "calling" or self.state == "proceeding":
            if code < 200:
                self._provisional(inbound)
            else:
                self._final(inbound, code)
        elif self.state == "accepted" and 200 <= code < 300:
            self._on_response(inbound)
        elif self.state == "completed" and self.invite and code >= 300:
            self._acknowledge(inbound.response)

    def fail(self) -> None:
        """Timer B or F, or the transport broke: no answer will come."""
        if self.state in ("calling", "proceeding"):
            self._end()
            self._on_failure()

    def broken(self) -> None:
        """Its connection broke, or never came; what went there for its size alone goes by UDP then."""
        if self._instead is not None and self.state == "calling":
            self._unconnected()
        else:
            self.fail()

    def close(self) -> None:
        self._clock.stop_all()

    def _unconnected(self) -> None:
        """Section 18.1.1: a peer without TCP gets the large request by UDP, as it is."""
        if self._instead is None or self.state != "calling":
            return
        self._layer.has_no_tcp(self.flow)
        self.flow, self._instead = self._instead, None
        via = self.request.headers.get("via")[0]
        self.request.headers.set_single("Via", via.replace("/TCP", "/UDP", 1))
        self._bytes = bytes(self.request)
        self.begin()

    def _provisional(self, inbound: Inbound) -> None:
        first = self.state == "calling"
        self.state = "proceeding"
        if self.invite:
            self._clock.stop_all()
            if first and self._cancel_wanted:
                self._send_cancel()
            elif self._cancelled:
                self._clock.start("B", self._layer.timers.timeout, self.fail)
        self._on_response(inbound)

    def _final(self, inbound: Inbound, code: int) -> None:
        self._clock.stop_all()
        timers = self._layer.timers
        if self.invite and code < 300:
            self.state = "accepted"
            self._clock.start("M", timers.timeout, self._end)
        else:
            self.state = "completed"
            if self.invite:
                self._acknowledge(inbound.response)
            wait = timers.timeout if self.invite else timers.t4
            self._clock.start("D", 0 if self.reliable else wait, self._end)
        self._on_response(inbound)

    def _retransmit(self) -> None:
        """Timer A doubles without bound, timer E stays at T2 (and is T2 once proceeding)."""
        self._layer.send(self._bytes, self.flow)
        ceiling = self._layer.timers.timeout if self.invite else self._layer.timers.t2
        self._interval = min(self._interval * 2, ceiling)
        if not self.invite and self.state == "proceeding":
            self._interval = self._layer.timers.t2
        self._clock.start("A", self._interval, self._retransmit)

    def _acknowledge(self, response: SipResponse) -> None:
        """ACK to a 300-699: same branch, To of the response (section 17.1.1.3)."""
        ack = self._same_hop("ACK")
        ack.headers.set_single("To", response.headers.get_first("to") or "")
        self._layer.send(bytes(ack), self.flow)

    def _send_cancel(self) -> None:
        if self._cancelled:
            return
        self._cancelled = True
        cancel = self._same_hop("CANCEL")
        cancel.headers.set_single("Reason", self._cancel_wanted)
        self._layer.send_prepared(cancel, self.flow, lambda _: None, lambda: None)
        self._clock.start("B", self._layer.timers.timeout, self.fail)

    def _same_hop(self, method: str) -> SipRequest:
        request = SipRequest(method=method, uri=self.request.uri)
        headers = self.request.headers
        request.headers.set_single("Via", headers.get("via")[0])
        for name in ("From", "To", "Call-ID", "Max-Forwards"):
            request.headers.set_single(name, headers.get_first(name) or "")
        for route in headers.get("route"):
            request.headers.append("Route", route)
        request.headers.set_single("CSeq", f"{(headers.get_first('cseq') or '0').split()[0]} {method}")
        return request

    def _end(self) -> None:
        self.state = "terminated"
        self._clock.stop_all()
        self._layer.forget_client(self)


class Transactions:
    """Matches messages to transactions. New requests, ACKs to 2xx and stray 2xx go to the user agent above."""

    def __init__(
        self,
        send: Send,
        timers: Timers,
        on_request: Callable[[ServerTransaction], None],
        on_ack: Callable[[Inbound], None],
        sent_by: Callable[[Flow], tuple[str, int]],
    ) -> None:
        self.send = send
        self.timers = timers
        self._on_request = on_request
        self._on_ack = on_ack
        self._sent_by = sent_by
        self._servers: dict[str, ServerTransaction] = {}
        self._clients: dict[str, ClientTransaction] = {}
        self._without_tcp: set[Flow] = set()

    def receive(self, inbound: Inbound) -> None:
        if isinstance(inbound.message, SipResponse):
            client = self._clients.get(f"{inbound.branch}|{inbound.method}")
            if client is not None:
                client.receive(inbound)
            return
        key = _server_key(inbound)
        server = self._servers.get(key)
        if server is not None and (inbound.method != "ACK" or server.state != "accepted"):
            server.receive(inbound)
        elif inbound.method == "ACK":
            self._on_ack(inbound)
        else:
            server = self._servers[key] = ServerTransaction(self, inbound, key)
            if inbound.method == "CANCEL":
                self._cancel(server)
            else:
                self._on_request(server)

    def request(
        self,
        request: SipRequest,
        flow: Flow,
        on_response: Callable[[Inbound], None],
        on_failure: Callable[[], None],
    ) -> ClientTransaction:
        """Send a request under a new branch."""
        host, port = self._sent_by(flow)
        via = f"SIP/2.0/{flow.transport.upper()} {join_host(host, port)};rport;branch={generate_branch()}"
        request.headers.set_single("Via", via)
        by_tcp = Flow("tcp", flow.host, flow.port)
        data = bytes(request)
        if not flow.reliable and len(data) > LARGEST_BY_UDP and by_tcp not in self._without_tcp:
            request.headers.set_single("Via", via.replace("/UDP", "/TCP", 1))
            return self.send_prepared(request, by_tcp, on_response, on_failure, instead=flow)
        return self.send_prepared(request, flow, on_response, on_failure, data)

    def send_prepared(
        self,
        request: SipRequest,
        flow: Flow,
        on_response: Callable[[Inbound], None],
        on_failure: Callable[[], None],
        data: bytes = b"",
        instead: Flow | None = None,
    ) -> ClientTransaction:
        """Send a request that has its Via already (CANCEL keeps the branch of its INVITE). `data`: its bytes, when
        they are made already."""
        client = ClientTransaction(
            self, request, flow, on_response, on_failure, data or bytes(request), instead
        )
        self._clients[_client_key(request)] = client
        client.begin()
        return client

    def ack(self, request: SipRequest, flow: Flow) -> bytes:
        """The ACK to a 2xx: its own branch, no transaction. Returns the bytes, to repeat for each repeated 2xx."""
        host, port = self._sent_by(flow)
        via = f"SIP/2.0/{flow.transport.upper()} {join_host(host, port)};rport;branch={generate_branch()}"
        request.headers.set_single("Via", via)
        data = bytes(request)
        self.send(data, flow)
        return data

    def lost(self, flow: Flow) -> None:
        """A connection broke: what waits for an answer by it fails (section 17.1.4)."""
        for client in list(self._clients.values()):
            there = client.flow
            if (there.transport, there.host, there.port) == (flow.transport, flow.host, flow.port):
                client.broken()

    def has_no_tcp(self, flow: Flow) -> None:
        """Large requests go there by UDP at once from now on."""
        if len(self._without_tcp) >= _PEERS_KEPT:
            self._without_tcp.clear()
        self._without_tcp.add(flow)

    def close(self) -> None:
        for server in self._servers.values():
            server.close()
        for client in self._clients.values():
            client.close()
        self._servers.clear()
        self._clients.clear()

    def pending(self) -> int:
        """Transactions that still remember something."""
        return len(self._servers) + len(self._clients)

    def unanswered(self) -> int:
        """Requests of ours that still wait for their final answer."""
        return sum(client.state in ("calling", "proceeding") for client in self._clients.values())

    def forget_server(self, key: str) -> None:
        self._servers.pop(key, None)

    def forget_client(self, client: ClientTransaction) -> None:
        self._clients.pop(_client_key(client.request), None)

    def _cancel(self, server: ServerTransaction) -> None:
        """200 to the CANCEL whatever becomes of the INVITE; 481 without one (section 9.2)."""
        invite = self._servers.get(_server_key(server.inbound, "INVITE"))
        if invite is None:
            server.reply(481)
            return
        server.reply(200)
        if invite.state == "proceeding" and invite.on_cancel is not None:
            invite.on_cancel()


def _client_key(request: SipRequest) -> str:
    via = request.headers.get("via")[0]
    return f"{via.rpartition('branch=')[2]}|{request.method}"


def _server_key(inbound: Inbound, method: str = "") -> str:
    """Section 17.2.3; without the magic cookie, or with nothing behind it, by what RFC 2543 compared."""
    method = method or inbound.method
    if method == "ACK":
        method = "INVITE"
    via = inbound.via
    if inbound.branch.startswith(MAGIC) and inbound.branch != MAGIC:
        return f"{inbound.branch}|{via.host}:{via.port}|{method}"
    return f"{inbound.call_id}|{inbound.from_tag}|{inbound.cseq}|{via.host}:{via.port}|{method}"
