"""Kamailio in front, as docs/kamailio has it: it registers the phones and spreads calls over two lines; one is killed."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from callcenter import commands, store
from callcenter.telephony.phone import Phone, PhoneCall
from callcenter.telephony.sipua.digest import ha1
from tests import programs
from tests.hotline import AGENT_TONE, CUSTOMER_TONE, Hotline, another_time, hear_each_other, soon
from tests.place import Place, running
from tests.ports import free_port, free_range

pytestmark = pytest.mark.needs("kamailio")
SAMPLE = Path(__file__).parents[2] / "docs" / "kamailio" / "kamailio.cfg"
AGENTS = ("anna", "bert")


class Front:
    """Kamailio, and a second line behind it."""

    def __init__(self, folder: Path) -> None:
        self.sip = f"127.0.0.1:{free_port()}"
        self.folder = folder
        self.second: subprocess.Popen[bytes] | None = None
        self.second_sip = f"127.0.0.1:{free_port()}"
        self._ports = free_range(400)

    def start(self, place: Place) -> None:
        """The proxy, in front of the place's own line and of another."""
        shutil.copy(SAMPLE, self.folder)
        lines = self.folder / "lines.list"
        lines.write_text(f"1 sip:{place.sip}\n1 sip:{self.second_sip}\n")
        phones = [f'$sht(phones=>{name}) = "{ha1(name, "callcenter", "secret")}";' for name in AGENTS]
        (self.folder / "phones.cfg").write_text("\n".join(phones) + "\n")
        program = programs.find("kamailio")
        assert program
        with (self.folder / "kamailio.log").open("wb") as log:
            self._process = subprocess.Popen(
                [str(program), "-DD", "-E", "-f", str(self.folder / SAMPLE.name), "-Y", str(self.folder),
                 "-A", f"LISTEN=udp:{self.sip}", "-A", f'LINES="{lines}"', "-m", "32", "-M", "4"],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def start_second(self, place: Place) -> None:
        first, last = self._ports
        environment = {
            **place.environment,
            "CALLCENTER_LINE": "line2",
            "CALLCENTER_SIP": self.second_sip,
            "CALLCENTER_RTP_PORTS": f"{first + 200}-{last}",
            "REDIS_URL": store.url("", place.folder),
        }
        with (self.folder / "line2.log").open("ab") as log:
            self.second = subprocess.Popen(
                [sys.executable, "-m", "callcenter", "line"], env=environment, stdout=log, stderr=log
            )

    def kill_second(self) -> None:
        assert self.second
        self.second.kill()
        self.second.wait(30)

    def stop(self) -> None:
        if self.second is not None:
            self.second.terminate()
            self.second.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hotline, Front]]:
    folder = tmp_path_factory.mktemp("p")
    front = Front(folder)
    trunk = {"name": "proxy", "address": front.sip, "country": "CN"}
    with running(
        tmp_path_factory.mktemp("k"),
        greeting="false",
        outbound_hours=another_time(),
        trunks=json.dumps([trunk]),
        open_calls="false",
    ) as place:
        for name in AGENTS:
            place.run(
                "user", "add", name, "--phone", f"sip:{name}@{front.sip}", "--password", f"{name}-signs-in"
            )
        hotline = Hotline(place, agent="")
        place.start()
        front.start(place)
        front.start_second(place)
        try:
            yield hotline, front
        finally:
            front.stop()


@contextlib.asynccontextmanager
async def desks(hotline: Hotline, front: Front) -> AsyncIterator[dict[str, Phone]]:
    """Both agents available, their phones registered at the proxy."""
    phones = {}
    for name in AGENTS:
        phones[name] = Phone(name, "secret", server=front.sip, tone=AGENT_TONE)
        phones[name].answer_after = 0.0
        await hotline.registered(phones[name])
        hotline.store.set(f"desk:{name}", "desk:test", px=600_000)
        hotline.ask(commands.SignIn(name))
        hotline.ask(commands.SetStatus(name, "available"))
    try:
        yield phones
    finally:
        for phone in phones.values():
            await phone.stop()


