"""A sipua line on loopback and phones of every kind around it; real SIP, real RTP."""

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from callcenter import commands, events
from callcenter.telephony.line import LineConfig, Memory, Phone
from callcenter.telephony.phone import Phone as SipPhone
from callcenter.telephony.phone import PhoneCall
from callcenter.telephony.sipua.digest import ha1, ha1_sha256
from callcenter.telephony.sipua.driver import Options, SipuaLine
from callcenter.telephony.sipua.transactions import Timers
from tests.events import Reported, until
from tests.sip.wire import SDP, Peer, tag_of

QUICK = Timers(t1=0.1, t2=0.4, t4=0.5)
CONFIG = LineConfig(
    numbers=("hotline", "4000"),
    phones=(
        Phone("anna", ha1("anna", "callcenter", "a-secret")),
        Phone(
            "bert", ha1("bert", "callcenter", "b-secret"), "", ha1_sha256("bert", "callcenter", "b-secret")
        ),
    ),
    destinations=(r"\+86\d{11}", r"sip:.*@127\.0\.0\.1:\d+"),
)


@dataclass
class World:
    """The line, what it reported, and the phones that were started around it."""

    line: SipuaLine
    reported: Reported
    address: str
    memory: Memory
    phones: list[SipPhone] = field(default_factory=list)
    _playing: set[str] = field(default_factory=set)

    async def phone(self, user: str, password: str = "", **more: Any) -> SipPhone:
        phone = SipPhone(user, password, **{"server": self.address, "timers": QUICK, **more})
        self.phones.append(phone)
        await phone.start()
        return phone

    def do(self, command: Any) -> None:
        self.line.execute(command)

    def _plays(self, leg: str) -> bool:
        """Have something played once, so that its packets show that audio works."""
        if leg not in self._playing:
            self._playing.add(leg)
            self.do(commands.PlayPrompts(leg, "hello", ("tone:300:40",)))
        return False

    async def arrived(self, **fields: Any) -> events.CallArrived:
        return await self.reported.next(events.CallArrived, **fields)

    async def ended(self, leg: str) -> events.LegEnded:
        return await self.reported.next(events.LegEnded, leg=leg)

    async def answered_call(self, phone: SipPhone, to: str = "hotline") -> tuple[PhoneCall, str]:
        """`phone` rings the hotline and is answered: its side and our leg."""
        call = phone.call(to)
        leg = (await self.arrived()).leg
        self.do(commands.AnswerLeg(leg))
        await self.reported.next(events.LegAnswered, leg=leg)
        await until(call.up.is_set, "the caller was answered")
        await until(lambda: call.voice.received or self._plays(leg), "the audio process serves the leg")
        return call, leg


@pytest.fixture
def options() -> Options:
    """Override in a test module for another line."""
    return Options(rtp_ports=(21000, 21999), timers=QUICK)


@pytest.fixture
async def world(options: Options) -> AsyncIterator[World]:
    line, reported, memory = SipuaLine(options), Reported(), Memory()
    address = await line.start(reported, CONFIG, memory)
    world = World(line, reported, address, memory)
    yield world
    for phone in world.phones:
        await phone.stop()
    await line.stop()


@pytest.fixture
async def peer(world: World) -> AsyncIterator[Peer]:
    peer = await Peer.open(world.address)
    await world.line.configure(config(phones=(Phone("desk", address=f"sip:desk@127.0.0.1:{peer.port}"),)))
    yield peer
    peer.close()


async def up(world: World, peer: Peer) -> tuple[str, str]:
    """The peer rings, is answered and acknowledges: (leg, our tag)."""
    peer.send(peer.request("INVITE", body=SDP))
    leg = (await world.arrived()).leg
    world.do(commands.AnswerLeg(leg))
    tag = tag_of(await peer.take(200))
    peer.send(peer.request("ACK", to_tag=tag))
    return leg, tag


def config(**changes: Any) -> LineConfig:
    return dataclasses.replace(CONFIG, **changes)
