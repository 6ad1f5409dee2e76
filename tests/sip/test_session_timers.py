"""RFC 4028: who refreshes, 422, and calls that end because nobody does; re-INVITEs of ours and their glare."""

import pytest

from callcenter import commands, events
from callcenter.telephony.sipua.driver import Options
from callcenter.telephony.sipua.expiry import Lasting
from tests.sip.conftest import QUICK, World, up
from tests.sip.wire import SDP, Peer, tag_of

HELD = SDP.replace("sendrecv", "sendonly")


@pytest.fixture
def options() -> Options:
    return Options(rtp_ports=(21000, 21999), timers=QUICK, lasting=Lasting(lasts=4, least=2, probe=0.2))


async def placed(world: World, peer: Peer, extra: str = "") -> str:
    """A call that we placed and the peer answered: our tag."""
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    assert invite.headers.get_first("session-expires") == "4"
    assert "timer" in invite.headers.get("supported")
    peer.answer(invite, 200, body=SDP, extra=extra)
    await peer.take("ACK")
    await world.reported.next(events.LegAnswered, leg="leg")
    return tag_of(invite, "from")


async def test_an_interval_too_short_gets_422(world: World, peer: Peer) -> None:
    short = "Supported: timer\r\nSession-Expires: 1\r\n"
    peer.send(peer.request("INVITE", body=SDP, extra=short, branch="z9hG4bKshort"))
    assert (await peer.take(422)).headers.get_first("min-se") == "2"
    peer.send(peer.request("ACK", branch="z9hG4bKshort"))
    peer.send(peer.request("INVITE", cseq=2, body=SDP, extra="Session-Expires: 1\r\n"))
    world.do(commands.AnswerLeg((await world.arrived()).leg))
    assert (await peer.take(200)).headers.get_first("session-expires") == "2;refresher=uas"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("", "4;refresher=uas"),
        ("Supported: timer\r\nSession-Expires: 3;refresher=uac\r\n", "3;refresher=uac"),
        ("Supported: timer\r\nx: 9;refresher=uas\r\n", "4;refresher=uas"),
        ("Supported: timer\r\nSession-Expires: 9\r\nMin-SE: 7\r\n", "7;refresher=uas"),
        ("Session-Expires: 3;refresher=uac\r\n", "3;refresher=uas"),
    ],
)
async def test_what_our_answer_says(world: World, peer: Peer, extra: str, said: str) -> None:
    peer.send(peer.request("INVITE", body=SDP, extra=extra))
    world.do(commands.AnswerLeg((await world.arrived()).leg))
    answer = await peer.take(200)
    assert answer.headers.get_first("session-expires") == said
    assert ("timer" in answer.headers.get("require")) == said.endswith("uac")


async def test_a_session_that_nobody_refreshes_ends(world: World, peer: Peer) -> None:
    peer.send(
        peer.request("INVITE", body=SDP, extra="Supported: timer\r\nSession-Expires: 2;refresher=uac\r\n")
    )
    leg = (await world.arrived()).leg
    world.do(commands.AnswerLeg(leg))
    tag = tag_of(await peer.take(200))
    peer.send(peer.request("ACK", to_tag=tag))
    peer.send(peer.request("UPDATE", cseq=2, to_tag=tag, extra="Session-Expires: 2;refresher=uac\r\n"))
    await peer.take(200)
    await peer.take("BYE")
    ended = await world.ended(leg)
    assert (ended.outcome, ended.by, ended.fault) == ("lost", "line", "network")


async def test_we_refresh_by_update(world: World, peer: Peer) -> None:
    await placed(world, peer, "Allow: INVITE, ACK, BYE, UPDATE\nSession-Expires: 2;refresher=uac")
    for _ in range(2):
        update = await peer.take("UPDATE")
        assert update.headers.get_first("session-expires") == "2;refresher=uac"
        assert not update.body
        peer.answer(update, 200, tag="", extra="Session-Expires: 2;refresher=uac")
    assert world.line.legs() == ["leg"]


