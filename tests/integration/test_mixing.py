"""Several who hear each other, over real UDP: conference, listening, whisper; told apart by their frequencies."""

import asyncio
import os
import random
import signal

import numpy as np
import pytest

from callcenter.telephony.media.plane import ChildDied, Digit, PlayFinished
from tests.hall import Hall
from tests.party import Party, assert_continuous, running, until
from tests.tones import tone_level, tone_snr

CUSTOMER, AGENT, SUPERVISOR = 400, 700, 1100
HEARD, UNHEARD = -16.0, -50.0
"""dB of full scale: the tones are sent with -10.5."""


class Three:
    """A customer, an agent and a supervisor, who all speak."""

    def __init__(self, hall: Hall, payloads: tuple[int, int, int] = (0, 8, 0)) -> None:
        self.hall, self.plane = hall, hall.plane
        self.customer = Party(payload=payloads[0], ssrc=1)
        self.agent = Party(payload=payloads[1], dtmf=96, ssrc=2)
        self.supervisor = Party(payload=payloads[2], ssrc=3)
        self.all = (self.customer, self.agent, self.supervisor)

    async def talk(self) -> None:
        for leg, party, hertz in zip("cas", self.all, (CUSTOMER, AGENT, SUPERVISOR), strict=True):
            self.hall.enter(leg, party)
            party.speak(hertz)
        await self.hall.bridge("c", "a")

    def join(self) -> None:
        """A conference: each hears the two others."""
        for leg in "cas":
            self.plane.hear(leg, tuple(other for other in "cas" if other != leg))

    def whisper(self) -> None:
        """The supervisor hears both and is heard by the agent alone."""
        self.plane.hear("s", ("c", "a"))
        self.plane.hear("a", ("c", "s"))


def levels(party: Party, packets: int = 25) -> list[float]:
    """dB of the three tones in the last packets that came."""
    sound = party.heard()[-160 * packets :]
    return [tone_level(sound, hertz) for hertz in (CUSTOMER, AGENT, SUPERVISOR)]


async def hears(party: Party, *tones: int) -> None:
    """Wait until these tones and no others are what the party hears."""

    def right() -> bool:
        return (
            len(party.packets) >= 25
            and [
                level > HEARD if hertz in tones else level < UNHEARD
                for hertz, level in zip((CUSTOMER, AGENT, SUPERVISOR), levels(party), strict=True)
            ]
            == [True] * 3
        )

    await until(right, f"{tones} in {levels(party) if party.packets else []}")


@pytest.mark.parametrize("payloads", [(0, 8, 0), (8, 8, 8), (9, 8, 9), (9, 9, 9)])
async def test_in_a_conference_each_hears_the_others_and_not_itself(
    hall: Hall, payloads: tuple[int, int, int]
) -> None:
    three = Three(hall, payloads)
    async with running(*three.all):
        await three.talk()
        three.join()
        await asyncio.gather(
            hears(three.customer, AGENT, SUPERVISOR),
            hears(three.agent, CUSTOMER, SUPERVISOR),
            hears(three.supervisor, CUSTOMER, AGENT),
        )
        for party in three.all:
            assert_continuous(party.packets)


async def test_the_customer_never_hears_a_whisper(hall: Hall) -> None:
    three = Three(hall)
    async with running(*three.all):
        await three.talk()
        await hears(three.customer, AGENT)
        heard_before = len(three.customer.packets)
        three.whisper()
        await hears(three.agent, CUSTOMER, SUPERVISOR)
        await hears(three.supervisor, CUSTOMER, AGENT)
        three.plane.mute("a", True)
        three.plane.hear("a", ("c",))
        three.plane.hear("a", ("s", "c"))
        three.plane.mute("a", False)
        await hears(three.agent, CUSTOMER, SUPERVISOR)
        await hears(three.customer, AGENT)
        # not in one packet from the first to the last, whatever was changed meanwhile
        sound = three.customer.heard()[heard_before * 160 :]
        for start in range(0, len(sound) - 1600, 800):
            assert tone_level(sound[start : start + 1600], SUPERVISOR) < -35
        assert tone_level(sound, SUPERVISOR) < UNHEARD
        assert_continuous(three.customer.packets)


async def test_one_who_listens_is_heard_by_nobody_and_hears_both(hall: Hall) -> None:
    three = Three(hall)
    async with running(*three.all):
        await three.talk()
        three.plane.hear("s", ("c", "a"))
        await hears(three.supervisor, CUSTOMER, AGENT)
        await hears(three.customer, AGENT)
        await hears(three.agent, CUSTOMER)
        # the two part, and meet again: the listener hears whoever speaks all the while
        three.plane.part("c")
        await until(lambda: float(np.abs(three.customer.heard()[-1600:]).max()) < 0.001)
        await hears(three.supervisor, CUSTOMER, AGENT)
        await hall.bridge("a", "c")
        await hears(three.customer, AGENT)
        three.plane.hear("s", ("a",))
        await hears(three.supervisor, AGENT)
        three.plane.hear("s", ())
        await until(lambda: float(np.abs(three.supervisor.heard()[-1600:]).max()) < 0.001)
        for party in three.all:
            assert_continuous(party.packets)


