"""SRTP in the relay, over real UDP: who has the keys is heard and hears, who has not is nothing."""

import asyncio
import os
import random
import secrets
import signal
import socket

import pytest

from callcenter.telephony.media.crypto import KEY_BYTES, SUITES, Crypto
from callcenter.telephony.media.plane import ChildDied, Digit, MediaPlane, PlayFinished, Silent
from callcenter.telephony.media.srtp import Srtp
from tests.hall import Hall, started
from tests.party import Party, assert_continuous, running, until
from tests.tones import tone_level, tone_snr


def keys(suite: str = SUITES[0]) -> Crypto:
    return Crypto(suite, secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))


async def hears(party: Party, hertz: float) -> None:
    await until(lambda: tone_snr(party.heard()[-4000:], hertz) > 25, f"{hertz} Hz")


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize(("secure", "payload"), [(False, 0), (False, 8), (True, 0), (True, 9)])
async def test_secure_and_plain_parties_hear_each_other(
    hall: Hall, suite: str, secure: bool, payload: int
) -> None:
    caller = Party(crypto=keys(suite))
    agent = Party(payload=payload, dtmf=96, ssrc=7, crypto=keys(suite) if secure else None)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await asyncio.gather(hears(caller, 1000), hears(agent, 440))
        caller.press("5")
        await hall.reported(Digit("a", "5"))
        await until(lambda: sum(packet.kind == 96 for packet in agent.packets) == 8)
        hall.plane.play("a", "p", ("tone:700:600",), False)
        await hears(caller, 700)
        await hall.reported(PlayFinished("a", "p"))
        await hears(caller, 1000)
        assert_continuous(caller.packets)
        assert_continuous(agent.packets)
        assert caller.odd == agent.odd == 0


async def test_secure_parties_are_mixed_with_others(hall: Hall) -> None:
    parties = [Party(crypto=keys(), ssrc=1), Party(payload=8, ssrc=2), Party(crypto=keys(SUITES[1]), ssrc=3)]
    async with running(*parties):
        for leg, party, hertz in zip("abc", parties, (400, 700, 1100), strict=True):
            hall.enter(leg, party)
            party.speak(hertz)
            hall.plane.hear(leg, tuple("abc"))
        for leg in "abc":
            hall.plane.hear(leg, tuple("abc"))

        def all_heard() -> bool:
            return all(
                tone_level(party.heard()[-4000:], hertz) > -16
                for party, own in zip(parties, (400, 700, 1100), strict=True)
                for hertz in (400, 700, 1100)
                if hertz != own
            )

        await until(all_heard)


async def test_other_keys_are_taken_and_the_same_go_on(hall: Hall) -> None:
    caller, agent = Party(crypto=keys()), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await asyncio.gather(hears(caller, 1000), hears(agent, 440))
        hall.enter("a", caller)
        await asyncio.gather(caller.hears(20), agent.hears(20))
        assert caller.odd == 0
        # a re-INVITE: our key stays, theirs is new; then both
        assert caller.crypto is not None
        for crypto in (
            Crypto(SUITES[0], caller.crypto.send, secrets.token_bytes(KEY_BYTES)),
            keys(SUITES[1]),
        ):
            caller.secure(crypto)
            hall.enter("a", caller)
            await asyncio.gather(caller.hears(20), agent.hears(20))
            await asyncio.gather(hears(caller, 1000), hears(agent, 440))
            assert_continuous(caller.packets)
            assert_continuous(agent.packets)


