"""The line process between a driver and a real store: order, cursor, epochs, outages, and nobody who leads."""

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from callcenter import commands, events, stream
from callcenter import store as embedded
from callcenter.line import Door
from callcenter.settings import Settings
from callcenter.telephony import config as line_config
from callcenter.telephony.fake import FakeLine
from callcenter.telephony.line import Binding, LineConfig
from callcenter.telephony.line import Phone as Extension
from callcenter.telephony.phone import Phone
from callcenter.telephony.sipua.digest import ha1
from tests.events import until


class Store:
    """A store of this test's own, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = embedded.url("", folder)
        self.client = redis.Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            embedded.command(self.folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert embedded.wait(embedded.socket_path(self.folder), 20)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def events(self) -> list[Any]:
        found: Any = self.client.xrange(stream.LINE_EVENTS)
        return [events.line.decode(fields[b"body"]) for _, fields in found]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events() if isinstance(event, kind)]

    def command(self, command: Any, epoch: int = 1) -> None:
        entry: Any = {"body": commands.line.encode(command), "epoch": epoch}
        self.client.xadd(stream.line_commands("line1"), entry)


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.client.close()
    store.kill()


Open = Callable[[], Any]


@pytest.fixture
async def open_door(own_store: Store, tmp_path: Path) -> AsyncIterator[Open]:
    doors: list[Door] = []

    async def opened() -> tuple[Door, FakeLine]:
        line = FakeLine()
        settings = Settings(data_dir=tmp_path, redis_url=own_store.url, languages=("en",))
        door = Door(settings, line)
        doors.append(door)
        await door.start()
        await until(lambda: own_store.of(events.LineStarted), "the line announced itself")
        return door, line

    yield opened
    for door in doors:
        await door.stop()


async def test_events_go_up_and_commands_come_down(own_store: Store, open_door: Open) -> None:
    door, line = await open_door()
    assert isinstance(own_store.events()[0], events.LineStarted)
    await until(lambda: own_store.client.get("line:alive:line1") == own_store.events()[0].boot.encode())
    leg = line.outside.ring("+8613800138000")
    await until(lambda: own_store.of(events.CallArrived))
    own_store.command(commands.AnswerLeg(leg))
    await until(lambda: own_store.of(events.LegAnswered))
    own_store.command(commands.HangUpLeg(leg))
    await until(lambda: own_store.of(events.LegEnded))
    await door.stop()
    assert isinstance(own_store.events()[-1], events.LineStopped)
    assert own_store.client.get("line:alive:line1") is None


async def test_an_older_conductor_is_refused(own_store: Store, open_door: Open) -> None:
    _, line = await open_door()
    leg = line.outside.ring("+8613800138000")
    own_store.command(commands.RingLeg(leg), epoch=7)
    own_store.command(commands.HangUpLeg(leg), epoch=6)
    own_store.command(commands.AnswerLeg(leg), epoch=7)
    await until(lambda: own_store.of(events.LegAnswered))
    refused = own_store.of(events.CommandRefused)
    assert [(event.command, event.code) for event in refused] == [("HangUpLeg", "stale_epoch")]


async def test_a_restarted_line_executes_nothing_of_its_former_life(
    own_store: Store, open_door: Open
) -> None:
    door, line = await open_door()
    line.outside.register("anna", "ring")
    own_store.command(commands.DialLeg("old", phone="anna"), epoch=3)
    await until(lambda: own_store.of(events.LegRinging))
    await until(lambda: own_store.client.hget("line:cursor:line1", "epoch") == b"3")
    await door.stop()
    own_store.command(commands.DialLeg("stale", phone="anna"), epoch=3)
    _, line = await open_door()
    own_store.command(commands.DialLeg("older", phone="anna"), epoch=2)
    own_store.command(commands.DialLeg("new", phone="anna"), epoch=3)
    await until(
        lambda: line.legs() == ["new"], "only the new command is executed, and the phone is still known"
    )
    assert own_store.of(events.CommandRefused)[-1].leg == "older"


async def test_the_store_is_away_for_a_while(own_store: Store, open_door: Open) -> None:
    door, line = await open_door()
    line.outside.register("anna")
    first = line.outside.ring("+8613800138000")
    own_store.command(commands.AnswerLeg(first))
    own_store.command(commands.DialLeg("agent", phone="anna"))
    own_store.command(commands.BridgeLegs(first, "agent"))
    await until(lambda: own_store.of(events.LegsBridged))
    own_store.kill()
    line.outside.press(first, "5")
    await until(lambda: door._post.away, "the line notices")
    assert len(line.legs()) == 2, "the conversation goes on"
    late = line.outside.ring("+8613800138001")
    await until(lambda: late not in line.legs(), "the new caller heard a message and was let go")
    line.outside.hang_up(first)
    await until(lambda: not line.legs(), "the other side of the conversation is let go too")
    own_store.start()
    await until(lambda: len(own_store.of(events.LegEnded)) == 3, "everything is told afterwards")
    told = own_store.events()
    assert [event.at for event in told] == sorted(event.at for event in told)
    refused = next(event for event in told if isinstance(event, events.LegEnded) and event.leg == late)
    assert (refused.outcome, refused.by, refused.fault, refused.retry) == ("refused", "line", "us", True)
    assert len(own_store.of(events.DigitPressed)) == 1
    await until(lambda: not door._post.away)
    leg = line.outside.ring("+8613800138002")
    own_store.command(commands.AnswerLeg(leg))
    await until(lambda: any(event.leg == leg for event in own_store.of(events.LegAnswered)))


async def test_spooled_events_survive_the_line(own_store: Store, open_door: Open) -> None:
    door, line = await open_door()
    own_store.kill()
    leg = line.outside.ring("+8613800138000")
    await until(lambda: door._post.away)
    line.outside.hang_up(leg)
    await until(lambda: bool(door._post._spool))
    await door.stop()
    own_store.start()
    await open_door()
    await until(lambda: len(own_store.of(events.LineStarted)) == 2)
    kinds = [type(event).__name__ for event in own_store.events()]
    assert kinds == ["LineStarted", "CallArrived", "LegEnded", "LineStopped", "LineStarted"]


async def test_a_caller_without_a_conductor_hears_a_message(own_store: Store, open_door: Open) -> None:
    door, line = await open_door()
    door._alone._patience = 0.2
    leg = line.outside.ring("+8613800138000")
    heard = line.all[leg].played
    await until(lambda: own_store.of(events.LegEnded))
    assert heard[0].startswith("say:en:")
    ended = own_store.of(events.LegEnded)[0]
    assert (ended.outcome, ended.by, ended.reason) == ("refused", "line", "no_conductor")


async def test_configuration_comes_from_the_store_and_is_kept_on_disk(
    own_store: Store, open_door: Open, tmp_path: Path
) -> None:
    door, line = await open_door()
    assert line.outside.ring("x", "4001") is None
    own_store.client.set("line:config", line_config.encode(LineConfig(version=2, numbers=("4001",))))
    own_store.command(commands.LoadConfig(2))
    await until(lambda: line.config.version == 2)
    assert line.outside.ring("x", "4001")
    await until(lambda: line_config.read(tmp_path / "line" / "line1" / "config.json") is not None)
    own_store.client.delete("line:config")
    await door.stop()
    _, line = await open_door()
    assert line.config.numbers == ("4001",)


async def test_a_broken_command_does_not_stop_the_next(own_store: Store, open_door: Open) -> None:
    _, line = await open_door()
    leg = line.outside.ring("+8613800138000")
    for body in (b"{", b'{"type":"NoSuchCommand"}', b'{"type":"AnswerLeg"}', b"[]"):
        own_store.client.xadd(stream.line_commands("line1"), {"body": body, "epoch": 1})
    own_store.command(commands.AnswerLeg(leg))
    await until(lambda: own_store.of(events.LegAnswered))


@dataclasses.dataclass
class Process:
    """`callcenter line` as a process of its own."""

    store: Store
    folder: Path
    child: asyncio.subprocess.Process | None = None
    starts: int = 0

    async def start(self) -> str:
        """The address that it announces."""
        environment = {
            **os.environ,
            "REDIS_URL": self.store.url,
            "CALLCENTER_DATA_DIR": str(self.folder),
            "CALLCENTER_SIP": "127.0.0.1:0",
            "CALLCENTER_RTP_PORTS": "23000-23099",
        }
        self.child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "callcenter", "line",
            env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.starts += 1
        await until(lambda: len(self.store.of(events.LineStarted)) == self.starts, "the line is up")
        return str(self.store.of(events.LineStarted)[-1].address)

    async def end(self, number: int) -> int:
        assert self.child
        self.child.send_signal(number)
        return await asyncio.wait_for(self.child.wait(), 20)


@pytest.fixture
async def process(own_store: Store, tmp_path: Path) -> AsyncIterator[Process]:
    process = Process(own_store, tmp_path)
    yield process
    if process.child and process.child.returncode is None:
        await process.end(signal.SIGKILL)


async def test_the_process_hangs_up_and_stops_cleanly(own_store: Store, process: Process) -> None:
    customer = Phone("+8613800138000", server=await process.start())
    await customer.start()
    call = customer.call("hotline")
    await until(lambda: own_store.of(events.CallArrived))
    own_store.command(commands.AnswerLeg(own_store.of(events.CallArrived)[0].leg))
    await until(call.up.is_set)
    assert await process.end(signal.SIGTERM) == 0
    await until(call.over.is_set)
    assert call.ending
    assert call.ending.how == "bye"
    assert [event.outcome for event in own_store.of(events.LegEnded)] == ["hung_up"]
    assert own_store.of(events.LineStopped)
    await customer.stop()


async def test_a_killed_line_comes_back_ends_its_calls_and_knows_its_phones(
    own_store: Store, process: Process
) -> None:
    config = LineConfig(phones=(Extension("anna", ha1("anna", "callcenter", "secret")),))
    own_store.client.set("line:config", line_config.encode(config))
    address = await process.start()
    customer, anna = Phone("1001", server=address), Phone("anna", "secret", server=address)
    await customer.start()
    await anna.start()
    call = customer.call("hotline")
    await until(lambda: own_store.of(events.CallArrived))
    own_store.command(commands.AnswerLeg(own_store.of(events.CallArrived)[0].leg))
    await until(call.up.is_set)
    await until(lambda: own_store.client.hlen("line:dialogs:line1") == 1)
    await until(lambda: own_store.client.hlen("line:bindings:line1") == 1)
    await process.end(signal.SIGKILL)
    await process.start()
    await until(call.over.is_set, "the new process ends the call of the old one")
    await until(lambda: own_store.client.hlen("line:dialogs:line1") == 0)
    own_store.command(commands.DialLeg("again", phone="anna"))
    await until(lambda: any(event.leg == "again" for event in own_store.of(events.LegAnswered)))
    assert len({event.boot for event in own_store.of(events.LineStarted)}) == 2
    await customer.stop()
    await anna.stop()


async def test_a_forged_binding_rings_nobody(own_store: Store, process: Process) -> None:
    """Who writes into the store cannot have a restarted line ring a host of his choice."""
    config = LineConfig(phones=(Extension("anna", ha1("anna", "callcenter", "secret")),))
    own_store.client.set("line:config", line_config.encode(config))
    thief = Phone("anna")
    binding = Binding("anna", f"sip:anna@{await thief.start()}", time.time() + 600, "udp:127.0.0.1:9", "x", 1)
    forged = orjson.dumps([dataclasses.asdict(binding)])
    own_store.client.hset("line:bindings:line1", "anna", forged)
    await process.start()
    own_store.command(commands.DialLeg("stolen", phone="anna"))
    await until(lambda: any(one.code == "no_phone" for one in own_store.of(events.CommandRefused)))
    assert not thief.incoming
    await thief.stop()
