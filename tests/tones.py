"""What tests hear: sines in, and how much of a sound is the sine that was expected."""

import numpy as np
from G722 import G722

from callcenter.telephony.media.pcm import RATE, Samples, from_alaw, from_ulaw, to_ulaw

_EITHER_SIDE = 3
_TOO_SHORT = 160


def sine(hertz: float, seconds: float, rate: int = RATE, level: float = 0.3) -> Samples:
    """A steady tone."""
    t = np.arange(int(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def ulaw_tone(hertz: float, seconds: float) -> bytes:
    return to_ulaw(sine(hertz, seconds))


def heard(body: bytes, payload: int) -> Samples:
    """Linear samples of what came in this payload type; of G.722 its lower band."""
    if payload == 9:
        return np.array(G722(RATE, 64_000, False).decode(body), np.float32) / np.float32(32768)
    return from_ulaw(body) if payload == 0 else from_alaw(body)


def tone_snr(samples: Samples, hertz: float, rate: int = RATE) -> float:
    """dB of the tone above everything else in the sound; Hann window, the tone's energy within three bins."""
    if len(samples) < _TOO_SHORT:
        return -99.0
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    power[0:2] = 0
    at = round(hertz * len(samples) / rate)
    tone = float(power[max(0, at - _EITHER_SIDE) : at + _EITHER_SIDE + 1].sum())
    rest = float(power.sum()) - tone
    return float(10 * np.log10((tone + 1e-12) / (rest + 1e-12)))


def loudest(samples: Samples, rate: int = RATE) -> float:
    """Frequency of the strongest partial, in Hz."""
    if len(samples) < _TOO_SHORT:
        return 0.0
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    power[0:2] = 0
    return float(np.argmax(power)) * rate / len(samples)


def tone_level(samples: Samples, hertz: float, rate: int = RATE) -> float:
    """dB of full scale that the tone has in the sound; -99 for none."""
    if len(samples) < _TOO_SHORT:
        return -99.0
    window = np.hanning(len(samples))
    t = np.arange(len(samples)) / rate
    part = abs(np.sum(samples * window * np.exp(-2j * np.pi * hertz * t))) * 2 / window.sum()
    return float(max(-99.0, 20 * np.log10(part + 1e-12)))