async def test_several_who_hear_one_alone_get_it_as_it_is(hall: Hall) -> None:
    three = Three(hall)
    async with running(*three.all):
        await three.talk()
        three.plane.hear("s", ("c",))
        await hears(three.supervisor, CUSTOMER)
        await hears(three.agent, CUSTOMER)
        three.customer.press("7")
        await until(lambda: sum(packet.kind == 101 for packet in three.supervisor.packets) == 8)
        await until(lambda: sum(packet.kind == 96 for packet in three.agent.packets) == 8)
        await hall.reported(Digit("c", "7"))
        for party in three.all:
            assert_continuous(party.packets)


async def test_who_ends_leaves_every_mix(hall: Hall) -> None:
    three = Three(hall)
    async with running(*three.all):
        await three.talk()
        three.join()
        await hears(three.customer, AGENT, SUPERVISOR)
        three.plane.close("s")
        await hears(three.customer, AGENT)
        await hears(three.agent, CUSTOMER)
        three.plane.close("a")
        await until(lambda: float(np.abs(three.customer.heard()[-1600:]).max()) < 0.001)
        assert_continuous(three.customer.packets)


async def test_plays_and_mute_in_a_mix(hall: Hall) -> None:
    three = Three(hall)
    async with running(*three.all):
        await three.talk()
        three.join()
        await hears(three.customer, AGENT, SUPERVISOR)
        three.plane.play("c", "p", ("tone:2000:700",), False)
        await until(lambda: tone_snr(three.customer.heard()[-3200:], 2000) > 25)
        await hears(three.agent, CUSTOMER, SUPERVISOR)
        await hall.reported(PlayFinished("c", "p"))
        await hears(three.customer, AGENT, SUPERVISOR)
        three.plane.mute("s", True)
        await hears(three.customer, AGENT)
        three.plane.mute("s", False)
        await hears(three.customer, AGENT, SUPERVISOR)
        assert_continuous(three.customer.packets)


async def test_keys_are_told_and_are_no_noise_in_a_mix(hall: Hall) -> None:
    three = Three(hall)
    async with running(*three.all):
        await three.talk()
        three.join()
        await hears(three.agent, CUSTOMER, SUPERVISOR)
        three.customer.press("5")
        await hall.reported(Digit("c", "5"))
        await hears(three.agent, CUSTOMER, SUPERVISOR)
        assert {packet.kind for packet in three.agent.packets} == {8}
        assert {packet.kind for packet in three.supervisor.packets} == {0}
        three.plane.send_digits("a", "9")
        await until(lambda: sum(packet.kind == 96 for packet in three.agent.packets) == 8)
        await hears(three.agent, CUSTOMER, SUPERVISOR)
        for party in three.all:
            assert_continuous(party.packets)


async def test_what_is_too_loud_together_stays_at_its_loudest(hall: Hall) -> None:
    three = Three(hall, (0, 0, 0))
    async with running(*three.all):
        await three.talk()
        three.join()
        await hears(three.customer, AGENT, SUPERVISOR)
        three.agent.speak(AGENT, 0.9)
        three.supervisor.speak(AGENT, 0.9)
        three.customer.packets.clear()
        await until(lambda: np.abs(three.customer.heard()).max(initial=0.0) > 0.97)
        await until(lambda: len(three.customer.packets) > 50)
        # one that wrapped around would jump from the top to the bottom between two samples
        assert np.abs(np.diff(three.customer.heard()[-4000:])).max() < 1.2


async def test_a_conference_outlives_the_audio_process(hall: Hall) -> None:
    three = Three(hall)
    async with running(*three.all):
        await three.talk()
        three.whisper()
        await hears(three.agent, CUSTOMER, SUPERVISOR)
        os.kill(hall.plane.pid, signal.SIGKILL)
        await hall.reported(ChildDied(restarted=True))
        for party in three.all:
            party.packets.clear()
        await hears(three.agent, CUSTOMER, SUPERVISOR)
        await hears(three.supervisor, CUSTOMER, AGENT)
        await hears(three.customer, AGENT)


@pytest.mark.parametrize("ptime", [10, 30, 40])
async def test_packets_of_any_length_are_mixed(hall: Hall, ptime: int) -> None:
    three = Three(hall)
    three.customer.ptime = ptime
    async with running(*three.all):
        await three.talk()
        three.join()
        await hears(three.agent, CUSTOMER, SUPERVISOR)
        await hears(three.customer, AGENT, SUPERVISOR)


async def test_a_party_whose_packets_come_unevenly_is_heard_whole(hall: Hall) -> None:
    three = Three(hall)
    three.customer.late = lambda: random.Random(three.customer.seq).uniform(0, 0.04)
    async with running(*three.all):
        await three.talk()
        three.join()
        await hears(three.supervisor, CUSTOMER, AGENT)
        await hears(three.agent, CUSTOMER, SUPERVISOR)
