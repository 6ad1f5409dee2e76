"""A peer that vanishes without a word is ended by the silence watchdog."""

import dataclasses

import pytest

from callcenter.telephony.sipua.driver import Options
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
