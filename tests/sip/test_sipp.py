"""SIPp, a user agent that is none of ours: registers, calls, is called, gives up, comes two hundred at a time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Memory, Phone
from callcenter.telephony.sipua.driver import Options, SipuaLine
from callcenter.telephony.sipua.expiry import Lasting
from tests import programs
from tests.events import until
from tests.ports import free_port
from tests.sip.answering import Answering
from tests.sip.conftest import config

pytestmark = pytest.mark.needs("sipp")
SCENARIOS = Path(__file__).parent / "scenarios"


class Line:
    """A line that answers by itself, and SIPp beside it."""

    def __init__(self, line: SipuaLine, heard: Answering, address: str, folder: Path) -> None:
        self.line, self.heard, self.address, self.folder = line, heard, address, folder
        self.port = free_port()

    async def sipp(self, *arguments: str, port: int = 0) -> int:
        """Run SIPp against the line; its exit code (0: every call went as its scenario says)."""
        process = await self.start_sipp(self.address, "-s", "hotline", *arguments, port=port)
        async with asyncio.timeout(60):
            return await process.wait()

    async def start_sipp(self, *arguments: str, port: int = 0) -> asyncio.subprocess.Process:
        program = programs.find("sipp")
        assert program
        return await asyncio.create_subprocess_exec(
            str(program), *arguments, "-i", "127.0.0.1", "-p", str(port or free_port()), "-nostdin", "-timeout", "50s",
            cwd=self.folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    driver = SipuaLine(Options(rtp_ports=(25000, 25999), lasting=Lasting(lasts=4, least=2)))
    heard = Answering(driver)
    address = await driver.start(heard, config(), Memory())
    yield Line(driver, heard, address, tmp_path)
    await driver.stop()


def scenario(name: str) -> tuple[str, str]:
    return "-sf", str(SCENARIOS / f"{name}.xml")


@pytest.mark.parametrize("transport", ["u1", "t1"])
async def test_sipp_calls_and_hangs_up(line: Line, transport: str) -> None:
    assert await line.sipp("-sn", "uac", "-m", "5", "-r", "10", "-d", "200", "-t", transport) == 0
    outcomes = [(event.outcome, event.by) for event in line.heard.of(events.LegEnded)]
    assert outcomes == [("hung_up", "remote")] * 5


async def test_two_hundred_invites_of_sipps_at_once(line: Line) -> None:
    assert await line.sipp("-sn", "uac", "-m", "200", "-r", "2000", "-d", "500", "-l", "300") == 0
    assert len(line.heard.of(events.LegAnswered)) == 200
    assert line.line.legs() == []


async def test_sipp_gives_up(line: Line) -> None:
    line.heard.answers = False
    assert await line.sipp(*scenario("cancel"), "-m", "3") == 0
    assert [event.outcome for event in line.heard.of(events.LegEnded)] == ["cancelled"] * 3


async def test_sipp_is_refused(line: Line) -> None:
    line.heard.refuse_with = 486
    assert await line.sipp(*scenario("refused"), "-m", "3") == 0
    assert [event.code for event in line.heard.of(events.LegEnded)] == [486] * 3


async def test_the_line_hangs_up_on_sipp(line: Line) -> None:
    process = await line.start_sipp(line.address, "-s", "hotline", *scenario("hung_up_on"), "-m", "1")
    leg = (await line.heard.next(events.LegAnswered)).leg
    line.line.execute(commands.HangUpLeg(leg))
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_sipp_registers_by_digest(line: Line) -> None:
    assert await line.sipp(*scenario("register"), "-m", "1") == 0
    assert line.heard.of(events.PhoneRegistered)[0].phone == "anna"


@pytest.mark.parametrize("we_hang_up", [True, False])
async def test_sipp_as_the_agents_phone(line: Line, we_hang_up: bool) -> None:
    port = free_port()
    await line.line.configure(config(phones=(Phone("desk", address=f"sip:desk@127.0.0.1:{port}"),)))
    phone = await line.start_sipp("-sn", "uas", "-m", "1", port=port)
    line.line.execute(commands.DialLeg("leg", phone="desk"))
    await line.heard.next(events.LegAnswered, leg="leg")
    if not we_hang_up:
        line.line._legs["leg"].lost("as if it had vanished")
    else:
        line.line.execute(commands.HangUpLeg("leg"))
    assert await asyncio.wait_for(phone.wait(), 30) == 0
    await until(lambda: not line.line.legs())


async def test_sipp_calls_and_an_agent_of_sipps_answers(line: Line) -> None:
    port = free_port()
    await line.line.configure(config(phones=(Phone("desk", address=f"sip:desk@127.0.0.1:{port}"),)))
    line.heard.phone = "desk"
    phone = await line.start_sipp("-sn", "uas", "-m", "20", port=port)
    callers = await line.start_sipp(
        line.address, "-s", "hotline", *scenario("hung_up_on"), "-m", "20", "-r", "20"
    )
    # Nobody hangs up before the audio of all was joined, however long that takes.
    await until(lambda: len(line.heard.of(events.LegsBridged)) == 20, "twenty conversations")
    for call in line.heard.of(events.CallArrived):
        line.line.execute(commands.HangUpLeg(call.leg))
    assert [await asyncio.wait_for(each.wait(), 30) for each in (callers, phone)] == [0, 0]
    await until(lambda: not line.line.legs())


async def test_sipp_transfers_a_call(line: Line) -> None:
    process = await line.start_sipp(line.address, "-s", "hotline", *scenario("transfers"), "-m", "1")
    asked = await line.heard.next(events.TransferAsked)
    assert asked.target == "+8613900139000"
    line.line.execute(commands.FinishReferral(asked.leg, 200))
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert (await line.heard.next(events.LegEnded, leg=asked.leg)).by == "remote"


async def test_sipp_acknowledges_early_media(line: Line) -> None:
    line.heard.answers = False
    process = await line.start_sipp(line.address, "-s", "hotline", *scenario("reliable"), "-m", "1")
    leg = (await line.heard.next(events.CallArrived)).leg
    # The 180 goes first; each answer waits for the PRACK of the one before.
    await asyncio.sleep(0)
    line.line.execute(commands.ProgressLeg(leg))
    line.line.execute(commands.AnswerLeg(leg))
    await line.heard.next(events.LegAnswered, leg=leg)
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_sipp_sees_its_session_refreshed(line: Line) -> None:
    assert await line.sipp(*scenario("refreshed"), "-m", "2") == 0
    assert [event.outcome for event in line.heard.of(events.LegEnded)] == ["hung_up"] * 2


async def test_sipp_sends_a_call_to_another_phone(line: Line) -> None:
    ports = free_port(), free_port()
    names = ("desk", "bert")
    phones = tuple(
        Phone(name, address=f"sip:{name}@127.0.0.1:{port}") for name, port in zip(names, ports, strict=True)
    )
    await line.line.configure(config(phones=phones))
    first = await line.start_sipp(*scenario("forwards"), "-m", "1", port=ports[0])
    second = await line.start_sipp("-sn", "uas", "-m", "1", port=ports[1])
    line.line.execute(commands.DialLeg("leg", phone="desk"))
    await line.heard.next(events.LegAnswered, leg="leg")
    line.line.execute(commands.HangUpLeg("leg"))
    assert [await asyncio.wait_for(each.wait(), 30) for each in (first, second)] == [0, 0]


async def test_sipp_is_heard_before_it_answers(line: Line) -> None:
    port = free_port()
    await line.line.configure(config(phones=(Phone("desk", address=f"sip:desk@127.0.0.1:{port}"),)))
    phone = await line.start_sipp(*scenario("early"), "-m", "1", port=port)
    line.line.execute(commands.DialLeg("leg", phone="desk"))
    await line.heard.next(events.LegRinging, leg="leg", early=True)
    await line.heard.next(events.LegAnswered, leg="leg")
    line.line.execute(commands.HangUpLeg("leg"))
    assert await asyncio.wait_for(phone.wait(), 30) == 0
