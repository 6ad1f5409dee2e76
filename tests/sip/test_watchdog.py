"""A peer that vanishes without a word is ended by the silence watchdog."""

import dataclasses

import pytest

from callcenter import commands, events
from callcenter.telephony.sipua.driver import Options
from tests.events import until
from tests.sip.conftest import World


@pytest.fixture
def options(options: Options) -> Options:
    return dataclasses.replace(options, silent_after=1.0)


async def test_a_peer_that_vanishes_is_ended_as_lost(world: World) -> None:
    customer = await world.phone("1001")
    call, leg = await world.answered_call(customer)
    call.voice.close()
    await customer.agent.stop()
    ended = await world.ended(leg)
    assert (ended.outcome, ended.by, ended.retry) == ("lost", "line", True)


async def test_before_the_answer_a_caller_may_be_silent(world: World) -> None:
    """Many send nothing until they are answered; from then on they count as gone when nothing comes."""
    phone = await world.phone("1001")
    call = phone.call("hotline")
    leg = (await world.arrived()).leg
    world.do(commands.ProgressLeg(leg))
    await until(call.in_early_media.is_set)
    call.voice.close()
    await until(lambda: world.line._legs[leg]._quiet, "the watchdog noticed")
    world.do(commands.AnswerLeg(leg))
    await world.reported.next(events.LegAnswered, leg=leg)
    ended = await world.ended(leg)
    assert (ended.outcome, ended.by) == ("lost", "line")
