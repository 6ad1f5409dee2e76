"""Floods, scanners and barred callers at a real line; strangers come from other loopback addresses."""

import asyncio
import socket
import time

import pytest

from callcenter import commands, events
from callcenter.telephony.limits import Limits
from callcenter.telephony.line import Barred
from callcenter.telephony.sipua import farewell
from callcenter.telephony.sipua.driver import Options
from tests.events import until
from tests.sip.conftest import QUICK, World, config
from tests.sip.wire import SDP, Peer


@pytest.fixture
def options() -> Options:
    return Options(
        rtp_ports=(21000, 21999), timers=QUICK, limits=Limits(source_at_once=20), farewell=("en", "cmn")
    )


def stranger(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.setblocking(False)
    return sock


def invite(sock: socket.socket, number: int, user: str = "hotline", agent: str = "x") -> bytes:
    host, port = sock.getsockname()
    return (
        f"INVITE sip:{user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{host}{number}\r\n"
        f"From: <sip:s@{host}>;tag=a{number}\r\nTo: <sip:{user}@127.0.0.1>\r\nCall-ID: {host}-{number}\r\n"
        f"CSeq: 1 INVITE\r\nUser-Agent: {agent}\r\nContact: <sip:s@{host}:{port}>\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
    ).encode()


async def test_a_good_phone_is_answered_during_a_flood(world: World) -> None:
    host, _, port = world.address.rpartition(":")
    sock, stop = stranger("127.0.0.2"), asyncio.Event()

    async def flood() -> int:
        """2,000 packets a second, for as long as the call takes; at most 5 s of them."""
        sent, begun = 0, time.monotonic()
        while not stop.is_set() and sent < 10_000:
            while sent < (time.monotonic() - begun) * 2000:
                sock.sendto(invite(sock, sent), (host, int(port)))
                sent += 1
            await asyncio.sleep(0.005)
        return sent

    flooding = asyncio.create_task(flood())
    banned = await world.reported.next(events.SourceBanned, source="127.0.0.2")
    assert banned.why == "flood"
    anna = await world.phone("anna", "a-secret")
    await world.reported.next(events.PhoneRegistered)
    call = anna.call("hotline")
    arrived = await world.reported.next(events.CallArrived, phone="anna")
    world.do(commands.AnswerLeg(arrived.leg))
    await until(call.up.is_set)
    stop.set()
    assert await flooding > 100
    assert world.line.figures()["messages_dropped"] > 0
    sock.close()


async def test_invites_that_are_never_acknowledged_hold_few_ports(world: World) -> None:
    host, _, port = world.address.rpartition(":")
    sock = stranger("127.0.0.3")
    for number in range(90):
        sock.sendto(invite(sock, number), (host, int(port)))
    refused = await world.reported.next(events.LegEnded, code=503)
    assert refused.outcome == "refused"
    assert len(world.line.legs()) <= 20
    assert world.line.figures()["rtp_ports_used"] <= 40
    sock.close()


async def test_a_scanner_is_banned_and_the_ban_is_lifted(world: World) -> None:
    host, _, port = world.address.rpartition(":")
    sock = stranger("127.0.0.4")
    sock.sendto(invite(sock, 1, agent="friendly-scanner"), (host, int(port)))
    assert (await world.reported.next(events.SourceBanned)).why == "scanner"
    assert not world.reported.of(events.CallArrived)
    world.do(commands.LiftBan("127.0.0.4"))
    sock.sendto(invite(sock, 2), (host, int(port)))
    await world.arrived()
    sock.close()


async def test_a_barred_caller_hears_why_is_refused_and_recorded(world: World) -> None:
    number = "+8613800138000"
    await world.line.configure(
        config(barred=(Barred(number, time.time() + 60), Barred("+8613800138001", 1.0)))
    )
    rude = await world.phone(number)
    call = rude.call("hotline")
    arrived = await world.arrived()
    await until(call.in_early_media.is_set)
    await until(lambda: call.voice.loudest() > 0, "the sentence is heard before any answer")
    ended = await world.ended(arrived.leg)
    assert (arrived.caller, ended.outcome, ended.code, ended.reason) == (number, "refused", 603, "barred")
    await until(call.over.is_set)
    assert call.ending
    assert (call.ending.code, call.up.is_set()) == (603, False)
    forgiven = await world.phone("+8613800138001")
    forgiven.call("hotline")
    assert (await world.arrived()).caller == "+8613800138001"


async def test_who_is_refused_may_hang_up_makes_no_offer_or_is_one_too_many(world: World) -> None:
    """Told at once, whatever becomes of the sentence; nothing is left over."""
    await world.line.configure(config(barred=(Barred("+8613800138000"),), refuse_withheld=True))
    listeners = [await Peer.open(world.address) for _ in range(farewell.MOST + 2)]
    mute, *others = listeners
    for peer, body in ((mute, ""), *((peer, SDP) for peer in others)):
        peer.send(peer.request("INVITE", body=body, user="+8613800138000", branch="z9hG4bKinvite"))
        arrived = await world.arrived()
        assert (await world.ended(arrived.leg)).code == 603
    await mute.take(603)
    await others[-1].take(603)
    for peer in others[:-1]:
        await peer.take(183)
    assert not world.line.legs()
    others[0].send(others[0].request("CANCEL", user="+8613800138000", branch="z9hG4bKinvite"))
    await others[0].take(487)
    for peer in others[1:-1]:
        await peer.take(603)
    await until(lambda: not world.line.figures()["rtp_ports_used"])
    for peer in listeners:
        peer.close()
