"""A speaker's packets late, lost, doubled, of any length and on another clock: what a mix takes of them."""

import itertools
import random
from collections.abc import Iterable

import pytest

from callcenter.telephony.media.g711 import FRAME
from callcenter.telephony.media.jitter import LANE, MOST, SILENT_LANES, Voice

SILENCE = int.from_bytes(SILENT_LANES, "little")


def samples(at: int, count: int = FRAME) -> bytes:
    """Samples that count on, so that each tells its place."""
    return b"".join(n.to_bytes(LANE, "little") for n in range(at, at + count))


def play(arrivals: Iterable[tuple[float, int]], turns: int, count: int = FRAME) -> list[int | None]:
    """(milliseconds, packet number) of what arrives; for each turn its first sample, None for silence."""
    voice, queue, heard = Voice(), sorted(arrivals), []
    for turn in range(turns):
        while queue and queue[0][0] <= turn * 20:
            number = queue.pop(0)[1]
            voice.say(1, (number * count - 400) & 0xFFFFFFFF, samples(number * count, count))
        frame = voice.frame()
        heard.append(None if frame is None else frame & 0xFFFFFFFF)
    return heard


def spoken(heard: list[int | None]) -> list[int]:
    return [first for first in heard if first is not None]


@pytest.mark.parametrize("ptime", [10, 20, 30, 40])
def test_even_packets_of_any_length_are_heard_whole_and_soon(ptime: int) -> None:
    heard = play(((n * ptime + 5, n) for n in range(400)), 4000 // 20, 8 * ptime)
    at = spoken(heard)
    # of long packets more is gathered at first than is needed then, and one turn of it is taken back
    assert sum(after - before != FRAME for before, after in itertools.pairwise(at)) <= (ptime == 40)
    assert heard[10:].count(None) <= 2
    assert next(turn for turn, first in enumerate(heard) if first is not None) <= 5


def test_packets_late_by_up_to_60_ms_are_heard_whole_once_it_is_used_to_it() -> None:
    late = random.Random(1)
    heard = play(((n * 20 + late.uniform(0, 60), n) for n in range(1000)), 1000)
    settled = heard[250:]
    assert settled.count(None) <= 2
    at = spoken(settled)
    lost = sum(after - before != FRAME for before, after in itertools.pairwise(at))
    assert lost <= 6


def test_it_takes_back_a_delay_that_is_not_needed() -> None:
    """A burst after a stall of 100 ms, then even packets: within seconds the delay is what it was."""
    arrivals = [(max(n * 20, 1100.0) if 50 <= n < 55 else n * 20.0, n) for n in range(1000)]
    heard = play(arrivals, 1000)
    delay = [turn - first // FRAME for turn, first in enumerate(heard) if first is not None]
    assert max(delay) <= 6
    assert delay[-1] <= 2


def test_it_never_grows_whatever_comes() -> None:
    noise, voice = random.Random(2), Voice()
    at = 0
    for _ in range(5000):
        at = noise.choice([at + FRAME, at + FRAME, at - noise.randrange(2000), noise.randrange(2**32)])
        voice.say(
            noise.choice([1, 1, 1, 2]), at & 0xFFFFFFFF, samples(0, noise.choice([0, 1, 80, 160, 320, 1400]))
        )
        assert len(voice._held) <= MOST * LANE
        if noise.random() < 0.5:
            voice.frame()


@pytest.mark.parametrize("drift", [0.995, 1.005])
def test_a_clock_that_runs_faster_or_slower_is_followed(drift: float) -> None:
    heard = play(((n * 20 * drift, n) for n in range(4000)), 3900)
    delay = [turn * 20 - first // 8 * drift for turn, first in enumerate(heard) if first is not None]
    assert max(delay) <= 125
    assert heard.count(None) < 60


def test_what_is_lost_is_silence_of_its_length_and_doubles_are_heard_once() -> None:
    voice = Voice()
    for number in (0, 1, 1, 3, 2, 5, 5):
        voice.say(1, number * FRAME, samples(number * FRAME))
    frames = [voice.frame() for _ in range(7)]
    assert [frame if frame is None else frame & 0xFFFFFFFF for frame in frames] == [
        0, 160, 320, 480, 0x8000, 800, None,
    ]  # fmt: skip
    assert frames[4] == SILENCE


def test_another_source_begins_anew() -> None:
    voice = Voice()
    for number in range(3):
        voice.say(1, number * FRAME, samples(0))
    for number in range(2):
        voice.say(2, 77 + number * FRAME, samples(1000 + number * FRAME))
    assert [(voice.frame() or 0) & 0xFFFFFFFF for _ in range(3)] == [1000, 1160, 0]
