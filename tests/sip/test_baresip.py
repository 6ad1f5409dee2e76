"""baresip, the second user agent that is none of ours: registers, calls, is called, and gives back what it hears.

Its sound card is a loop, so whoever talks to it hears himself: both directions of audio in one frequency.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Memory
from callcenter.telephony.phone import Phone
from callcenter.telephony.sipua.driver import Options, SipuaLine
from tests.baresip import LOOP, Baresip
from tests.events import until
from tests.sip.answering import Answering
from tests.sip.conftest import config

pytestmark = pytest.mark.needs("baresip")


@dataclass
class Place:
    """A line that answers by itself, and baresip registered with it as anna's phone."""

    line: SipuaLine
    heard: Answering
    address: str
    baresip: Baresip

    async def customer(self, tone: float) -> Phone:
        phone = Phone("+8613800138000", server=self.address, tone=tone)
        await phone.start()
        return phone


@pytest.fixture(params=["PCMA", "PCMU"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path, request.param) as place:
        yield place


@pytest.mark.parametrize("first", ["agent", "customer"])
async def test_baresip_as_the_agents_phone_hears_and_is_heard(place: Place, first: str) -> None:
    place.heard.phone = "anna"
    customer = await place.customer(520)
    call = customer.call("hotline")
    await place.heard.next(events.LegsBridged)
    await until(lambda: call.voice.loudest() == 520, "the customer hears himself through baresip")
    if first == "agent":
        await place.baresip.tell("hangup")
    else:
        call.hang_up()
    await until(call.over.is_set)
    await until(lambda: not place.line.legs())
    by = {event.leg.startswith("to-"): event.by for event in place.heard.of(events.LegEnded)}
    assert by == {first == "agent": "remote", first == "customer": "us"}
    await customer.stop()


@asynccontextmanager
async def a_place(
    folder: Path, codec: str, answers: str = "auto", source: str = LOOP
) -> AsyncIterator[Place]:
    line = SipuaLine(Options(rtp_ports=(26000, 26999)))
    heard = Answering(line)
    address = await line.start(heard, config(), Memory())
    account = f"<sip:anna@{address}>;auth_pass=a-secret;answermode={answers};audio_codecs={codec}"
    phone = Baresip(folder, account, source)
    await phone.start()
    try:
        await heard.next(events.PhoneRegistered, phone="anna")
        yield Place(line, heard, address, phone)
    finally:
        await phone.stop()
        await line.stop()


async def test_baresip_rings_speaks_presses_a_key_and_is_let_go(tmp_path: Path) -> None:
    async with a_place(tmp_path, "PCMU", source="ausine,700") as place:
        place.heard.phone = "bert"
        agent = Phone("bert", "b-secret", server=place.address)
        await agent.start()
        await place.baresip.tell("dial", f"sip:hotline@{place.address}")
        arrived = await place.heard.next(events.CallArrived)
        assert arrived.phone == "anna"
        await place.heard.next(events.LegsBridged)
        await until(lambda: agent.incoming[0].voice.loudest() == 700, "baresip is heard")
        await place.baresip.tell("sndcode", "5")
        pressed = await place.heard.next(events.DigitPressed)
        assert (pressed.digit, pressed.method, pressed.leg) == ("5", "rtp", arrived.leg)
        place.line.execute(commands.HangUpLeg(arrived.leg))
        assert (await place.heard.next(events.LegEnded, leg=arrived.leg)).by == "us"
        await agent.stop()


async def test_baresip_is_rung_withdrawn_and_refuses(tmp_path: Path) -> None:
    async with a_place(tmp_path, "PCMA", answers="manual") as place:
        place.line.execute(commands.DialLeg("leg", phone="anna"))
        await place.heard.next(events.LegRinging)
        place.line.execute(commands.HangUpLeg("leg"))
        assert (await place.heard.next(events.LegEnded)).outcome == "cancelled"
        place.line.execute(commands.DialLeg("again", phone="anna"))
        await place.heard.next(events.LegRinging, leg="again")
        await place.baresip.tell("hangup")
        refused = await place.heard.next(events.LegEnded, leg="again")
        assert (refused.by, refused.code // 100) in (("remote", 4), ("remote", 6))


async def test_baresip_holds_and_resumes(tmp_path: Path) -> None:
    async with a_place(tmp_path, "PCMU", source="ausine,700") as place:
        place.heard.phone = "bert"
        agent = Phone("bert", "b-secret", server=place.address)
        await agent.start()
        await place.baresip.tell("dial", f"sip:hotline@{place.address}")
        await place.heard.next(events.LegsBridged)
        heard = agent.incoming[0].voice
        await until(lambda: heard.loudest() == 700, "baresip is heard")
        leg = place.heard.of(events.CallArrived)[0].leg
        await place.baresip.tell("hold")
        assert (await place.heard.next(events.LegHeld, leg=leg)).held
        await place.baresip.tell("resume")
        assert not (await place.heard.next(events.LegHeld, leg=leg)).held
        heard.forget()
        await until(lambda: heard.loudest() == 700, "baresip is heard again")
        await agent.stop()


async def test_baresip_transfers_its_call(tmp_path: Path) -> None:
    async with a_place(tmp_path, "PCMA") as place:
        await place.baresip.tell("dial", f"sip:hotline@{place.address}")
        leg = (await place.heard.next(events.LegAnswered)).leg
        await place.baresip.established()
        await place.baresip.tell("transfer", f"sip:+8613900139000@{place.address}")
        asked = await place.heard.next(events.TransferAsked)
        assert (asked.leg, asked.target) == (leg, "+8613900139000")
        place.line.execute(commands.FinishReferral(leg, 200))
        assert (await place.heard.next(events.LegEnded, leg=leg)).by == "remote"


async def test_baresip_follows_a_transfer(tmp_path: Path) -> None:
    async with a_place(tmp_path, "PCMA") as place:
        await place.baresip.tell("dial", f"sip:hotline@{place.address}")
        leg = (await place.heard.next(events.LegAnswered)).leg
        place.line.execute(commands.TransferLeg(leg, "4000"))
        second = await place.heard.next(events.CallArrived, called="4000")
        await place.heard.next(events.LegAnswered, leg=second.leg)
        assert (await place.heard.next(events.LegTransferred, leg=leg)).code == 200
        place.line.execute(commands.HangUpLeg(second.leg))
        await place.heard.next(events.LegEnded, leg=second.leg)


async def test_baresip_is_bridged_before_it_answers(tmp_path: Path) -> None:
    async with a_place(tmp_path, "PCMU", answers="early", source="ausine,700") as place:
        agent = Phone("bert", "b-secret", server=place.address)
        await agent.start()
        for leg in ("bert", "anna"):
            place.line.execute(commands.DialLeg(leg, phone=leg))
        await place.heard.next(events.LegAnswered, leg="bert")
        await place.heard.next(events.LegRinging, leg="anna", early=True)
        place.line.execute(commands.BridgeLegs("anna", "bert"))
        await place.heard.next(events.LegsBridged)
        # It says `sendrecv` in its 183 and keeps silent until it answers.
        assert place.heard.of(events.LegAnswered, leg="anna") == []
        await place.baresip.tell("accept")
        await place.heard.next(events.LegAnswered, leg="anna")
        await until(lambda: agent.incoming[0].voice.loudest() == 700, "baresip is heard")
        await agent.stop()
