"""The `pjsua2` driver between phones that are none of ours: PJSIP plays, joins and lets go; a killed one is replaced.

One line for the whole file: its processes start once.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from callcenter import commands, events
from callcenter.telephony.line import Memory
from callcenter.telephony.phone import Phone, PhoneCall
from callcenter.telephony.pjsua2.driver import PjsuaLine
from callcenter.telephony.sipua.driver import Options
from tests.baresip import Baresip
from tests.events import until
from tests.sip.answering import Answering
from tests.sip.conftest import config
from tests.sipp import Caller
from tests.tones import heard, loudest

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.needs("pjsua2"),
]


class Place:
    """A line that answers by itself and what it reported since the test began."""

    def __init__(self, line: PjsuaLine, heard: Answering, address: str) -> None:
        self.line, self.heard, self.address = line, heard, address
        self.phones: list[Phone] = []

    async def phone(self, user: str, password: str = "", tone: float = 0.0) -> Phone:
        phone = Phone(user, password, server=self.address, tone=tone)
        await phone.start()
        self.phones.append(phone)
        return phone

    async def conversation(self) -> tuple[PhoneCall, PhoneCall]:
        """A customer who speaks 520 Hz and an agent who speaks 700, bridged: each side's call."""
        self.heard.phone = "bert"
        agent = await self.phone("bert", "b-secret", tone=700)
        customer = await self.phone("+8613800138000", tone=520)
        call = customer.call("hotline")
        await self.heard.next(events.LegsBridged)
        return call, agent.incoming[-1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[tuple[PjsuaLine, str]]:
    line = PjsuaLine(Options(rtp_ports=(28000, 28999)), conversations=3)
    address = await line.start(lambda event: None, config(), Memory())
    yield line, address
    await line.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def place(running: tuple[PjsuaLine, str]) -> AsyncIterator[Place]:
    line, address = running
    heard = Answering(line)
    line._report = heard
    place = Place(line, heard, address)
    yield place
    for phone in place.phones:
        await phone.stop()
    for leg in line.legs():
        line.execute(commands.HangUpLeg(leg))


@pytest.mark.needs("sipp")
async def test_sipp_hears_a_prompt_presses_a_key_and_is_let_go(place: Place, tmp_path: Path) -> None:
    caller = Caller(tmp_path, place.address, "hotline", "+8613800138000")
    speaking = asyncio.ensure_future(caller.party.run())
    await caller.ring()
    leg = (await place.heard.next(events.LegAnswered)).leg
    place.line.execute(commands.PlayPrompts(leg, "hello", ("tone:600:60000",)))
    await until(lambda: loudest(_last(caller)) == 600, "the prompt is heard")
    caller.party.press("5")
    assert (await place.heard.next(events.DigitPressed, leg=leg)).digit == "5"
    place.line.execute(commands.PlayPrompts(leg, "next", ("tone:900:200", "tone:1000:200")))
    await place.heard.next(events.PromptFinished, leg=leg, play="next")
    place.line.execute(commands.HangUpLeg(leg))
    assert await caller.over() == 0
    speaking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await speaking


@pytest.mark.needs("baresip")
async def test_baresip_is_the_agents_phone(place: Place, tmp_path: Path) -> None:
    place.heard.phone = "anna"
    account = f"<sip:anna@{place.address}>;auth_pass=a-secret;answermode=auto"
    baresip = Baresip(tmp_path, account)
    await baresip.start()
    try:
        await place.heard.next(events.PhoneRegistered, phone="anna")
        customer = await place.phone("+8613800138000", tone=520)
        call = customer.call("hotline")
        await place.heard.next(events.LegsBridged)
        await until(lambda: call.voice.loudest() == 520, "the customer hears himself through baresip")
        await baresip.tell("hangup")
        await until(call.over.is_set)
    finally:
        await baresip.stop()


async def test_both_hear_each_other_and_keys_go_through(place: Place) -> None:
    customer, agent = await place.conversation()
    await until(lambda: (customer.voice.loudest(), agent.voice.loudest()) == (700, 520))
    customer.press("7")
    await until(lambda: agent.voice.keys == "7", "the agent's phone gets the key")
    leg = next(event.leg for event in place.heard.of(events.CallArrived))
    place.line.execute(commands.MuteLeg(f"to-{leg}", True))
    await until(lambda: customer.voice.loudest() != 700, "the muted agent is not heard")


async def test_a_killed_process_is_replaced_and_its_conversation_goes_on(place: Place) -> None:
    customer, agent = await place.conversation()
    await until(lambda: (customer.voice.loudest(), agent.voice.loudest()) == (700, 520))
    busy = next(engine for engine in place.line._plane._pool.engines if not engine.free)
    for death in range(3):
        was = busy.pid
        os.kill(was, signal.SIGKILL)
        if death < 2:
            await until(lambda: busy.pid not in (0, was) and busy.ready.is_set(), "another process")  # noqa: B023
            received = customer.voice.received
            await until(lambda: customer.voice.received > received + 50)  # noqa: B023
            await until(lambda: (customer.voice.loudest(), agent.voice.loudest()) == (700, 520))
    ended = [await place.heard.next(events.LegEnded) for _ in range(2)]
    assert {(event.outcome, event.by) for event in ended} == {("lost", "line")}


async def test_a_third_hears_both_in_one_process_and_is_heard_by_one(place: Place) -> None:
    """A whisper: the supervisor hears both, the agent both others, the customer the agent alone."""
    customer, agent = await place.conversation()
    leg = place.heard.of(events.CallArrived)[0].leg
    place.heard.phone = ""
    supervisor = (await place.phone("+8613900139000", tone=940)).call("hotline")
    third = (await place.heard.next(events.CallArrived, caller="+8613900139000")).leg
    await until(supervisor.up.is_set)
    place.line.execute(commands.HearLegs(third, (leg, f"to-{leg}")))
    place.line.execute(commands.HearLegs(f"to-{leg}", (leg, third)))
    await until(lambda: _both(supervisor, 520, 700), "the supervisor hears both")
    await until(lambda: _both(agent, 520, 940), "the agent hears customer and supervisor")
    await until(lambda: _share(customer, 700) > 0.9, "the customer hears the agent alone")
    assert _share(customer, 940) < 0.01
    assert sum(not engine.free for engine in place.line._plane._pool.engines) == 1


async def test_a_process_refuses_the_fifth_leg(place: Place) -> None:
    engine = place.line._plane._pool.free()
    assert engine
    await engine.ready.wait()
    phone = Phone("edge", server=engine.address)
    await phone.start()
    place.phones.append(phone)
    for key in "abcde":
        engine.send(("sit", key))
    calls = [phone.call(key) for key in "abcd"]
    for call in calls:
        await until(call.up.is_set)
    fifth = phone.call("e")
    await until(fifth.over.is_set)
    assert fifth.ending
    assert fifth.ending.code == 486
    stranger = phone.call("unheard-of")
    await until(stranger.over.is_set)
    for call in calls:
        call.hang_up()
    for key in "abcde":
        engine.send(("leave", key))


async def test_callers_beyond_the_processes_get_503(place: Place) -> None:
    place.heard.phone = ""
    customer = await place.phone("+8613800138000", tone=520)
    calls = [customer.call("hotline") for _ in range(4)]
    await until(lambda: sum(call.up.is_set() for call in calls) == 3)
    await until(lambda: any(call.over.is_set() for call in calls))
    assert [call.ending.code for call in calls if call.ending] == [503]


async def test_a_stopped_line_leaves_no_process() -> None:
    line = PjsuaLine(Options(rtp_ports=(28000, 28999)), conversations=2)
    await line.start(lambda event: None, config(), Memory())
    processes = line.processes
    assert all(processes)
    await line.stop()
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def _last(caller: Caller) -> "object":
    packets = [packet for packet in caller.party.packets if packet.kind in (0, 8)][-40:]
    return heard(b"".join(packet.body for packet in packets), packets[-1].kind if packets else 0)


def _both(call: PhoneCall, one: float, other: float) -> bool:
    return _share(call, one) > 0.2 and _share(call, other) > 0.2


def _share(call: PhoneCall, hertz: float) -> float:
    """How much of the energy of the last half second is at this frequency."""
    sound = call.voice.heard(0.5)
    if len(sound) < 3200:
        return 0.0
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    at = round(hertz * len(sound) / 8000)
    return float(power[at - 4 : at + 5].sum() / (power.sum() + 1e-9))
