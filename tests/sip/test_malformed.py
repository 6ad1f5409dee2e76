"""Torture messages in the manner of RFC 4475, our own: nothing crashes, nothing leaks, calls still work afterwards."""

import random
import socket
from collections.abc import AsyncIterator

import pytest

from callcenter import commands, events
from tests.events import until
from tests.sip.conftest import World
from tests.sip.wire import SDP, Peer

VIA = "Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{n}\r\n"
REST = "From: <sip:a@b>;tag=1\r\nTo: <sip:hotline@c>\r\nCall-ID: {n}\r\nCSeq: 1 {method}\r\n"


@pytest.fixture
async def peer(world: World) -> AsyncIterator[Peer]:
    peer = await Peer.open(world.address)
    yield peer
    peer.close()


def message(n: int, port: int, line: str, method: str = "OPTIONS", rest: str = REST, tail: str = "") -> str:
    return f"{line}\r\n" + (VIA + rest + tail).format(port=port, n=n, method=method) + "\r\n"


ANSWERED = {
    "another version": ("OPTIONS sip:x@y SIP/7.0", REST, "", 505),
    "unknown scheme": ("OPTIONS nobodyKnowsThisScheme:totallyopaque SIP/2.0", REST, "", 416),
    "URI in brackets": ("OPTIONS <sip:x@y> SIP/2.0", REST, "", 400),
    "space in URI": ("OPTIONS sip:x@y; lr SIP/2.0", REST, "", 400),
    "trailing space": ("OPTIONS sip:x@y  SIP/2.0", REST, "", 400),
    "method differs from CSeq": ("OPTIONS sip:x@y SIP/2.0", REST.replace("{method}", "INVITE"), "", 400),
    "CSeq too large": (
        "OPTIONS sip:x@y SIP/2.0",
        REST.replace("1 {method}", "36893488147419103232 {method}"),
        "",
        400,
    ),
    "CSeq no number": ("OPTIONS sip:x@y SIP/2.0", REST.replace("1 {method}", "one {method}"), "", 400),
    "no Call-ID": ("OPTIONS sip:x@y SIP/2.0", REST.replace("Call-ID: {n}\r\n", ""), "", 400),
    "no From": ("OPTIONS sip:x@y SIP/2.0", REST.replace("From: <sip:a@b>;tag=1\r\n", ""), "", 400),
    "two From": ("OPTIONS sip:x@y SIP/2.0", REST, "From: <sip:a@b>;tag=2\r\n", 400),
    "negative length": ("OPTIONS sip:x@y SIP/2.0", REST, "Content-Length: -999\r\n", 400),
    "body shorter than its length": ("OPTIONS sip:x@y SIP/2.0", REST, "Content-Length: 9999\r\n", 400),
    "Max-Forwards out of range": ("OPTIONS sip:x@y SIP/2.0", REST, "Max-Forwards: 300\r\n", 400),
    "no host": ("OPTIONS sip: SIP/2.0", REST, "", 400),
    "unknown extension wanted": ("OPTIONS sip:x@y SIP/2.0", REST, "Require: nothing-we-know\r\n", 420),
    "no such method": ("NEWMETHOD sip:x@y SIP/2.0", REST.replace("{method}", "NEWMETHOD"), "", 405),
}


@pytest.mark.parametrize("case", ANSWERED)
async def test_what_is_wrong_is_answered(world: World, peer: Peer, case: str) -> None:
    line, rest, tail, code = ANSWERED[case]
    peer.send(message(7, peer.port, line, rest=rest, tail=tail))
    await peer.take(code)


