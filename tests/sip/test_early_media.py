"""Audio before the answer, both ways (RFC 3960): prompts to a caller, a far end's own voice, forks."""

from callcenter import commands, events
from tests.events import until
from tests.sip.conftest import World
from tests.sip.wire import SDP, Peer, tag_of

ELSEWHERE = SDP.replace("40000", "40010")


async def test_a_caller_hears_a_prompt_and_is_refused(world: World) -> None:
    phone = await world.phone("+8613800138000")
    call = phone.call("hotline")
    leg = (await world.arrived()).leg
    world.do(commands.ProgressLeg(leg))
    await until(call.in_early_media.is_set)
    world.do(commands.PlayPrompts(leg, "closed", ("tone:620:3000",), loop=True))
    await until(lambda: call.voice.loudest() == 620, "the tone is heard before any answer")
    assert not call.up.is_set()
    world.do(commands.RefuseLeg(leg, 480))
    await until(call.over.is_set)
    assert call.ending
    assert call.ending.code == 480


async def test_the_200_repeats_the_answer_of_the_183(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE", body=SDP))
    leg = (await world.arrived()).leg
    world.do(commands.ProgressLeg(leg))
    early = await peer.take(183)
    world.do(commands.AnswerLeg(leg))
    answer = await peer.take(200)
    assert early.body == answer.body
    assert tag_of(early) == tag_of(answer)


async def test_a_caller_without_an_offer_has_no_early_media(world: World, peer: Peer) -> None:
    peer.send(peer.request("INVITE"))
    leg = (await world.arrived()).leg
    world.do(commands.ProgressLeg(leg))
    assert (await world.reported.next(events.CommandRefused)).code == "wrong_state"
    world.do(commands.AnswerLeg(leg))
    await peer.take(200)


async def test_a_placed_call_is_heard_before_its_answer(world: World) -> None:
    customer = await world.phone("+8613800138000", tone=440)
    call, leg = await world.answered_call(customer)
    anna = await world.phone("anna", "a-secret", tone=700)
    anna.answer_after = None
    anna.on_call = lambda one: one.progress()
    world.do(commands.DialLeg("out", phone="anna"))
    await world.reported.next(events.LegRinging, leg="out", early=True)
    world.do(commands.BridgeLegs(leg, "out"))
    await until(lambda: call.voice.loudest() == 700, "the far end is heard before it answers")
    assert world.reported.of(events.LegAnswered, leg="out") == []
    anna.incoming[0].answer()
    await world.reported.next(events.LegAnswered, leg="out")
    await until(lambda: anna.incoming[0].voice.loudest() == 440, "both hear each other behind the answer")
    assert call.voice.loudest() == 700


def port(world: World) -> int:
    """Where the placed leg's audio goes."""
    remote = world.line._legs["leg"]._remote
    return remote.port if remote else 0


async def test_the_latest_fork_is_heard_and_the_winner_counts(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    peer.answer(invite, 180, tag="one")
    await world.reported.next(events.LegRinging, leg="leg", early=False)
    peer.answer(invite, 183, tag="one", body=SDP)
    await world.reported.next(events.LegRinging, leg="leg", early=True)
    peer.answer(invite, 183, tag="two", body=ELSEWHERE)
    await until(lambda: port(world) == 40010, "the latest early dialog is heard")
    peer.answer(invite, 200, tag="one", body=SDP.replace("40000", "40020"))
    await peer.take("ACK")
    await world.reported.next(events.LegAnswered, leg="leg")
    await until(lambda: port(world) == 40020, "the answer's own SDP counts")
    peer.answer(invite, 183, tag="two", body=ELSEWHERE)
    assert len(world.reported.of(events.LegRinging)) == 2


async def test_a_200_without_sdp_keeps_what_came_before(world: World, peer: Peer) -> None:
    world.do(commands.DialLeg("leg", phone="desk"))
    invite = await peer.take("INVITE")
    peer.answer(invite, 183, body=SDP)
    await world.reported.next(events.LegRinging, leg="leg", early=True)
    peer.answer(invite, 200)
    await peer.take("ACK")
    await world.reported.next(events.LegAnswered, leg="leg")
    assert world.line.legs() == ["leg"]
