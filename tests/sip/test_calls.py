"""Calls in and out with real SIP and RTP on loopback: signalling, audio by frequency, keys, every way to end."""

import asyncio

import pytest

from callcenter import commands, events
from tests.events import until
from tests.sip.conftest import World


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_caller_is_answered_hears_a_prompt_and_hangs_up(world: World, transport: str) -> None:
    customer = await world.phone("+8613800138000", transport=transport, name="王芳")
    call = customer.call("hotline")
    arrived = await world.arrived()
    assert (arrived.caller, arrived.called, arrived.caller_name) == ("+8613800138000", "hotline", "王芳")
    world.do(commands.RingLeg(arrived.leg))
    await until(call.ringing.is_set)
    world.do(commands.AnswerLeg(arrived.leg))
    await until(call.up.is_set)
    world.do(commands.PlayPrompts(arrived.leg, "greeting", ("tone:1000:600",)))
    await until(lambda: call.voice.loudest(0.2) == 1000, "the caller hears the prompt")
    assert (await world.reported.next(events.PromptFinished)).play == "greeting"
    call.hang_up()
    ended = await world.ended(arrived.leg)
    assert (ended.outcome, ended.by, ended.fault) == ("hung_up", "remote", "nobody")
    assert world.line.legs() == []


@pytest.mark.parametrize("payloads", [(8,), (0,), (0, 8)])
async def test_both_sides_of_a_bridge_hear_each_other(world: World, payloads: tuple[int, ...]) -> None:
    agent = await world.phone("anna", "a-secret", tone=700)
    customer = await world.phone("+8613800138000", tone=440, payloads=payloads)
    call, leg = await world.answered_call(customer)
    world.do(commands.DialLeg("agent-leg", phone="anna", caller="+8613800138000", caller_name="Wang"))
    await world.reported.next(events.LegRinging, leg="agent-leg")
    await world.reported.next(events.LegAnswered, leg="agent-leg")
    assert agent.incoming[0].caller == "+8613800138000"
    world.do(commands.BridgeLegs(leg, "agent-leg"))
    await world.reported.next(events.LegsBridged)
    await until(lambda: call.voice.loudest() == 700, "the customer hears the agent")
    await until(lambda: agent.incoming[0].voice.loudest() == 440, "the agent hears the customer")
    world.do(commands.MuteLeg("agent-leg", True))
    await until(lambda: call.voice.loudest() == 0, "a muted agent is silent")
    world.do(commands.UnbridgeLegs(leg))
    await until(lambda: agent.incoming[0].voice.loudest() == 0, "parted legs are silent")
    agent.incoming[0].hang_up()
    assert (await world.ended("agent-leg")).by == "remote"
    world.do(commands.HangUpLeg(leg))
    await until(call.over.is_set)
    assert (await world.ended(leg)).by == "us"


async def test_keys_by_rtp_and_by_info_are_heard_once_each(world: World) -> None:
    customer = await world.phone("1001")
    call, leg = await world.answered_call(customer)
    for keys, method in (("42#", "rtp"), ("7", "info"), ("*", "info_plain")):
        call.press(keys, method)
        for key in keys:
            pressed = await world.reported.next(events.DigitPressed, leg=leg)
            assert (pressed.digit, pressed.method) == (key, method.split("_")[0])


async def test_keys_are_sent_by_rtp_or_by_info_as_negotiated(world: World) -> None:
    by_rtp, by_info = await world.phone("1001"), await world.phone("1002", dtmf=False)
    first, leg = await world.answered_call(by_rtp)
    world.do(commands.SendDigits(leg, "19"))
    await until(lambda: first.voice.keys == "19", "RFC 4733")
    second, leg = await world.answered_call(by_info)
    world.do(commands.SendDigits(leg, "28"))
    await until(lambda: second.info_keys == "28", "INFO")


async def test_the_caller_gives_up_before_the_answer(world: World) -> None:
    call = (await world.phone("1001")).call("hotline")
    arrived = await world.arrived()
    world.do(commands.RingLeg(arrived.leg))
    await until(call.ringing.is_set)
    call.hang_up()
    ended = await world.ended(arrived.leg)
    assert (ended.outcome, ended.by, ended.fault) == ("cancelled", "remote", "caller")
    world.do(commands.AnswerLeg(arrived.leg))
    assert (await world.reported.next(events.CommandRefused)).code == "no_such_leg"


