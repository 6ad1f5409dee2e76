"""G.711: the tables against each other and against a sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.telephony.media import g711
from callcenter.telephony.media.pcm import from_alaw, from_ulaw, to_ulaw
from tests.tones import sine, tone_snr

CODES = bytes(range(256))


def test_known_values() -> None:
    # ITU-T G.711, tables 1a and 2a: the ends of the scales and the steps next to zero
    assert g711.ULAW_VALUES[0x80] == 32124
    assert g711.ULAW_VALUES[0x00] == -32124
    assert g711.ULAW_VALUES[0xFF] == 0
    assert g711.ALAW_VALUES[0xD5] == 8
    assert g711.ALAW_VALUES[0x55] == -8
    assert g711.ALAW_VALUES[0xAA] == 32256
    assert g711.ALAW_VALUES[0x2A] == -32256


def test_every_mu_law_code_survives_a_round_trip_but_negative_zero() -> None:
    coded = to_ulaw(from_ulaw(CODES) * np.float32(32768 / 32767))[:256]
    assert [code for code in range(256) if coded[code] != code] == [0x7F]


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=400))
def test_companding_errs_by_half_a_step_at_most(values: list[float]) -> None:
    samples = np.array(values, np.float32)
    error = np.abs(from_ulaw(to_ulaw(samples))[: len(samples)] - samples)
    assert np.all(error <= np.abs(samples) / 30 + 0.02 * (np.abs(samples) > 0.97) + 0.0003)


def test_frames_are_whole() -> None:
    assert len(to_ulaw(sine(440, 0.0301))) == 320
    assert to_ulaw(sine(440, 0.0301))[-30:] == b"\xff" * 30


def test_silence_stays_silence() -> None:
    assert g711.SILENCE[g711.PCMU].translate(g711.ULAW_TO_ALAW) == g711.SILENCE[g711.PCMA]
    assert g711.SILENCE[g711.PCMA].translate(g711.ALAW_TO_ULAW) == g711.SILENCE[g711.PCMU]


def test_a_tone_is_clear_after_transcoding_there_and_back() -> None:
    body = to_ulaw(sine(1004, 1.0))
    there = body.translate(g711.ULAW_TO_ALAW)
    assert tone_snr(from_alaw(there), 1004) > 30
    assert tone_snr(from_ulaw(there.translate(g711.ALAW_TO_ULAW)), 1004) > 30


@pytest.mark.parametrize(("source", "into"), [(0, 8), (8, 0), (0, 0), (8, 8)])
def test_muted_is_the_silence_of_the_receivers_law(source: int, into: int) -> None:
    table = g711.conversion(source, into, muted=True)
    assert table is not None
    assert CODES.translate(table) == g711.SILENCE[into] * 256
