"""Sums of G.711: exact but for the law's own steps, and saturated."""

import numpy as np
import pytest

from callcenter.telephony.media.codec import G722, Decoder, Encoder
from callcenter.telephony.media.g711 import ALAW_VALUES, FRAME, PCMA, PCMU, ULAW_VALUES
from callcenter.telephony.media.mixer import Mix, coded, lanes
from tests.tones import heard, sine, tone_snr, ulaw_tone

VALUES = {PCMU: ULAW_VALUES, PCMA: ALAW_VALUES}


def number(codes: bytes, law: int) -> int:
    return int.from_bytes(lanes(Decoder().linear(codes, law)), "little")


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_one_alone_comes_back_as_it_is(law: int) -> None:
    for start in (0, 96):
        codes = bytes(range(start, start + FRAME))
        back = coded(number(codes, law), 1, law, Encoder())
        assert [VALUES[law][code] for code in back] == [VALUES[law][code] for code in codes]


@pytest.mark.parametrize("law", [PCMU, PCMA])
@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_sum_is_the_nearest_code_and_saturates(law: int, count: int) -> None:
    rng = np.random.default_rng(711)
    frames = [rng.integers(0, 256, FRAME, np.uint8).tobytes() for _ in range(count)]
    back = coded(sum(number(codes, law) for codes in frames), count, law, Encoder())
    for at in range(FRAME):
        exact = max(min(sum(VALUES[law][codes[at]] for codes in frames), 32767), -32768)
        assert abs(VALUES[law][back[at]] - exact) == min(abs(value - exact) for value in VALUES[law])


def test_two_tones_in_two_laws_are_both_in_the_sum() -> None:
    one, two = ulaw_tone(500, 0.02), ulaw_tone(1500, 0.02)
    total = number(one, PCMU) + number(two, PCMU)
    sound = heard(coded(total, 2, PCMA, Encoder()), PCMA)
    assert np.abs(sound - heard(one, 0) - heard(two, 0)).max() < 0.02
    assert tone_snr(sound - sine(1500, 0.02), 500) > 20


def test_a_sum_in_g722_is_saturated_too() -> None:
    loud = (3000 * 2**15 // 4000 - 1).to_bytes(2, "little", signed=True) * FRAME
    total = int.from_bytes(lanes(loud), "little") * 3
    encoder, decoder = Encoder(), Decoder()
    for _ in range(20):
        linear = np.frombuffer(decoder.linear(coded(total, 3, G722, encoder), G722), "<i2")
    assert linear.min() > 28_000


def test_nobody_speaks() -> None:
    mix: Mix[str] = Mix()
    mix.take(("a", "b"))
    assert mix.frame(PCMU, Encoder()) is None
    mix.skip()
    kept = mix.voices["a"]
    mix.take(("a", "c"))
    assert mix.voices["a"] is kept
    assert list(mix.voices) == ["a", "c"]
