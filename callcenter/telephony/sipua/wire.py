"""From bytes to a checked SIP message, and what every message of ours is made of.

aiosipua parses; here is what it lets through though RFC 3261 does not (section 16.3, 8.2; RFC 4475's torture cases).
"""

import re
from dataclasses import dataclass

from aiosipua import (
    SipMessage,
    SipRequest,
    SipResponse,
    Via,
    generate_tag,
    parse_address,
    parse_cseq,
    parse_uri,
    parse_via,
    stringify_via,
)

from callcenter.telephony.sipua.transport import Flow

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, REGISTER"
SUPPORTED = ("100rel", "199", "norefersub", "replaces", "timer")
"""Option tags that we understand, in a request's Require too (RFC 3262, 6228, 4488, 3891,
4028)."""
PRODUCT = "callcenter"
MAGIC = "z9hG4bK"
MOST_LINES = 300
"""Header lines of one message; no sender that means well comes near."""
SINGLE = ("from", "to", "call-id", "cseq", "content-length", "max-forwards")

REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    504: "Server Time-out",
    503: "Service Unavailable",
    505: "Version Not Supported",
    600: "Busy Everywhere",
    603: "Decline",
}

_COMPACT = {"refer-to": "r", "referred-by": "b", "session-expires": "x"}
"""Short names that the parser does not know (RFC 3515, RFC 3892, RFC 4028)."""
_ESCAPED = re.compile(r"\\.")
_NAMELESS = re.compile(r";\s*;")
_SPACED_SLASH = re.compile(r"\s*/\s*")


class Malformed(ValueError):
    """Not a SIP message that we can act on. With a `request`, it deserves the answer `code`; else it is dropped."""

    def __init__(self, why: str, request: SipRequest | None = None, code: int = 400) -> None:
        super().__init__(why)
        self.request = request
        self.code = code


@dataclass(slots=True)
class Inbound:
    """A message that was read, with what every layer asks for parsed once."""

    message: SipRequest | SipResponse
    flow: Flow
    via: Via
    cseq: int
    method: str
    call_id: str
    from_tag: str
    to_tag: str

    @property
    def branch(self) -> str:
        return self.via.branch or ""

    @property
    def request(self) -> SipRequest:
        assert isinstance(self.message, SipRequest)
        return self.message

    @property
    def response(self) -> SipResponse:
        assert isinstance(self.message, SipResponse)
        return self.message


def read(data: bytes, flow: Flow) -> Inbound | None:
    """Parse and check; None for keep-alives. Raises Malformed."""
    if not data.strip(b"\r\n \t\0"):
        return None
    if data.count(b"\n", 0, data.find(b"\r\n\r\n") + 1 or len(data)) > MOST_LINES:
        raise Malformed("too many header lines")
    try:
        message = SipMessage.parse(data.lstrip(b"\r\n"))
    except (ValueError, IndexError) as error:
        raise Malformed(str(error)) from error
    request = message if isinstance(message, SipRequest) else None
    if request is not None and not request.headers.get("via"):
        raise Malformed("no Via: nowhere to answer")
    try:
        inbound = _parsed(message, flow)
        _check(message, inbound, data)
    except Malformed as problem:
        problem.request = request
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(str(error), request) from error
    return inbound


def _parsed(message: SipRequest | SipResponse, flow: Flow) -> Inbound:
    headers = message.headers
    for name in ("via", "from", "to", "call-id", "cseq"):
        if not headers.get(name):
            raise Malformed(f"no {name}")
    for name in SINGLE:
        if len(headers.get(name)) > 1:
            raise Malformed(f"several {name}")
    cseq = parse_cseq(headers.get("cseq")[0])
    if not 0 <= cseq.seq < 2**31 or not cseq.method:
        raise Malformed("CSeq out of range")
    via = top_via(message)
    if not via.host or not 0 < (via.port or 5060) < 65536:
        raise Malformed("Via without an address")
    return Inbound(
        message,
        flow,
        via,
        cseq.seq,
        cseq.method,
        headers.get("call-id")[0],
        parse_address(headers.get("from")[0]).tag or "",
        parse_address(headers.get("to")[0]).tag or "",
    )


