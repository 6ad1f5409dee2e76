"""RFC 3261 message by message, against a bare peer: duplicates, repeats, forks, routes, hold, crossing messages."""

import dataclasses

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Memory, SavedDialog
from callcenter.telephony.sipua.driver import SipuaLine
from tests.events import Reported, until
from tests.sip.conftest import World, config, up
from tests.sip.wire import SDP, Peer, tag_of


async def test_a_repeated_invite_arrives_once_and_gets_the_same_answer(world: World, peer: Peer) -> None:
    invite = peer.request("INVITE", body=SDP)
    peer.send(invite)
    leg = (await world.arrived()).leg
    world.do(commands.RingLeg(leg))
    first = tag_of(await peer.take(180))
    peer.send(invite)
    assert tag_of(await peer.take(180)) == first
    assert len(world.reported.of(events.CallArrived)) == 1


async def test_the_same_invite_by_two_ways_is_merged(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP))
    peer.send(peer.request("INVITE", body=SDP))
    await peer.take(482)
    assert len(world.reported.of(events.CallArrived)) == 1


async def test_a_200_is_repeated_until_its_ack(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP))
    leg = (await world.arrived()).leg
    world.do(commands.AnswerLeg(leg))
    tags = {tag_of(await peer.take(200)) for _ in range(3)}
    assert len(tags) == 1
    peer.send(peer.request("ACK", to_tag=tags.pop()))
    world.do(commands.HangUpLeg(leg))
    bye = await peer.take("BYE")
    peer.answer(bye, 200, tag="")


async def test_a_200_that_is_never_acknowledged_ends_with_bye(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP))
    leg = (await world.arrived()).leg
    world.do(commands.AnswerLeg(leg))
    await peer.take("BYE")
    ended = await world.ended(leg)
    assert (ended.outcome, ended.by) == ("lost", "line")


async def test_no_bye_before_the_ack(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP))
    leg = (await world.arrived()).leg
    world.do(commands.AnswerLeg(leg))
    tag = tag_of(await peer.take(200))
    world.do(commands.HangUpLeg(leg))
    await world.ended(leg)
    await peer.take(200)
    peer.send(peer.request("ACK", to_tag=tag))
    await peer.take("BYE")


async def test_a_refusal_is_repeated_until_its_ack(world: World, peer: Peer) -> None:
    invite = peer.request("INVITE", "sip:nobody@127.0.0.1", body=SDP, branch="z9hG4bKrefused")
    peer.send(invite)
    await peer.take(404)
    await peer.take(404)
    peer.send(peer.request("ACK", "sip:nobody@127.0.0.1", branch="z9hG4bKrefused"))


async def test_cancel_after_the_answer_changes_nothing(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP, branch="z9hG4bKcross"))
    leg = (await world.arrived()).leg
    world.do(commands.AnswerLeg(leg))
    tag = tag_of(await peer.take(200))
    peer.send(peer.request("CANCEL", branch="z9hG4bKcross"))
    await peer.take(200)
    peer.send(peer.request("ACK", to_tag=tag))
    assert world.line.legs() == [leg]


async def test_cancel_and_bye_of_nothing_get_481(world: World, peer: Peer) -> None:
    peer.send(peer.request("CANCEL"))
    await peer.take(481)
    peer.send(peer.request("BYE", to_tag="nothing"))
    await peer.take(481)


async def test_bye_before_our_answer_ends_the_invite_too(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP))
    leg = (await world.arrived()).leg
    world.do(commands.RingLeg(leg))
    tag = tag_of(await peer.take(180))
    peer.send(peer.request("BYE", cseq=2, to_tag=tag))
    seen = {(await peer.inbox.get()).headers.get_first("cseq") for _ in range(2)}
    assert seen == {"1 INVITE", "2 BYE"}
    assert (await world.ended(leg)).by == "remote"


async def test_an_offer_without_our_codecs_gets_488_and_is_recorded(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP.replace("0 8", "18")))
    await peer.take(488)
    arrived = await world.arrived()
    assert (await world.ended(arrived.leg)).code == 488
    assert world.line.legs() == []


