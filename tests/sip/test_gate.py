"""The line enforces its own settings: a forged command, or a forged configuration, cannot dial out."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from aiosipua import SipRequest

from callcenter import commands, events
from callcenter.telephony.dialplan import Bounds, RolePlan
from callcenter.telephony.limits import Limits
from callcenter.telephony.line import LineConfig, Memory, Phone, Trunk
from callcenter.telephony.sipua.digest import ha1
from callcenter.telephony.sipua.driver import Options, SipuaLine
from tests.events import Reported, until
from tests.ports import free_range
from tests.sip.conftest import QUICK, World, config
from tests.sip.wire import SDP, Peer

ANNA = Phone("anna", ha1("anna", "callcenter", "a-secret"))
OPEN = (RolePlan("", ("national", "international", "premium")),)


@pytest.fixture
async def carrier() -> AsyncIterator[Peer]:
    peer = await Peer.open("127.0.0.1:9")
    yield peer
    peer.close()


def forged(peer: Peer, **more: object) -> LineConfig:
    """A configuration that allows everything and leads everything to `peer`."""
    trunk = Trunk("carrier", f"127.0.0.1:{peer.port}")
    fields = {"destinations": (r".*", r"sip:.*"), "trunks": (trunk,), "plans": OPEN, "phones": (ANNA,)}
    return config(**{**fields, **more})


@contextlib.asynccontextmanager
async def bounded(
    carrier: Peer,
    told: LineConfig,
    bounds: Bounds,
    limits: Limits | None = None,
    ports: tuple[int, int] = (21000, 21999),
) -> AsyncIterator[World]:
    """A line with bounds of its own that was told something; `carrier` answers to it."""
    line, reported = (
        SipuaLine(Options(rtp_ports=ports, timers=QUICK, bounds=bounds, limits=limits or Limits())),
        Reported(),
    )
    address = await line.start(reported, told, Memory())
    carrier.line = ("127.0.0.1", int(address.rpartition(":")[2]))
    world = World(line, reported, address, Memory())
    try:
        yield world
    finally:
        for phone in world.phones:
            await phone.stop()
        await line.stop()


async def refused(world: World, code: str, **dial: str) -> None:
    leg = f"leg{len(world.reported.all)}"
    world.do(commands.DialLeg(leg, **dial))  # type: ignore[arg-type]
    assert (await world.reported.next(events.CommandRefused, leg=leg)).code == code


async def test_a_forged_command_cannot_dial_out(carrier: Peer) -> None:
    own = Bounds(
        destinations=(r"\+86\d{11}",),
        classes=("national",),
        trunks=frozenset({("carrier", f"127.0.0.1:{carrier.port}")}),
    )
    there = f"127.0.0.1:{carrier.port}"
    async with bounded(carrier, forged(carrier), own) as world:
        await refused(world, "not_allowed", number="+4930123456")
        await refused(world, "not_allowed", number="+19005551234")
        await refused(world, "not_allowed", number="+8613800138000", role="thief")
        await refused(world, "not_allowed", number="sip:anyone@192.0.2.1")
        await refused(world, "not_allowed", number="sip:anyone@192.0.2.1", trunk="carrier")
        await refused(world, "not_allowed", number=f"sip:+19005551234@{there}")
        await refused(world, "not_allowed", number="+8613800138000@192.0.2.1")
        await refused(world, "not_allowed", number="")
        assert carrier.inbox.empty()
        world.do(commands.DialLeg("good", number="+8613800138000"))
        carrier.answer(await carrier.take("INVITE"), 486)
        assert (await world.ended("good")).outcome == "busy"


async def test_a_forged_configuration_brings_no_trunk_and_no_phone(carrier: Peer) -> None:
    there = f"127.0.0.1:{carrier.port}"
    own = Bounds(
        destinations=(r"\+86\d{11}",),
        trunks=frozenset({("carrier", "127.0.0.1:9")}),
        open_calls=False,
        phone_hosts=frozenset(),
    )
    phones = (Phone("far", address="sip:far@198.51.100.9"), Phone("near", address="sip:near@10.1.2.3"))
    async with bounded(carrier, forged(carrier, phones=phones, open_calls=True), own) as world:
        await refused(world, "no_trunk", number="+8613800138000")
        await refused(world, "no_phone", phone="far")
        stranger = await Peer.open(world.address)
        stranger.send(stranger.request("INVITE", body=SDP))
        await stranger.take(403)
        stranger.close()
    known = Bounds(trunks=frozenset({("carrier", there)}))
    way_around = (Phone("x", address=f"sip:+19005551234@{there}"), Phone("y", address=f"sip:1001@{there}"))
    async with bounded(carrier, forged(carrier, phones=way_around), known) as world:
        await refused(world, "no_phone", phone="x")
        world.do(commands.DialLeg("behind-the-pbx", phone="y"))
        await carrier.take("INVITE")


async def test_a_sip_uri_goes_nowhere_unless_the_settings_say_so(world: World) -> None:
    await world.line.configure(config(destinations=(r".*",)))
    await refused(world, "not_allowed", number="sip:anyone@127.0.0.1:9")


async def test_an_emergency_takes_the_first_trunk_whatever_is_full(carrier: Peer) -> None:
    told = forged(carrier, destinations=(), plans=(), trunks=(
        Trunk("carrier", f"127.0.0.1:{carrier.port}", prefixes=("+86",)),
    ))  # fmt: skip
    own = Bounds(destinations=(), classes=(), trunks=frozenset({("carrier", f"127.0.0.1:{carrier.port}")}))
    async with bounded(carrier, told, own, Limits(placed=1)) as world:
        for number in ("110", "112"):
            world.do(commands.DialLeg(number, number=number, role="nobody"))
            invite = await carrier.take("INVITE")
            assert isinstance(invite, SipRequest)
            assert invite.uri == f"sip:{number}@127.0.0.1:{carrier.port}"
            carrier.answer(invite, 486)
            await world.ended(number)
        await refused(world, "not_allowed", number="10086")


async def test_calls_a_minute_are_limited_at_the_line(carrier: Peer) -> None:
    async with bounded(carrier, forged(carrier), Bounds(), Limits(placed=1)) as world:
        world.do(commands.DialLeg("one", number="+8613800138000"))
        carrier.answer(await carrier.take("INVITE"), 486)
        await world.ended("one")
        await refused(world, "no_capacity", number="+8613800138000")


async def test_a_phone_that_rings_too_often_is_told_when_to_try_again(carrier: Peer) -> None:
    async with bounded(carrier, forged(carrier), Bounds(), Limits(phone=1)) as world:
        anna = await world.phone("anna", "a-secret")
        first = anna.call("+8613800138000")
        arrived = await world.arrived()
        assert (arrived.phone, arrived.called) == ("anna", "+8613800138000")
        world.do(commands.RefuseLeg(arrived.leg, 486))
        await until(first.over.is_set)
        second = anna.call("hotline")
        await until(second.over.is_set)
        again = await world.reported.next(events.CallArrived, called="hotline")
        ended = await world.ended(again.leg)
        assert (ended.outcome, ended.code, ended.reason) == ("refused", 503, "too many calls")
        emergency = anna.call("110")
        assert (await world.reported.next(events.CallArrived, called="110")).phone == "anna"
        emergency.hang_up()


async def test_a_stranger_reaches_the_hotline_only(world: World) -> None:
    stranger = await Peer.open(world.address)
    for cseq, number in enumerate(("+8613800138000", "110", "bert"), 1):
        stranger.send(stranger.request("INVITE", f"sip:{number}@127.0.0.1", cseq=cseq, body=SDP))
        await stranger.take(404)
    stranger.close()
    assert not world.reported.of(events.CallArrived)


async def test_with_every_channel_and_port_taken_help_is_still_called(carrier: Peer) -> None:
    """32 pairs of ports: 28 for calls, 4 for who calls for help."""
    full = forged(carrier, trunks=(Trunk("carrier", f"127.0.0.1:{carrier.port}", channels=28),))
    async with bounded(carrier, full, Bounds(), ports=free_range(64)) as world:
        assert world.line.capacity() == 28
        anna = await world.phone("anna", "a-secret")
        for number in range(28):
            world.do(commands.DialLeg(f"out{number}", number="+8613800138000"))
        await refused(world, "no_capacity", number="+8613800138000")
        for _ in range(2):
            call = anna.call("110")
            leg = (await world.arrived(called="110")).leg
            world.do(commands.AnswerLeg(leg))
            world.do(commands.DialLeg(f"to-{leg}", number="110", call=leg))
            await until(call.up.is_set)
        asked = {(await carrier.take("INVITE")).uri.partition("@")[0] for _ in range(30)}
        assert "sip:110" in asked
        assert len(world.line.legs()) == 32
        assert not world.reported.of(events.LegEnded)
