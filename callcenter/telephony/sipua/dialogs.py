"""Dialog state of RFC 3261 section 12: tags, CSeq, route set, remote target; and the requests that follow from it."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote

from aiosipua import SipRequest, generate_tag, parse_address, parse_uri

from callcenter.telephony.line import SavedDialog
from callcenter.telephony.sipua.flows import SIP_PORT, SIPS_PORT, Flow, is_address, split_host
from callcenter.telephony.sipua.wire import PRODUCT, Inbound

_QUOTED = re.compile(r'\s*"(?:[^"\\]|\\.)*"')
"""A display name, which may hold brackets; parameters behind the URI may hold quotes too."""
AFTER_CRASH = 1000
"""How far a restarted line advances CSeq: more than the requests a dialog can have sent since it was saved."""


@dataclass(slots=True)
class Dialog:
    """One side of a dialog. `local_uri`, `remote_uri` are From/To values without their tag."""

    call_id: str
    local_uri: str
    local_tag: str
    remote_uri: str
    remote_tag: str
    remote_target: str
    route_set: tuple[str, ...]
    flow: Flow
    local_cseq: int = 0
    remote_cseq: int = 0
    contact: str = ""

    @classmethod
    def of_invite(cls, inbound: Inbound, contact: str) -> "Dialog":
        """The callee's side, from an INVITE (section 12.1.1): the route set in order."""
        headers = inbound.message.headers
        return cls(
            call_id=inbound.call_id,
            local_uri=without_tag(headers.get("to")[0]),
            local_tag=generate_tag(),
            remote_uri=without_tag(headers.get("from")[0]),
            remote_tag=inbound.from_tag,
            remote_target=contact_uri(inbound) or parse_address_uri(headers.get("from")[0]),
            route_set=tuple(headers.get("record-route")),
            flow=inbound.flow,
            remote_cseq=inbound.cseq,
            contact=contact,
        )

    @classmethod
    def of_response(cls, request: SipRequest, inbound: Inbound, flow: Flow, contact: str) -> "Dialog":
        """The caller's side, from a 1xx or 2xx with a tag (section 12.1.2): the route set in reverse."""
        headers = inbound.message.headers
        return cls(
            call_id=inbound.call_id,
            local_uri=without_tag(headers.get("from")[0]),
            local_tag=inbound.from_tag,
            remote_uri=without_tag(headers.get("to")[0]),
            remote_tag=inbound.to_tag,
            remote_target=contact_uri(inbound) or request.uri,
            route_set=tuple(reversed(headers.get("record-route"))),
            flow=flow,
            local_cseq=inbound.cseq,
            contact=contact,
        )

    def request(self, method: str, cseq: int = 0) -> SipRequest:
        """A request within the dialog (section 12.2.1.1). With `cseq` it keeps that number: the ACK to a 2xx."""
        if not cseq:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = self._uri_and_routes()
        request = SipRequest(method=method, uri=uri)
        headers = request.headers
        headers.set_single("From", f"{self.local_uri};tag={self.local_tag}")
        remote = f"{self.remote_uri};tag={self.remote_tag}" if self.remote_tag else self.remote_uri
        headers.set_single("To", remote)
        headers.set_single("Call-ID", self.call_id)
        headers.set_single("CSeq", f"{cseq} {method}")
        headers.set_single("Max-Forwards", "70")
        for route in routes:
            headers.append("Route", route)
        if self.contact and method in ("INVITE", "UPDATE"):
            headers.set_single("Contact", self.contact)
        headers.set_single("User-Agent", PRODUCT)
        return request

    def next_hop(self) -> Flow:
        """Where the next request goes: first route, else remote target, else back by the way they came (NAT)."""
        if self.flow.reliable and self.flow.connection:
            return self.flow
        if self.route_set:
            return flow_of_uri(parse_address_uri(self.route_set[0]), self.flow.transport)
        target = flow_of_uri(self.remote_target, self.flow.transport)
        return self.flow if _hidden(target.host, self.flow.host) else target

    def refresh(self, inbound: Inbound) -> None:
        """A target refresh (re-INVITE, UPDATE) moves the remote target, never the route set."""
        self.remote_target = contact_uri(inbound) or self.remote_target
        self.flow = inbound.flow

    def matches(self, remote_tag: str) -> bool:
        return not self.remote_tag or self.remote_tag == remote_tag

    def saved(self, leg: str) -> SavedDialog:
        hop = self.next_hop()
        return SavedDialog(
            leg=leg,
            call_id=self.call_id,
            local_uri=self.local_uri,
            local_tag=self.local_tag,
            remote_uri=self.remote_uri,
            remote_tag=self.remote_tag,
            remote_target=self.remote_target,
            route_set=self.route_set,
            local_cseq=self.local_cseq,
            transport=hop.transport,
            address=hop.address,
        )

    @classmethod
    def restored(cls, saved: SavedDialog) -> "Dialog":
        """A dialog that a crash lost, good for its BYE."""
        return cls(
            call_id=saved.call_id,
            local_uri=saved.local_uri,
            local_tag=saved.local_tag,
            remote_uri=saved.remote_uri,
            remote_tag=saved.remote_tag,
            remote_target=saved.remote_target,
            route_set=tuple(saved.route_set),
            flow=Flow(saved.transport, *split_host(saved.address)),
            local_cseq=saved.local_cseq + AFTER_CRASH,
        )

    def _uri_and_routes(self) -> tuple[str, tuple[str, ...]]:
        """Loose routing, or a strict router first in the set (section 12.2.1.1)."""
        if not self.route_set:
            return self.remote_target, ()
        first = parse_address_uri(self.route_set[0])
        if "lr" in parse_uri(first).params:
            return self.remote_target, self.route_set
        return first, (*self.route_set[1:], f"<{self.remote_target}>")


