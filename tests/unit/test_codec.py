"""Linear samples of each codec and back; G.722 against libg722 at its full rate, as phones run it."""

import numpy as np
import pytest
from G722 import G722 as Engine  # noqa: N811 - a class

from callcenter.telephony.media.codec import (
    AUDIO,
    G722,
    SILENT_FRAMES,
    Decoder,
    Encoder,
    silence,
    translation,
)
from callcenter.telephony.media.g711 import ALAW_VALUES, FRAME, PCMA, PCMU, ULAW_VALUES
from callcenter.telephony.media.player import Player, Sound
from tests.tones import heard, sine, tone_snr, ulaw_tone

VALUES = {PCMU: ULAW_VALUES, PCMA: ALAW_VALUES}
ALL = bytes(range(256))


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_each_code_is_its_value_and_each_value_its_code(law: int) -> None:
    linear = Decoder().linear(ALL, law)
    assert list(np.frombuffer(linear, "<i2")) == list(VALUES[law])
    back = Encoder().coded(linear, law)
    assert [VALUES[law][code] for code in back] == list(VALUES[law])


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_every_value_gets_the_nearest_code(law: int) -> None:
    values = np.arange(-32768, 32768).astype("<i2")
    chosen = np.array(VALUES[law])[np.frombuffer(Encoder().coded(values.tobytes(), law), np.uint8)]
    nearest = np.abs(np.array(sorted(set(VALUES[law])))[None, :] - values[::16, None]).min(axis=1)
    assert (np.abs(chosen[::16] - values[::16]) == nearest).all()


@pytest.mark.parametrize("hertz", [300, 1000, 2000])
def test_a_phone_at_its_full_rate_understands_us_and_we_it(hertz: float) -> None:
    encoder, decoder = Encoder(), Decoder()
    ours = (sine(hertz, 1.0) * 32767).astype("<i2").tobytes()
    sent = b"".join(encoder.coded(ours[at : at + 320], G722) for at in range(0, len(ours), 320))
    assert len(sent) == 8000
    far = np.array(Engine(16_000, 64_000, False).decode(sent), np.float32)
    assert tone_snr(far[1600:], hertz, 16_000) > 30
    theirs = (sine(hertz, 1.0, 16_000) * 32767).astype(np.int16)
    came = decoder.linear(Engine(16_000, 64_000, False).encode(memoryview(theirs)), G722)
    near = np.frombuffer(came, "<i2").astype(np.float32) / 32768
    assert tone_snr(near[800:], hertz) > 30
    assert float(np.abs(near[800:]).max()) == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("payload", sorted(AUDIO))
@pytest.mark.parametrize("size", [0, 80, 160, 240, 320, 1400])
def test_silence_has_the_length_of_what_it_replaces(payload: int, size: int) -> None:
    quiet = silence(payload)(b"\x12" * size)
    assert len(quiet) == size
    if size:
        assert np.abs(heard(quiet, payload)).max() < 0.002


def test_nothing_is_translated_where_nothing_changes() -> None:
    assert [translation(payload, payload) for payload in sorted(AUDIO)] == [None] * 3
    convert = translation(PCMU, PCMA)
    assert convert is not None
    assert convert(SILENT_FRAMES[PCMU]) == SILENT_FRAMES[PCMA]


def test_a_sound_in_g722_is_the_same_for_all_who_hear_it() -> None:
    sound = Sound(ulaw_tone(800, 1.0))
    first, second = Player("p", [sound], loop=True), Player("q", [sound], loop=False)
    one = b"".join(first.next_frame(G722) or b"" for _ in range(50))
    other = b"".join(frame for _ in range(51) if (frame := second.next_frame(G722)))
    assert one == other
    assert tone_snr(heard(one, G722)[800:], 800) > 30
    assert first.next_frame(G722) == one[:FRAME]


def test_who_turns_to_g722_in_the_middle_hears_the_sound_from_there() -> None:
    player = Player("p", [Sound(ulaw_tone(500, 4.0) + ulaw_tone(900, 4.0))], loop=False)
    for _ in range(200):
        assert player.next_frame(PCMA)
    rest = b"".join(frame for _ in range(201) if (frame := player.next_frame(G722)))
    assert len(rest) == 200 * FRAME
    assert tone_snr(heard(rest, G722)[10 * FRAME :], 900) > 30
