"""The `pyvoip` driver as an extension of an office whose PBX is Kamailio, among phones that are none of ours.

One office for the whole file.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from callcenter import commands, events
from callcenter.telephony.line import Line, LineConfig, Memory
from callcenter.telephony.line import Phone as Known
from callcenter.telephony.phone import Phone
from callcenter.telephony.sipua.driver import Options
from tests.baresip import Baresip
from tests.events import until
from tests.kamailio import Kamailio
from tests.ports import free_port
from tests.sip.answering import Answering
from tests.sipp import Caller
from tests.tones import heard, loudest

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.needs("pyvoip", "kamailio"),
]
CONFIG = LineConfig(
    numbers=("hotline",),
    phones=(Known("anna", address="sip:anna@127.0.0.1"), Known("agent-2", address="sip:bert@127.0.0.1")),
    destinations=(r"\+86\d{11}",),
)


def a_line(pbx: Kamailio, password: str = "secret") -> Line:
    from callcenter.telephony.pyvoip.driver import PyvoipLine

    return PyvoipLine(Options(rtp_ports=(32000, 32999)), ("127.0.0.1", pbx.port), (("hotline", password),))


@dataclass
class Office:
    pbx: Kamailio
    line: Line
    heard: Answering
    phones: list[Phone] = field(default_factory=list)

    async def phone(self, user: str, password: str = "", tone: float = 0.0) -> Phone:
        phone = Phone(user, password, server=self.pbx.address, tone=tone)
        await phone.start()
        self.phones.append(phone)
        return phone


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Kamailio, Line]]:
    pbx = Kamailio(tmp_path_factory.mktemp("kamailio"), free_port())
    await pbx.start()
    line = a_line(pbx)
    await line.start(lambda event: None, CONFIG, Memory())
    yield pbx, line
    await line.stop()
    await pbx.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def office(running: tuple[Kamailio, Line]) -> AsyncIterator[Office]:
    pbx, line = running
    office = Office(pbx, line, Answering(line))
    line._report = office.heard  # type: ignore[attr-defined]
    yield office
    for phone in office.phones:
        await phone.stop()
    for leg in line.legs():
        line.execute(commands.HangUpLeg(leg))


@pytest.mark.needs("sipp")
async def test_sipp_hears_a_prompt_presses_a_key_and_is_let_go(office: Office, tmp_path: Path) -> None:
    caller = Caller(tmp_path, office.pbx.address, "hotline", "+8613800138000")
    speaking = asyncio.ensure_future(caller.party.run())
    await caller.ring()
    leg = (await office.heard.next(events.LegAnswered)).leg
    office.line.execute(commands.PlayPrompts(leg, "hello", ("tone:600:60000",)))
    await until(lambda: _hears(caller) == 600, "the prompt is heard")
    caller.party.press("5")
    assert (await office.heard.next(events.DigitPressed, leg=leg)).digit == "5"
    office.line.execute(commands.PlayPrompts(leg, "next", ("tone:900:200",)))
    await office.heard.next(events.PromptFinished, leg=leg, play="next")
    office.line.execute(commands.HangUpLeg(leg))
    assert await caller.over() == 0
    speaking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await speaking


@pytest.mark.needs("baresip")
async def test_baresip_is_the_agents_phone(office: Office, tmp_path: Path) -> None:
    office.heard.phone = "anna"
    baresip = Baresip(tmp_path, f"<sip:anna@{office.pbx.address}>;auth_pass=secret;answermode=auto")
    await baresip.start()
    try:
        customer = await office.phone("+8613800138000", tone=520)
        await until(lambda: office.pbx.knows("anna"), "baresip is registered")
        call = customer.call("hotline")
        await office.heard.next(events.LegsBridged)
        await until(lambda: call.voice.loudest() == 520, "the customer hears himself through baresip")
        await baresip.tell("hangup")
        await until(call.over.is_set)
    finally:
        await baresip.stop()


async def test_both_hear_each_other_and_keys_go_through(office: Office) -> None:
    office.heard.phone = "agent-2"
    agent = await office.phone("bert", "secret", tone=700)
    customer = await office.phone("+8613800138000", tone=520)
    call = customer.call("hotline")
    await office.heard.next(events.LegsBridged)
    voice = agent.incoming[-1].voice
    await until(lambda: (call.voice.loudest(), voice.loudest()) == (700, 520))
    call.press("7")
    await until(lambda: voice.keys == "7", "the agent's phone gets the key")
    leg = next(event.leg for event in office.heard.of(events.CallArrived))
    office.line.execute(commands.SendDigits(leg, "42"))
    await until(lambda: call.voice.keys == "42", "we press keys ourselves")
    office.line.execute(commands.MuteLeg(f"to-{leg}", True))
    await until(lambda: call.voice.loudest() != 700, "the muted agent is not heard")
    call.hang_up()
    await until(lambda: not office.line.legs())


async def test_a_wrong_secret_is_said(office: Office) -> None:
    with pytest.raises(OSError, match=r"CALLCENTER_PBX.*hotline"):
        await a_line(office.pbx, "wrong").start(lambda event: None, CONFIG, Memory())


async def test_a_stopped_line_leaves_no_thread(office: Office) -> None:
    before = {thread for thread in threading.enumerate() if thread.name.startswith(("SIP", "RTP"))}
    line = a_line(office.pbx)
    await line.start(lambda event: None, CONFIG, Memory())
    await line.stop()
    names = ("SIP", "RTP", "start", "stop")
    await until(lambda: not {t for t in threading.enumerate() if t.name.startswith(names)} - before)


def _hears(caller: Caller) -> float:
    packets = [packet for packet in caller.party.packets if packet.kind in (0, 8)][-40:]
    return loudest(heard(b"".join(packet.body for packet in packets), packets[-1].kind)) if packets else 0.0
