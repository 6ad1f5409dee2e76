"""Calls that a 3xx sends elsewhere (RFC 3261 section 8.1.3.4), and reliable provisional answers (RFC 3262, RFC 6228)."""

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Phone
from tests.events import until
from tests.sip.conftest import World, config
from tests.sip.wire import SDP, Peer, tag_of


def to(peer: Peer, user: str, more: str = "") -> str:
    return f"Contact: <sip:{user}@127.0.0.1:{peer.port}>{more}"


async def test_a_phone_that_forwards_is_followed_by_the_same_leg(world: World) -> None:
    bert = await world.phone("bert", "b-secret")
    anna = await world.phone("anna", "a-secret")
    anna.forward_to = "sip:bert@callcenter"
    world.do(commands.DialLeg("leg", phone="anna"))
    await world.reported.next(events.LegAnswered, leg="leg")
    assert len(bert.incoming) == 1
    assert world.reported.of(events.LegEnded) == []


async def test_forwarding_in_a_circle_ends(world: World) -> None:
    bert = await world.phone("bert", "b-secret")
    anna = await world.phone("anna", "a-secret")
    anna.forward_to, bert.forward_to = "sip:bert@callcenter", "sip:anna@callcenter"
    world.do(commands.DialLeg("leg", phone="anna"))
    ended = await world.ended("leg")
    assert (ended.outcome, ended.code) == ("failed", 302)
    assert len(anna.incoming) == len(bert.incoming) == 1


@pytest.mark.parametrize("code", [300, 301, 302])
async def test_contacts_are_rung_by_their_weight(world: World, peer: Peer, code: int) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    first = await peer.take("INVITE")
    more = "\n".join((to(peer, "second", ";q=0.2"), to(peer, "first", ";q=0.9")))
    peer.answer(first, code, extra=more, contact=False)
    for user, answer in (("first", 486), ("second", 200)):
        invite = await peer.take("INVITE")
        assert f"sip:{user}@127.0.0.1" in (invite.headers.get_first("to") or "")
        assert invite.headers.get_first("call-id") != first.headers.get_first("call-id")
        peer.answer(invite, answer, body=SDP if answer == 200 else "")
    await world.reported.next(events.LegAnswered, leg="leg")