@pytest.mark.parametrize("media", ["RTP/SAVP 0 8", "UDP/TLS/RTP/SAVPF 0", "TCP 0"])
async def test_encrypted_media_is_refused_not_ignored(world: World, peer: Peer, media: str) -> None:
    peer.send(peer.request("INVITE", body=SDP.replace("RTP/AVP 0 8", media)))
    await peer.take(488)


async def test_an_invite_without_sdp_gets_our_offer(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE"))
    leg = (await world.arrived()).leg
    world.do(commands.AnswerLeg(leg))
    answer = await peer.take(200)
    assert "PCMA/8000" in answer.text
    assert "telephone-event/8000" in answer.text
    peer.send(peer.request("ACK", to_tag=tag_of(answer), body=SDP))
    await until(lambda: world.line._legs[leg]._remote is not None, "the answer in the ACK counts")


async def test_video_beside_audio_is_refused_alone(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP + "m=video 40002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"))
    world.do(commands.AnswerLeg((await world.arrived()).leg))
    answer = await peer.take(200)
    assert "m=video 0 RTP/AVP 96" in answer.text
    assert "m=audio 0" not in answer.text


@pytest.mark.parametrize(
    ("theirs", "ours"), [("sendonly", "recvonly"), ("inactive", "inactive"), ("recvonly", "sendonly")]
)
async def test_hold_and_resume_by_reinvite(world: World, peer: Peer, theirs: str, ours: str) -> None:
    leg, tag = await up(world, peer)
    for cseq, direction, expected in ((2, theirs, ours), (3, "sendrecv", "sendrecv")):
        peer.send(peer.request("INVITE", cseq=cseq, to_tag=tag, body=SDP.replace("sendrecv", direction)))
        answer = await peer.take(200)
        assert f"a={expected}" in answer.text
        peer.send(peer.request("ACK", cseq=cseq, to_tag=tag))
    assert world.line.legs() == [leg]


async def test_a_reinvite_that_cannot_be_taken_leaves_the_call(world: World, peer: Peer) -> None:
    leg, tag = await up(world, peer)
    peer.send(peer.request("INVITE", cseq=2, to_tag=tag, body=SDP.replace("0 8", "18"), branch="z9hG4bKno"))
    await peer.take(488)
    peer.send(peer.request("ACK", cseq=2, to_tag=tag, branch="z9hG4bKno"))
    peer.send(peer.request("UPDATE", cseq=3, to_tag=tag, body=SDP.replace("0 8", "18")))
    await peer.take(488)
    peer.send(peer.request("UPDATE", cseq=4, to_tag=tag, body=SDP))
    await peer.take(200)
    assert world.line.legs() == [leg]


async def test_an_old_cseq_in_dialog_gets_500(world: World, peer: Peer) -> None:
    _, tag = await up(world, peer)
    peer.send(peer.request("INFO", cseq=9, to_tag=tag))
    await peer.take(415)
    peer.send(peer.request("INFO", cseq=8, to_tag=tag))
    await peer.take(500)


async def test_requests_of_other_kinds(world: World, peer: Peer) -> None:
    peer.send(peer.request("OPTIONS"))
    assert "INVITE" in ((await peer.take(200)).headers.get("allow"))
    for method in ("MESSAGE", "SUBSCRIBE", "PUBLISH", "FOO"):
        peer.call_id += method
        peer.send(peer.request(method))
        assert (await peer.take(405)).headers.get("allow")
    peer.send(peer.request("INVITE", body=SDP, extra="Require: precondition\r\n", cseq=5))
    assert (await peer.take(420)).headers.get("unsupported") == ["precondition"]
    leg, tag = await up(world, peer)
    peer.send(peer.request("OPTIONS", cseq=7, to_tag=tag))
    await peer.take(200)
    assert world.line.legs() == [leg]