def _check(message: SipRequest | SipResponse, inbound: Inbound, data: bytes) -> None:
    length = message.headers.get_first("content-length")
    if length is not None and (not length.isdigit() or int(length) > len(message.body)):
        raise Malformed("Content-Length does not fit")
    if isinstance(message, SipResponse):
        if not 100 <= message.status_code <= 699:
            raise Malformed("status out of range")
        return
    if message.method != inbound.method:
        raise Malformed("method and CSeq differ")
    line = data.lstrip(b"\r\n").split(b"\n", 1)[0].rstrip(b"\r")
    if not re.fullmatch(rb"[!-~]+ [^\s<>]+ SIP/\d+\.\d+", line, re.IGNORECASE):
        raise Malformed("bad request line")
    if not line.upper().endswith(b" SIP/2.0"):
        raise Malformed("another SIP version", code=505)
    if message.uri.partition(":")[0].lower() not in ("sip", "sips", "tel"):
        raise Malformed("URI scheme", code=416)
    if message.uri.lower().startswith("sip") and not parse_uri(message.uri).host:
        raise Malformed("no host in URI")
    if "?" in message.uri.rpartition("@")[2]:
        raise Malformed("headers in the request's own URI")
    _check_addresses(message)
    hops = message.headers.get_first("max-forwards")
    if hops is not None and (not hops.isdigit() or int(hops) > 255):
        raise Malformed("Max-Forwards out of range")


def _check_addresses(message: SipRequest) -> None:
    """Quotes that never end, parameters without a name, a URI that runs into what follows it (RFC 4475 3.1.2)."""
    headers = message.headers
    for name in ("from", "to", "contact"):
        if any(_ESCAPED.sub("", value).count('"') % 2 for value in headers.get(name)):
            raise Malformed(f"a quote without its end in {name}")
    if any(
        _NAMELESS.search(value.rpartition(">")[2])
        for name in ("via", "contact")
        for value in headers.get(name)
    ):
        raise Malformed("a parameter without a name")
    if any("?" in value and "<" not in value for value in headers.get("contact")):
        raise Malformed("a Contact whose headers are not its own")


def values(message: SipMessage, name: str) -> list[str]:
    """All values of a header by its long name in small letters, whichever of its names they came under."""
    headers = message.headers
    return headers.get(name) + (headers.get(_COMPACT[name]) if name in _COMPACT else [])


def top_via(message: SipMessage) -> Via:
    """The first Via. Spaces around its slashes are allowed (RFC 4475 3.1.1.1) but unknown to the parser."""
    value = message.headers.get("via")[0]
    head, semicolon, rest = value.partition(";")
    return parse_via(_SPACED_SLASH.sub("/", head) + semicolon + rest)


def response_to(request: SipRequest, code: int, reason: str = "", tag: str = "") -> SipResponse:
    """RFC 3261 section 8.2.6: Via, From, To, Call-ID and CSeq copied; a To tag added but to 100."""
    response = SipResponse(status_code=code, reason_phrase=reason or REASONS.get(code, "Unknown"))
    for via in request.headers.get("via"):
        response.headers.append("Via", via)
    for name in ("From", "To", "Call-ID", "CSeq"):
        value = request.headers.get_first(name)
        if value is not None:
            response.headers.set_single(name, value)
    if code > 100:
        to = response.headers.get_first("to") or ""
        if ";tag=" not in to.replace(" ", "").lower():
            response.headers.set_single("To", f"{to};tag={tag or generate_tag()}")
    if code >= 200:
        response.headers.set_single("Server", PRODUCT)
    return response


def stamp_via(request: SipRequest, via: Via, flow: Flow) -> None:
    """RFC 3261 section 18.2.1 and RFC 3581: note in the request where it came from, for the answer's way back."""
    if via.host.strip("[]") != flow.host or "rport" in via.params:
        via.params["received"] = flow.host
    if "rport" in via.params:
        via.params["rport"] = str(flow.port)
    vias = request.headers.get("via")
    rest = vias[1:]
    request.headers.set_single("Via", stringify_via(via))
    for value in rest:
        request.headers.append("Via", value)


def answer_flow(via: Via, flow: Flow) -> Flow:
    """Where the answer goes: TCP by its connection, UDP to the source, its port only with rport (RFC 3581)."""
    if flow.reliable or "rport" in via.params:
        return flow
    return Flow("udp", flow.host, via.port or 5060, flow.connection)