@contextlib.asynccontextmanager
async def caller(front: Front, number: str) -> AsyncIterator[PhoneCall]:
    phone = Phone(number, server=front.sip, tone=CUSTOMER_TONE)
    await phone.start()
    try:
        yield phone.call("hotline")
    finally:
        await phone.stop()


def lines_of_calls(hotline: Hotline) -> dict[str, str]:
    """Caller -> the line that carries the call."""
    calls = [json.loads(body) for body in hotline.store.hvals("board:calls")]  # type: ignore[union-attr]
    return {call["caller"]: call["line"] for call in calls if call["state"] == "bridged"}


async def test_calls_are_spread_and_a_killed_line_takes_only_its_own(front: tuple[Hotline, Front]) -> None:
    hotline, proxy = front
    await soon(
        lambda: len(hotline.place.get("/health")["parts"]["lines"]["detail"].split(",")) == 2, "two lines"
    )
    async with desks(hotline, proxy) as phones, contextlib.AsyncExitStack() as stack:
        calls: dict[str, PhoneCall] = {}
        for number in ("+8613800000001", "+8613800000002"):
            calls[number] = await stack.enter_async_context(caller(proxy, number))
            await soon(lambda number=number: number in lines_of_calls(hotline), f"{number} to be answered")
        agents = {phone.incoming[-1].caller: phone.incoming[-1] for phone in phones.values()}
        for number, call in calls.items():
            await hear_each_other(call, agents[number])
        carried = lines_of_calls(hotline)
        assert sorted(carried.values()) == ["line1", "line2"]
        kept, lost = sorted(carried, key=lambda number: carried[number])
        proxy.kill_second()
        await hear_each_other(calls[kept], agents[kept])
        await soon(
            lambda: hotline.record(lost).get("outcome") == "answered", "the lost conversation's record"
        )
        await soon(lambda: free_agents(hotline) == 1, "the agent of the lost call to be free")
        # The dead line is passed over; a new caller is served by the other.
        third = await stack.enter_async_context(caller(proxy, "+8613800000003"))
        await soon(
            lambda: lines_of_calls(hotline).get("+8613800000003") == "line1", "a new caller to be served"
        )
        # The restarted line ends what it had lost, through the proxy, on both sides.
        proxy.start_second(hotline.place)
        for over in (calls[lost], agents[lost]):
            await asyncio.wait_for(over.over.wait(), 60)
        await hear_each_other(calls[kept], agents[kept])
        for call in (calls[kept], third):
            call.hang_up()
            await asyncio.wait_for(call.over.wait(), 60)
        await soon(
            lambda: hotline.record(kept).get("outcome") == "answered", "the kept conversation's record"
        )


def free_agents(hotline: Hotline) -> int:
    agents = [json.loads(body) for body in hotline.store.hvals("board:agents")]  # type: ignore[union-attr]
    for agent in agents:
        if agent["activity"] == "wrap_up":
            hotline.ask(commands.FinishWrapUp(agent["name"], agent["wrap_call"], "resolved"))
    return sum(agent["activity"] == "idle" and agent["reachable"] and not agent["paused"] for agent in agents)


async def test_a_drained_line_gets_no_new_calls_and_a_phone_with_a_wrong_password_none_at_all(
    front: tuple[Hotline, Front],
) -> None:
    hotline, proxy = front
    stranger = Phone("anna", "guessed", server=proxy.sip)
    with pytest.raises(ConnectionRefusedError):
        await stranger.start()
    await stranger.stop()
    hotline.ask(commands.SetLineDraining("line2", True))
    async with desks(hotline, proxy):
        await soon(
            lambda: json.loads(hotline.store.hget("board:lines", "line2") or "{}")["draining"],
            "line2 to drain",
        )
        for number in ("+8613800000011", "+8613800000012"):
            async with caller(proxy, number) as call:
                await soon(
                    lambda number=number: lines_of_calls(hotline).get(number) == "line1", "line1 to take it"
                )
                call.hang_up()
                await soon(lambda: free_agents(hotline) == 2, "the agents to be free")