async def test_we_refresh_by_reinvite_and_come_back_after_glare(world: World, peer: Peer) -> None:
    tag = await placed(world, peer, "Session-Expires: 60;refresher=uac")
    session = world.line._legs["leg"].session
    assert session
    session.refresh()
    again = await peer.take("INVITE")
    # Theirs crosses ours: both are told to wait.
    peer.call_id = again.headers.get_first("call-id") or ""
    peer.send(peer.request("INVITE", cseq=1, to_tag=tag, body=SDP))
    await peer.take(491)
    peer.answer(again, 491, tag="")
    await peer.take("ACK")
    again = await peer.take("INVITE")
    peer.answer(again, 200, tag="", body=SDP, extra="Session-Expires: 60;refresher=uac")
    ack = await peer.take("ACK")
    assert ack.headers.get_first("cseq") == (again.headers.get_first("cseq") or "").replace("INVITE", "ACK")
    peer.answer(again, 200, tag="", body=SDP)
    await peer.take("ACK")
    assert world.line.legs() == ["leg"]


@pytest.mark.parametrize(("code", "stays"), [(481, False), (500, True), (422, True)])
async def test_what_a_refused_reinvite_does(world: World, peer: Peer, code: int, stays: bool) -> None:
    await placed(world, peer, "Session-Expires: 4;refresher=uac")
    peer.answer(await peer.take("INVITE"), code, tag="", extra="Min-SE: 60")
    await peer.take("ACK")
    if stays:
        if code == 422:
            longer = await peer.take("INVITE")
            assert longer.headers.get_first("session-expires") == "60;refresher=uac"
            assert longer.headers.get_first("min-se") == "60"
        assert world.line.legs() == ["leg"]
    else:
        await peer.take("BYE")
        assert (await world.ended("leg")).outcome == "lost"


async def test_a_422_to_our_invite_is_tried_again_for_longer(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    peer.answer(invite, 422, extra="Min-SE: 120")
    await peer.take("ACK")
    longer = await peer.take("INVITE")
    assert longer.headers.get_first("call-id") == invite.headers.get_first("call-id")
    assert longer.headers.get_first("session-expires") == "120"
    peer.answer(longer, 422, extra="Min-SE: 120")
    assert (await world.ended("leg")).code == 422


async def test_one_that_holds_us_is_asked_whether_it_lives(world: World, peer: Peer) -> None:
    leg, tag = await up(world, peer)
    peer.send(peer.request("INVITE", cseq=2, to_tag=tag, body=HELD))
    await peer.take(200)
    peer.send(peer.request("ACK", cseq=2, to_tag=tag))
    assert (await world.reported.next(events.LegHeld)).held
    for _ in range(2):
        peer.answer(await peer.take("OPTIONS"), 200, tag="")
    ended = await world.ended(leg)
    assert (ended.outcome, ended.by) == ("lost", "line")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_hold_is_reported_once_a_change(world: World, peer: Peer, method: str) -> None:
    leg, tag = await up(world, peer)
    held = [HELD, HELD, SDP.replace("IP4 127.0.0.1\r\nt=", "IP4 0.0.0.0\r\nt="), SDP, SDP, HELD]
    for cseq, body in enumerate(held, 2):
        peer.send(peer.request(method, cseq=cseq, to_tag=tag, body=body))
        await peer.take(200)
        if method == "INVITE":
            peer.send(peer.request("ACK", cseq=cseq, to_tag=tag))
    assert [event.held for event in world.reported.of(events.LegHeld)] == [True, False, True]
    assert {event.leg for event in world.reported.of(events.LegHeld)} == {leg}


async def test_a_request_that_comes_late_changes_nothing(world: World, peer: Peer) -> None:
    _, tag = await up(world, peer)
    held = peer.request("UPDATE", cseq=3, to_tag=tag, body=HELD)
    peer.send(held)
    await peer.take(200)
    peer.send(held)
    await peer.take(200)
    peer.send(peer.request("UPDATE", cseq=2, to_tag=tag, body=SDP))
    await peer.take(500)
    assert [event.held for event in world.reported.of(events.LegHeld)] == [True]


async def test_an_update_before_any_answer_waits(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP))
    leg = (await world.arrived()).leg
    world.do(commands.RingLeg(leg))
    tag = tag_of(await peer.take(180))
    peer.send(peer.request("UPDATE", cseq=2, to_tag=tag, body=SDP))
    assert (await peer.take(500)).headers.get_first("retry-after")
    world.do(commands.ProgressLeg(leg))
    await peer.take(183)
    peer.send(peer.request("UPDATE", cseq=3, to_tag=tag, body=HELD))
    assert "a=recvonly" in (await peer.take(200)).text