async def test_a_call_is_refused(world: World) -> None:
    call = (await world.phone("1001")).call("hotline")
    arrived = await world.arrived()
    world.do(commands.RefuseLeg(arrived.leg, 486, "All busy"))
    await until(call.over.is_set)
    assert call.ending
    assert (call.ending.code, call.ending.reason) == (486, "All busy")
    assert (await world.ended(arrived.leg)).outcome == "refused"


async def test_an_unknown_number_gets_404_and_no_event(world: World) -> None:
    call = (await world.phone("1001")).call("nobody")
    await until(call.over.is_set)
    assert call.ending
    assert call.ending.code == 404
    assert world.reported.of(events.CallArrived) == []


@pytest.mark.parametrize(
    ("code", "outcome", "retry"),
    [
        (486, "busy", True),
        (603, "refused", False),
        (404, "unreachable", False),
        (480, "unreachable", True),
        (500, "failed", True),
    ],
)
async def test_a_phone_refuses(world: World, code: int, outcome: str, retry: bool) -> None:
    agent = await world.phone("anna", "a-secret")
    agent.refuse_with = code
    world.do(commands.DialLeg("leg", phone="anna"))
    ended = await world.ended("leg")
    assert (ended.outcome, ended.code, ended.retry, ended.by) == (outcome, code, retry, "remote")


async def test_nobody_answers_the_phone(world: World) -> None:
    agent = await world.phone("anna", "a-secret")
    agent.answer_after = None
    world.do(commands.DialLeg("leg", phone="anna", timeout=0.3))
    await world.reported.next(events.LegRinging, leg="leg")
    ended = await world.ended("leg")
    assert (ended.outcome, ended.by, ended.fault) == ("no_answer", "line", "called")
    await until(agent.incoming[0].over.is_set, "the phone stops ringing")
    assert agent.incoming[0].ending
    assert agent.incoming[0].ending.how == "cancel"


async def test_a_placed_call_is_withdrawn_while_it_rings(world: World) -> None:
    agent = await world.phone("anna", "a-secret")
    agent.answer_after = None
    world.do(commands.DialLeg("leg", phone="anna"))
    await world.reported.next(events.LegRinging, leg="leg")
    world.do(commands.HangUpLeg("leg"))
    assert (await world.ended("leg")).outcome == "cancelled"
    await until(agent.incoming[0].over.is_set)


async def test_the_same_leg_is_dialled_once(world: World) -> None:
    agent = await world.phone("anna", "a-secret")
    for _ in range(3):
        world.do(commands.DialLeg("leg", phone="anna"))
    await world.reported.next(events.LegAnswered, leg="leg")
    world.do(commands.HangUpLeg("leg"))
    await world.ended("leg")
    world.do(commands.DialLeg("leg", phone="anna"))
    await until(agent.incoming[0].over.is_set)
    assert len(agent.incoming) == 1


async def test_a_phone_that_is_not_there_and_a_number_that_is_not_allowed(world: World) -> None:
    for command, code in (
        (commands.DialLeg("a", phone="anna"), "no_phone"),
        (commands.DialLeg("b", number="+15550001"), "not_allowed"),
        (commands.DialLeg("c", number="+8613800138000"), "no_trunk"),
    ):
        world.do(command)
        assert (await world.reported.next(events.CommandRefused, leg=command.leg)).code == code


async def test_all_contacts_of_a_phone_ring_and_the_first_answer_wins(world: World) -> None:
    desk, mobile = await world.phone("anna", "a-secret"), await world.phone("anna", "a-secret")
    desk.answer_after = None
    mobile.answer_after = 0.2
    world.do(commands.DialLeg("leg", phone="anna"))
    await world.reported.next(events.LegAnswered, leg="leg")
    await until(lambda: desk.incoming and desk.incoming[0].over.is_set(), "the other contact stops ringing")
    assert mobile.incoming[0].up.is_set()
    assert not mobile.incoming[0].over.is_set()


async def test_two_hundred_invites_at_once_are_all_answered(world: World) -> None:
    customer = await world.phone("1001")
    calls = [customer.call("hotline") for _ in range(200)]
    for _ in calls:
        world.do(commands.AnswerLeg((await world.arrived()).leg))
    await asyncio.gather(*(asyncio.wait_for(call.up.wait(), 20) for call in calls))
    for call in calls:
        call.voice.close()
        call.hang_up()
    await until(lambda: not world.line.legs())