def flow_of_uri(uri: str, transport: str = "udp") -> Flow:
    """Host, port and transport that a SIP URI names; `transport` when it does not say. Names are kept as they are.

    `sips:` and `transport=tls` go by TLS, to port 5061 unless they name another (RFC 3261 section 19.1.2).
    """
    parsed = parse_uri(uri)
    named = (parsed.params.get("transport") or transport).lower()
    host = (parsed.params.get("maddr") or parsed.host).strip("[]")
    secure = named == "tls" or uri[:5].lower() == "sips:"
    kind = "tls" if secure else "tcp" if named == "tcp" else "udp"
    return Flow(kind, host, parsed.port or (SIPS_PORT if secure else SIP_PORT))


def without_tag(value: str) -> str:
    """A From or To value without its tag, in angle brackets so that parameters stay outside the URI."""
    head, bracket, tail = value.rpartition(">")
    if not bracket:
        uri, _, tail = value.partition(";")
        return f"<{uri.strip()}>"
    kept = [part for part in tail.split(";")[1:] if not part.strip().lower().startswith("tag")]
    return ";".join((f"{head}>", *kept))


def contact_uri(inbound: Inbound) -> str:
    """URI of the first Contact, as it was written; empty without one."""
    contacts = inbound.message.headers.get("contact")
    return parse_address_uri(contacts[0]) if contacts else ""


def parse_address_uri(value: str) -> str:
    """The URI inside a name-addr, as written (parsing and printing again could change it)."""
    quoted = _QUOTED.match(value)
    start = value.find("<", quoted.end() if quoted else 0)
    end = value.find(">", start)
    if start >= 0 and end > start:
        return value[start + 1 : end].strip()
    return value.partition(";")[0].strip()


def user_of(value: str) -> str:
    """User part of a name-addr's URI, percent-escapes resolved, its own parameters dropped."""
    return user_of_uri(parse_address_uri(value))


def user_of_uri(uri: str) -> str:
    """User part of a `sip:` URI, or the number of a `tel:` URI."""
    if uri[:4].lower() == "tel:":
        return uri[4:].partition(";")[0]
    user = parse_uri(uri).user or ""
    return unescape(user.partition(";")[0].partition(":")[0])


def unescape(text: str) -> str:
    """Percent-escapes resolved (RFC 3261 section 25.1)."""
    return unquote(text)


def display_name(value: str) -> str:
    """Display name of a name-addr, without quotes."""
    return (parse_address(value).display_name or "").replace('\\"', '"').strip()


def _hidden(host: str, source: str) -> bool:
    """A private address that is not where the message came from: behind NAT, so it cannot be reached as written."""
    if host == source or not is_address(host):
        return False
    return ipaddress.ip_address(host).is_private or ipaddress.ip_address(host).is_unspecified
