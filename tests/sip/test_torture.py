"""RFC 4475 at a real line, by UDP and by TCP: each message gets what the RFC says, and a good call works behind it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Phone
from tests.events import PATIENCE, until
from tests.sip.conftest import World, config, up
from tests.sip.test_registrar import challenge, registered
from tests.sip.torture import ALL, CALL, ESCAPED, NOTHING
from tests.sip.wire import SDP, Peer

UNMADE = ("clerr", "ncl", "mcl01")
"""By a stream nobody knows where such a message ends."""

LEFT = ("legs", "sip_sessions", "rtp_ports_used")


@pytest.fixture
async def peer(world: World) -> AsyncIterator[Peer]:
    await world.line.configure(config(numbers=("hotline", ESCAPED), version=1))
    peer = await Peer.open(world.address)
    yield peer
    peer.close()


async def still_works(world: World, peer: Peer) -> None:
    """A good call by the same socket, and behind it nothing is left."""
    leg, tag = await up(world, peer)
    peer.send(peer.request("BYE", to_tag=tag, cseq=2))
    await peer.take(200)
    await world.ended(leg)
    await until(lambda: not any(world.line.figures()[name] for name in LEFT), "nothing is left over")


@pytest.mark.parametrize("name", ALL)
async def test_by_udp(world: World, peer: Peer, name: str) -> None:
    case = ALL[name]
    peer.send(case.data(peer.port))
    if case.then == CALL:
        arrived = await world.arrived()
        world.do(commands.RefuseLeg(arrived.leg, 480))
        await peer.take(480)
    elif case.then != NOTHING:
        await peer.take(int(case.then))
    await still_works(world, peer)
    assert len(world.reported.of(events.CallArrived)) == 1 + (case.then == CALL)


async def test_all_at_once_are_forgotten(world: World, peer: Peer) -> None:
    for case in ALL.values():
        peer.send(case.data(peer.port))
    for _ in range(sum(case.then == CALL for case in ALL.values())):
        world.do(commands.RefuseLeg((await world.arrived()).leg, 480))
    await still_works(world, peer)
    await until(lambda: world.line.figures()["sip_transactions"] == 0, "every transaction is forgotten")


@pytest.mark.parametrize("name", ALL)
async def test_by_tcp(world: World, peer: Peer, name: str) -> None:
    """The same on a stream. `dblreq` is two requests there; what has no end that can be known ends the connection."""
    case = ALL[name]
    host, _, port = world.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with contextlib.closing(writer):
        writer.write(case.data(peer.port, "TCP"))
        if name == "clerr":
            writer.write_eof()
        calls = case.then == CALL or name == "dblreq"
        if calls:
            arrived = await world.arrived()
            world.do(commands.RefuseLeg(arrived.leg, 480))
        code = {CALL: 480, NOTHING: 0}.get(str(case.then)) if isinstance(case.then, str) else case.then
        async with asyncio.timeout(PATIENCE):
            if name in UNMADE:
                assert b"SIP/2.0 200" not in await reader.read()
            elif code:
                await reader.readuntil(f"SIP/2.0 {code} ".encode())
    await still_works(world, peer)
    assert len(world.reported.of(events.CallArrived)) == 1 + calls


@pytest.mark.parametrize("reason", ["= 2**3 * 5**2 но сто девяносто девять - простое", ""])
async def test_odd_reasons_are_no_matter(world: World, peer: Peer, reason: str) -> None:
    """3.1.1.12 and 3.1.1.13, as answers to a call of ours: 100 and 200 with a reason that says nothing."""
    await world.line.configure(config(phones=(Phone("desk", address=f"sip:desk@127.0.0.1:{peer.port}"),)))
    world.do(commands.DialLeg("out", phone="desk"))
    invite = await peer.take("INVITE")
    for code, body in ((100, ""), (180, ""), (200, SDP)):
        peer.answer(invite, code, body=body, reason=reason)
    await world.reported.next(events.LegAnswered, leg="out")
    await peer.take("ACK")
    world.do(commands.HangUpLeg("out"))
    peer.answer(await peer.take("BYE"), 200, reason=reason)
    assert (await world.ended("out")).outcome == "hung_up"


async def test_an_empty_branch_names_no_transaction(world: World, peer: Peer) -> None:
    """3.2.1: two requests with the bare magic cookie are two."""
    for number in (1, 2):
        text = ALL["badbranch"].data(peer.port).replace(b"Call-ID: ", b"Call-ID: %d" % number)
        peer.send(text)
        answer = await peer.take(200)
        assert (answer.headers.get_first("call-id") or "").startswith(str(number))


@pytest.mark.parametrize(
    ("contact", "known"),
    [
        ("sip:+1972@{me};unknownparam", "sip:+1972@{me}"),
        ("<sip:+1972@{me};unknownparam>", "sip:+1972@{me};unknownparam"),
        ("<sip:user@{me}?Route=%3Csip:sip.example.com%3E>", "sip:user@{me}?Route=%3Csip:sip.example.com%3E"),
    ],
)
async def test_a_contact_keeps_what_is_its_own(world: World, contact: str, known: str) -> None:
    """3.3.12 to 3.3.14: a parameter outside of the brackets is no part of the URI, one within is; so are headers."""
    peer = await Peer.open(world.address)
    nonce = await challenge(peer)
    me = f"127.0.0.1:{peer.port}"
    peer.send(await registered(peer, nonce, contact.replace("{me}", me)))
    answer = await peer.take(200)
    assert (answer.headers.get_first("contact") or "").startswith(f"<{known.replace('{me}', me)}>")
    peer.close()