async def test_who_has_not_the_keys_is_not_heard_and_latches_nothing(hall: Hall) -> None:
    """The party is behind a NAT, so that its source must be learnt: by whose packets are authentic."""
    caller, agent, announced = Party(crypto=keys()), Party(ssrc=7), Party()
    stranger, plain = Party(crypto=keys(), ssrc=666), Party(ssrc=667)
    async with running(caller, agent, announced, stranger, plain):
        hall.enter("a", caller, announced=announced.port)
        hall.enter("b", agent)
        await hall.bridge("a", "b")
        stranger.to = plain.to = caller.to
        stranger.speak(2500)
        plain.speak(2500)
        await until(lambda: stranger.seq - 65_500 > 20)
        assert not any(packet.body for packet in agent.packets if packet.body != b"\xff" * 160)
        caller.speak(440)
        agent.speak(1000)
        await asyncio.gather(hears(caller, 1000), hears(agent, 440))
        assert tone_level(agent.heard()[-4000:], 2500) < -50
        assert stranger.packets == plain.packets == []
        assert stranger.odd == 0


async def test_replayed_packets_are_not_heard_again_and_latch_nothing(hall: Hall) -> None:
    caller, agent = Party(crypto=keys()), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        await hall.bridge("a", "b")
        await hears(agent, 440)
        caller.speak(0)
        await agent.hears(80)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for packet in caller.sealed[-60:]:
                caller.rtp.sendto(packet, ("127.0.0.1", caller.to))
                stranger.sendto(packet, ("127.0.0.1", caller.to))
        await agent.hears(20)
        assert tone_level(await agent.hears(), 440) < -80


async def test_a_source_that_begins_anew_is_heard(hall: Hall) -> None:
    caller, agent = Party(crypto=keys()), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        await hall.bridge("a", "b")
        await hears(agent, 440)
        caller.ssrc, caller.seq, caller.ts = 0x5555, 12, 99
        await agent.hears(30)
        await hears(agent, 440)
        assert_continuous(agent.packets)


async def test_reports_are_sealed(tmp_path: object) -> None:
    hall = await started(MediaPlane(silent_after=2.5))
    crypto = keys()
    caller = Party(crypto=crypto)
    theirs = Srtp(crypto.suite, crypto.receive, crypto.send)
    async with running(caller):
        hall.enter("a", caller)
        reports: list[bytes] = []
        seal = bytes((0x80, 201, 0, 1, 0, 0, 0, 9))

        def reported() -> bool:
            caller.rtcp.sendto(theirs.seal_report(seal), ("127.0.0.1", caller.to + 1))
            try:
                reports.append(caller.rtcp.recv(2048))
            except BlockingIOError:
                return False
            return True

        await until(reported)
        opened = theirs.open_report(reports[0])
        assert opened[:2] == bytes((0x80, 200))
        assert int.from_bytes(opened[4:8], "big") == caller.packets[0].ssrc
        # sealed reports keep the silent party alive, until they come in the clear
        await until(lambda: reported() and len(reports) > 1)
        assert hall.events == []

        def in_the_clear() -> bool:
            caller.rtcp.sendto(seal, ("127.0.0.1", caller.to + 1))
            return any(isinstance(event, Silent) for event in hall.events)

        await until(in_the_clear)
    await hall.plane.stop()


async def test_calls_go_on_when_the_audio_process_dies_and_garbage_disturbs_nobody(hall: Hall) -> None:
    caller, agent = Party(crypto=keys()), Party(crypto=keys(), ssrc=7)
    caller.seq = 100
    agent.seq = 100
    noise = random.Random(3711)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await asyncio.gather(hears(caller, 1000), hears(agent, 440))
        for _ in range(200):
            garbled = bytearray(noise.choice(caller.sealed[-20:]))
            garbled[noise.randrange(len(garbled))] ^= 1 << noise.randrange(8)
            body = bytes(garbled[: noise.choice([12, 13, 60, 182])])
            caller.rtp.sendto(body, ("127.0.0.1", caller.to))
            caller.rtcp.sendto(body, ("127.0.0.1", caller.to + 1))
        await asyncio.gather(caller.hears(20), agent.hears(20))
        os.kill(hall.plane.pid, signal.SIGKILL)
        await hall.reported(ChildDied(restarted=True))
        await asyncio.gather(caller.hears(20), agent.hears(20))
        await asyncio.gather(hears(caller, 1000), hears(agent, 440))
