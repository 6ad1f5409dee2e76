"""A bare SIP peer that says exactly what it is told to: for what no well-behaved phone does."""

import asyncio
import re
import uuid

from aiosipua import SipMessage, SipRequest, SipResponse

from tests.events import PATIENCE

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 8\r\na=sendrecv\r\n"
)


class Peer(asyncio.DatagramProtocol):
    """One UDP socket. `script` makes requests, `take` waits for a message."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[SipRequest | SipResponse] = asyncio.Queue()
        self.call_id = uuid.uuid4().hex
        self.branches = 0

    @classmethod
    async def open(cls, line: str) -> "Peer":
        peer = cls()
        host, _, port = line.rpartition(":")
        peer.line = (host, int(port))
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: peer, local_addr=("127.0.0.1", 0))
        return peer

    line: tuple[str, int]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.inbox.put_nowait(SipMessage.parse(data))

    def close(self) -> None:
        self.transport.close()

    def send(self, data: str | bytes) -> None:
        self.transport.sendto(data.encode() if isinstance(data, str) else data, self.line)

    def request(
        self,
        method: str,
        uri: str = "sip:hotline@127.0.0.1",
        *,
        cseq: int = 1,
        to_tag: str = "",
        branch: str = "",
        body: str = "",
        extra: str = "",
        from_tag: str = "peer",
        user: str = "1001",
    ) -> str:
        """The text of a request; `extra` is whole header lines."""
        self.branches += 1
        branch = branch or f"z9hG4bK{self.call_id}{self.branches}"
        tag = f";tag={to_tag}" if to_tag else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{user}@example.org>;tag={from_tag}\r\n"
            f"To: <sip:hotline@127.0.0.1>{tag}\r\nCall-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n"
            f"Contact: <sip:1001@127.0.0.1:{self.port}>\r\n{extra}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    async def take(self, what: int | str) -> SipRequest | SipResponse:
        """The next message with this status or method; others on the way are dropped."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.inbox.get()
                if isinstance(message, SipResponse) and message.status_code == what:
                    return message
                if isinstance(message, SipRequest) and message.method == what:
                    return message

    def answer(
        self,
        request: SipRequest | SipResponse,
        code: int,
        tag: str = "peer",
        body: str = "",
        extra: str = "",
        contact: bool = True,
        reason: str = "Scripted",
    ) -> None:
        """An answer to a request that we got; without our own `contact` for one that sends elsewhere."""
        response = SipResponse(status_code=code, reason_phrase=reason)
        for via in request.headers.get("via"):
            response.headers.append("Via", via)
        for name in ("From", "To", "Call-ID", "CSeq"):
            response.headers.set_single(name, request.headers.get_first(name) or "")
        if tag and code > 100 and ";tag=" not in (response.headers.get_first("to") or ""):
            response.headers.set_single("To", f"{response.headers.get_first('to')};tag={tag}")
        if contact:
            response.headers.set_single("Contact", f"<sip:peer@127.0.0.1:{self.port}>")
        for line in extra.splitlines():
            name, _, value = line.partition(":")
            response.headers.append(name, value.strip())
        if body:
            response.headers.set_single("Content-Type", "application/sdp")
            response.body = body.encode()
        self.transport.sendto(bytes(response), self.line)


def tag_of(message: SipRequest | SipResponse, header: str = "to") -> str:
    found = re.search(r";tag=([^;>\s]+)", message.headers.get_first(header) or "")
    return found[1] if found else ""
