"""One stream to each receiver, whole and faithful, whatever it is fed from and whoever tries to get in."""

import asyncio
import itertools
import struct
import time

import pytest

from callcenter.telephony.media.g711 import FRAME
from callcenter.telephony.media.plane import Digit, MediaPlane, PlayFinished, Silent
from tests.hall import Hall, started
from tests.party import Packet, Party, assert_continuous, running, until
from tests.tones import tone_level, tone_snr


class Clock(list[float]):
    """When each packet came, beside the packets of a party."""

    def __init__(self, party: Party) -> None:
        super().__init__()
        party.on_packet = lambda packet: self.append(time.monotonic())

    def worst(self) -> float:
        """Milliseconds of the longest gap."""
        return max(after - before for before, after in itertools.pairwise(self)) * 1000


def assert_whole(packets: list[Packet]) -> None:
    """No sequence number is missing, and 20 ms follow on 20 ms; at a change of source the clock may skip what really
    passed, never more than a busy machine's delay."""
    assert_continuous(packets)
    for before, after in itertools.pairwise(packets):
        step = (after.ts - before.ts) & 0xFFFFFFFF
        assert step == FRAME or (after.marker and FRAME <= step <= 8000)
        assert len(after.body) == FRAME


@pytest.mark.parametrize("payloads", [(0, 0), (8, 0), (9, 8)])
async def test_prompt_music_agent_hold_and_agent_again_are_one_whole_stream(
    hall: Hall, payloads: tuple[int, int]
) -> None:
    caller, agent = Party(payload=payloads[0]), Party(payload=payloads[1], ssrc=7)
    clock = Clock(caller)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        agent.speak(1000)
        hall.plane.play("a", "p", ("tone:500:400",), False)
        await hall.reported(PlayFinished("a", "p"))
        hall.plane.play("a", "m", ("tone:800:60000",), True)
        await until(lambda: tone_snr(caller.heard()[-3200:], 800) > 25)
        await hall.bridge("a", "b")
        await until(lambda: tone_snr(caller.heard()[-3200:], 1000) > 25)
        hall.plane.part("a")
        hall.plane.play("a", "h", ("tone:800:60000",), True)
        await until(lambda: tone_snr(caller.heard()[-3200:], 800) > 25)
        await hall.bridge("a", "b")
        await until(lambda: tone_snr(caller.heard()[-3200:], 1000) > 25)
        assert_whole(caller.packets)
        print(f"longest gap from prompt to music to agent to hold to agent: {clock.worst():.1f} ms")


async def test_an_agent_who_does_not_speak_yet_leaves_no_gap(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        hall.plane.play("a", "m", ("tone:800:60000",), True)
        await until(lambda: len(caller.packets) > 20)
        await hall.bridge("a", "b")
        at = len(caller.packets)
        await until(lambda: len(caller.packets) > at + 20)
        agent.speak(1000)
        await until(lambda: tone_snr(caller.heard()[-3200:], 1000) > 25)
        assert_whole(caller.packets)


@pytest.mark.parametrize("payloads", [(0, 0), (8, 8), (0, 8), (8, 0), (9, 9), (9, 8), (8, 9)])
async def test_the_relay_keeps_a_tone_35_db_above_all_else(hall: Hall, payloads: tuple[int, int]) -> None:
    caller, agent = Party(payload=payloads[0]), Party(payload=payloads[1], ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(1020, 0.7)
        await hall.bridge("a", "b")
        await agent.hears(20)
        await until(lambda: tone_snr(agent.heard()[-8000:], 1020) >= 35, "35 dB")
        print(f"{payloads}: {tone_snr(agent.heard()[-8000:], 1020):.1f} dB")


@pytest.mark.parametrize(("left", "right"), [(10, 20), (20, 40), (30, 20)])
@pytest.mark.parametrize("payloads", [(0, 0), (9, 8)])
async def test_packets_of_each_sides_own_length_are_passed_on(
    hall: Hall, left: int, right: int, payloads: tuple[int, int]
) -> None:
    caller, agent = Party(payload=payloads[0]), Party(payload=payloads[1], ssrc=7)
    caller.ptime, agent.ptime = left, right
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await until(lambda: tone_snr(caller.heard()[-6400:], 1000) > 25)
        await until(lambda: tone_snr(agent.heard()[-6400:], 440) > 25)
        assert len(caller.packets[-1].body) == 8 * right
        assert len(agent.packets[-1].body) == 8 * left


async def test_nobody_gets_in_while_a_new_address_is_learnt(hall: Hall) -> None:
    """A re-INVITE names another address; one who forges packets before the party sends is out once it does."""
    first, second, agent = Party(), Party(ssrc=3), Party(ssrc=7)
    stranger = Party(ssrc=666)
    async with running(first, second, agent, stranger):
        hall.enter("a", first)
        hall.enter("b", agent)
        first.speak(440)
        await hall.bridge("a", "b")
        await until(lambda: tone_snr(agent.heard()[-3200:], 440) > 25)
        first.speak(0)
        hall.enter("a", second)
        stranger.to = first.to
        stranger.speak(2500)
        await until(lambda: stranger.seq > 65_500 + 20)
        second.speak(700)
        agent.speak(1000)
        await until(lambda: tone_snr(agent.heard()[-3200:], 700) > 25)
        await until(lambda: tone_snr(second.heard()[-3200:], 1000) > 25)
        at = len(stranger.packets)
        assert tone_level(await agent.hears(), 2500) < -50
        assert len(stranger.packets) == at
        assert_continuous(agent.packets)


async def test_the_same_address_again_keeps_the_lock(hall: Hall) -> None:
    caller, agent, stranger = Party(), Party(ssrc=7), Party(ssrc=666)
    async with running(caller, agent, stranger):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        await hall.bridge("a", "b")
        await until(lambda: tone_snr(agent.heard()[-3200:], 440) > 25)
        stranger.to = caller.to
        stranger.speak(2500)
        for direction in ("sendonly", "sendrecv"):
            hall.enter("a", caller, direction=direction)
            await agent.hears(30)
            assert tone_level(agent.heard(), 2500) < -50
        assert not stranger.packets


async def test_a_strangers_reports_keep_nobody_alive() -> None:
    hall = await started(MediaPlane(silent_after=1.5))
    caller, stranger = Party(), Party(ssrc=666)
    async with running(caller, stranger):
        hall.enter("a", caller)
        report = struct.pack("!BBHI", 0x80, 201, 1, 9)
        caller.rtcp.sendto(report, ("127.0.0.1", caller.to + 1))

        def told() -> bool:
            stranger.rtcp.sendto(report, ("127.0.0.1", caller.to + 1))
            return any(isinstance(event, Silent) for event in hall.events)

        await until(told)
    await hall.plane.stop()


async def test_keys_go_both_ways_each_under_the_others_type(hall: Hall) -> None:
    caller, agent = Party(dtmf=101), Party(payload=8, dtmf=96, ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await asyncio.gather(caller.hears(10), agent.hears(10))
        for presser, listener, leg, kind in ((caller, agent, "a", 96), (agent, caller, "b", 101)):
            presser.press("4")
            await hall.reported(Digit(leg, "4"))
            await until(lambda: sum(packet.kind == kind for packet in listener.packets) == 8)  # noqa: B023
            events = [packet for packet in listener.packets if packet.kind == kind]
            assert len({packet.ts for packet in events}) == 1
        assert_continuous(caller.packets)
        assert_continuous(agent.packets)