async def test_a_strange_but_valid_invite_is_taken(world: World, peer: Peer) -> None:
    """Folded lines, compact names, odd spaces and cases, unknown headers, escapes: RFC 4475 section 3.1.1."""
    body = SDP.encode()
    head = (
        "INVITE sip:%68otline@127.0.0.1;unknownparam SIP/2.0\r\n"
        "TO :\r\n sip:hotline@example.com ;   tag    = \r\n".replace(";   tag    = ", "")
        + 'f : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
        "MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\n"
        f"Content-Length   : {len(body)}\r\ncseq: 0009\r\n  INVITE\r\n"
        f"Via  : SIP  /   2.0\r\n /UDP\r\n    127.0.0.1:{peer.port} ;branch = z9hG4bKodd\r\n"
        "s :\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nContent-Type: application/sdp\r\n"
        f'm:"Quoted string \\"\\"" <sip:jdrosen@127.0.0.1:{peer.port}> ; newparam =\r\n      newvalue ;'
        "\r\n  q = 0.33\r\n\r\n"
    )
    peer.send(head.encode() + body)
    arrived = await world.arrived()
    assert (arrived.called, arrived.raw_caller) == ("hotline", "jdrosen")
    world.do(commands.AnswerLeg(arrived.leg))
    await peer.take(200)


async def test_noise_breaks_nothing(world: World, peer: Peer) -> None:
    """Random cuts and flips of real messages, random bytes, keep-alives; then a call works as ever."""
    noise = random.Random(4475)
    whole = peer.request("INVITE", "sip:nobody@127.0.0.1", body=SDP).encode()
    for number in range(400):
        data = bytearray(whole)
        for _ in range(noise.randrange(1, 12)):
            data[noise.randrange(len(data))] = noise.randrange(256)
        peer.send(bytes(data[: noise.randrange(len(data))] if number % 2 else data))
    for junk in (
        b"",
        b"\r\n\r\n",
        b"\0" * 20,
        b"jaK",
        noise.randbytes(1400),
        b"SIP/2.0 abc\r\n\r\n",
        b"SIP/2.0\r\n\r\n",
    ):
        peer.send(junk)
    customer = await world.phone("1001")
    call, _ = await world.answered_call(customer)
    assert not call.over.is_set()


@pytest.mark.parametrize(
    "sdp",
    [
        "v=0\r\nm=audio x RTP/AVP 0\r\n",
        "m=audio 1 RTP/AVP\r\n",
        "garbage",
        SDP.replace("c=IN IP4 127.0.0.1\r\n", ""),
        SDP.replace("a=sendrecv", "a=rtpmap:x y/z"),
        SDP.replace("m=audio 40000", "m=audio 99999999"),
        "\xff\xfe\x00",
    ],
)
async def test_broken_sdp_never_gets_a_200(world: World, peer: Peer, sdp: str) -> None:
    peer.send(peer.request("INVITE", body=sdp).encode("latin-1"))
    await peer.take(488)
    assert world.line.legs() == []


async def test_broken_tcp_streams_are_cut_off_and_good_ones_reassembled(world: World) -> None:
    host, _, port = world.address.rpartition(":")
    for data in (b"INVITE sip:x SIP/2.0\r\nContent-Length: x\r\n\r\n", b"A" * 70_000, b"\r\n\r\n\r\n\r\n"):
        with socket.create_connection((host, int(port))) as client:
            client.sendall(data)
    customer = await world.phone("1001", transport="tcp")
    await world.answered_call(customer)


async def test_two_messages_in_one_segment_and_one_in_many(world: World) -> None:
    import asyncio

    host, _, port = world.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    text = "".join(
        f"OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{n}\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:c@d>\r\nCall-ID: {n}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 2\r\n\r\nxy"
        for n in range(3)
    )
    for start in range(0, len(text), 37):
        writer.write(text[start : start + 37].encode())
        await writer.drain()
    for _ in range(3):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 200 OK")
    writer.close()
    await writer.wait_closed()


async def test_nothing_is_left_behind(world: World) -> None:
    customer = await world.phone("1001")
    for _ in range(5):
        call, leg = await world.answered_call(customer)
        call.hang_up()
        await world.ended(leg)
    await until(lambda: world.line._agent._transactions.pending() == 0, "every transaction is forgotten")
    assert world.line._agent.sessions == 0
    assert len(world.reported.of(events.LegEnded)) == 5