async def test_requests_follow_the_route_set(world: World, peer: Peer) -> None:
    route = f"Record-Route: <sip:127.0.0.1:{peer.port};lr;n=1>, <sip:192.0.2.1;lr>\r\n"
    peer.send(peer.request("INVITE", body=SDP, extra=route))
    leg = (await world.arrived()).leg
    world.do(commands.AnswerLeg(leg))
    answer = await peer.take(200)
    assert len(answer.headers.get("record-route")) == 2
    peer.send(peer.request("ACK", to_tag=tag_of(answer)))
    world.do(commands.HangUpLeg(leg))
    bye = await peer.take("BYE")
    assert bye.headers.get("route") == [f"<sip:127.0.0.1:{peer.port};lr;n=1>", "<sip:192.0.2.1;lr>"]


async def test_a_placed_call_follows_the_route_set_of_its_200(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    route = f"Record-Route: <sip:192.0.2.1;lr>\nRecord-Route: <sip:127.0.0.1:{peer.port};lr>"
    peer.answer(invite, 200, body=SDP, extra=route)
    ack = await peer.take("ACK")
    assert ack.headers.get("route") == [f"<sip:127.0.0.1:{peer.port};lr>", "<sip:192.0.2.1;lr>"]
    assert ack.headers.get_first("cseq") == "1 ACK"
    peer.answer(invite, 200, body=SDP, extra=route)
    await peer.take("ACK")


async def test_another_forks_200_is_acknowledged_and_ended(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    peer.answer(invite, 180, tag="one")
    peer.answer(invite, 180, tag="two")
    peer.answer(invite, 200, tag="one", body=SDP)
    await peer.take("ACK")
    peer.answer(invite, 200, tag="two", body=SDP)
    assert tag_of(await peer.take("ACK")) == "two"
    assert tag_of(await peer.take("BYE")) == "two"
    assert world.line.legs() == ["leg"]


async def test_a_200_that_crosses_our_cancel_is_acknowledged_and_ended(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    peer.answer(invite, 180)
    await world.reported.next(events.LegRinging)
    world.do(commands.HangUpLeg("leg"))
    await peer.take("CANCEL")
    peer.answer(invite, 200, body=SDP)
    await peer.take("ACK")
    peer.answer(await peer.take("BYE"), 200, tag="")
    assert (await world.ended("leg")).outcome == "cancelled"
    assert len(world.reported.of(events.LegAnswered)) == 0


async def test_cancel_waits_for_the_first_answer(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    world.do(commands.HangUpLeg("leg"))
    peer.answer(invite, 100)
    cancel = await peer.take("CANCEL")
    assert cancel.headers.get("via") == invite.headers.get("via")
    peer.answer(cancel, 200)
    peer.answer(invite, 487)
    await peer.take("ACK")


async def test_a_refusal_is_acknowledged_each_time(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    for _ in range(2):
        peer.answer(invite, 486)
        await peer.take("ACK")
    assert (await world.ended("leg")).outcome == "busy"


async def test_nobody_answers_the_invite(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    for _ in range(3):
        await peer.take("INVITE")
    ended = await world.ended("leg")
    assert (ended.outcome, ended.fault, ended.retry) == ("unreachable", "network", True)


async def test_a_line_that_comes_back_ends_what_it_lost(world: World, peer: Peer) -> None:
    saved: dict[str, SavedDialog] = {}
    world.memory.save_dialog = lambda dialog: saved.__setitem__(dialog.leg, dialog)
    leg, _ = await up(world, peer)
    await until(lambda: leg in saved)
    again = SipuaLine(dataclasses.replace(world.line._options, port=0, rtp_ports=(24000, 24099)))
    dropped: list[str] = []
    await again.start(Reported(), config(), Memory(dialogs=[saved[leg]], drop_dialog=dropped.append))
    bye = await peer.take("BYE")
    assert bye.headers.get_first("call-id") == peer.call_id
    assert tag_of(bye) == "peer"
    assert dropped == [leg]
    await again.stop()