async def test_no_more_than_five_are_followed(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    for number in range(6):
        peer.answer(await peer.take("INVITE"), 302, extra=to(peer, f"next{number}"), contact=False)
        await peer.take("ACK")
    assert (await world.ended("leg")).code == 302
    while not peer.inbox.empty():
        assert (peer.inbox.get_nowait().headers.get_first("cseq") or "").endswith(("ACK", "INVITE"))
    assert world.reported.of(events.LegAnswered) == []


@pytest.mark.parametrize(
    ("code", "where"),
    [
        (302, "sip:+15550100@127.0.0.1:5999"),
        (302, "sip:x@192.0.2.7"),
        (305, "sip:x@127.0.0.1:5999"),
        (302, ""),
        (302, "*"),
        (302, "sip:"),
        (302, "sip:a@[::"),
    ],
)
async def test_what_is_not_allowed_is_not_followed(world: World, peer: Peer, code: int, where: str) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    extra = f"Contact: <{where}>" if where else ""
    peer.answer(await peer.take("INVITE"), code, extra=extra, contact=False)
    ended = await world.ended("leg")
    assert (ended.outcome, ended.code) == ("failed", code)


async def test_forwarding_stops_when_the_leg_is_given_up(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    peer.answer(invite, 180)
    await world.reported.next(events.LegRinging)
    world.do(commands.HangUpLeg("leg"))
    await peer.take("CANCEL")
    peer.answer(invite, 302, extra=to(peer, "next"), contact=False)
    await peer.take("ACK")
    assert (await world.ended("leg")).outcome == "cancelled"
    assert world.line.legs() == []


async def test_a_reliable_answer_is_acknowledged_in_turn(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    assert {"100rel", "199"} <= set(invite.headers.get("supported"))
    peer.answer(invite, 183, body=SDP, extra="Require: 100rel\nRSeq: 7")
    prack = await peer.take("PRACK")
    assert prack.headers.get_first("rack") == "7 1 INVITE"
    assert prack.headers.get_first("cseq") == "2 PRACK"
    peer.answer(prack, 200, tag="")
    await world.reported.next(events.LegRinging, early=True)
    peer.answer(invite, 180, extra="Require: 100rel\nRSeq: 9")
    peer.answer(invite, 180, extra="Require: 100rel\nRSeq: 7")
    peer.answer(invite, 180, extra="Require: 100rel\nRSeq: 8")
    assert (await peer.take("PRACK")).headers.get_first("rack") == "8 1 INVITE"
    peer.answer(invite, 200)
    ack = await peer.take("ACK")
    assert ack.headers.get_first("cseq") == "1 ACK"
    await world.reported.next(events.LegAnswered)
    world.do(commands.HangUpLeg("leg"))
    assert (await peer.take("BYE")).headers.get_first("cseq") == "4 BYE"


async def test_a_fork_that_ended_is_heard_no_more(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    peer.answer(invite, 183, tag="one", body=SDP)
    await world.reported.next(events.LegRinging, early=True)
    peer.answer(invite, 183, tag="two", body=SDP.replace("40000", "40010"))
    await until(lambda: _port(world) == 40010)
    peer.answer(invite, 199, tag="two")
    await until(lambda: _port(world) == 40000)


def _port(world: World) -> int:
    remote = world.line._legs["leg"]._remote
    return remote.port if remote else 0


@pytest.mark.parametrize("method", ["Require", "Supported"])
async def test_our_183_is_repeated_until_its_prack_and_the_200_waits(
    world: World, peer: Peer, method: str
) -> None:
    peer.send(peer.request("INVITE", body=SDP, extra=f"{method}: 100rel\r\n"))
    leg = (await world.arrived()).leg
    world.do(commands.ProgressLeg(leg))
    early = await peer.take(183)
    rseq = early.headers.get_first("rseq")
    assert early.headers.get("require") == ["100rel"]
    assert (await peer.take(183)).headers.get_first("rseq") == rseq
    world.do(commands.AnswerLeg(leg))
    assert world.reported.of(events.LegAnswered) == []
    tag = tag_of(early)
    peer.send(peer.request("PRACK", cseq=2, to_tag=tag, extra=f"RAck: {int(rseq or 0) + 1} 1 INVITE\r\n"))
    await peer.take(481)
    prack = peer.request("PRACK", cseq=3, to_tag=tag, extra=f"RAck: {rseq} 1 INVITE\r\n")
    peer.send(prack)
    peer.send(prack)
    assert (await peer.take(200)).headers.get_first("cseq") == "3 PRACK"
    seen = [(await peer.take(200)).headers.get_first("cseq") for _ in range(2)]
    assert "1 INVITE" in seen
    await world.reported.next(events.LegAnswered)


async def test_a_ringing_that_must_arrive_and_does_not(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP, extra="Require: 100rel\r\n", branch="z9hG4bKreliable"))
    leg = (await world.arrived()).leg
    world.do(commands.RingLeg(leg))
    assert (await peer.take(180)).headers.get_first("rseq")
    await peer.take(504)
    peer.send(peer.request("ACK", branch="z9hG4bKreliable"))
    assert (await world.ended(leg)).outcome == "lost"


async def test_a_reliable_ringing_does_not_hold_the_answer_up(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP, extra="Require: 100rel\r\n"))
    leg = (await world.arrived()).leg
    world.do(commands.RingLeg(leg))
    world.do(commands.AnswerLeg(leg))
    await peer.take(200)
    await world.reported.next(events.LegAnswered)


async def test_a_phone_forwards_no_call_to_a_barred_number(world: World, peer: Peer) -> None:
    phones = (Phone("desk", address=f"sip:desk@127.0.0.1:{peer.port}"),)
    await world.line.configure(config(phones=phones, destinations=()))
    world.do(commands.DialLeg("leg", phone="desk"))
    peer.answer(
        await peer.take("INVITE"), 302, extra="Contact: <sip:+8613900139000@127.0.0.1>", contact=False
    )
    assert (await world.ended("leg")).code == 302
