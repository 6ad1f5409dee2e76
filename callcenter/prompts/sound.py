"""Uploaded WAVs, converted once; and a prompt as a WAV that a browser plays."""

import functools
import hashlib
import struct

import numpy as np

from callcenter.errors import InvalidInput
from callcenter.telephony.media.pcm import RATE, NotSound, Samples, read_wav, resample
from callcenter.telephony.media.speech import SpeechFailed
from callcenter.telephony.prompts import spoken

LARGEST = 20 * 1024 * 1024
"""Bytes of an upload."""
LONGEST = 300
"""Seconds of it."""
RATES = (8000, 48_000)
"""Least and most samples a second."""
_KINDS = {(1, 16), (6, 8), (7, 8)}
"""(format tag, bits) that are taken: PCM of 16 bits, G.711 A-law and mu-law."""


def converted(body: bytes) -> tuple[bytes, float]:
    """(a WAV of 16-bit PCM at 8 kHz with one channel, its seconds). Raises InvalidInput, which names `wav`."""
    if len(body) > LARGEST:
        raise InvalidInput(wav=f"larger than {LARGEST // 1024 // 1024} MB")
    kind, channels, rate, bits = _form(body)
    if (kind, bits) not in _KINDS or channels not in (1, 2) or not RATES[0] <= rate <= RATES[1]:
        raise InvalidInput(
            wav="a WAV of 16-bit PCM or G.711, mono or stereo, at 8 to 48 kHz; "
            f"this one has format {kind}, {bits} bits, {channels} channels, {rate} Hz"
        )
    try:
        samples, rate = read_wav(body)
    except NotSound as error:
        raise InvalidInput(wav=str(error)) from None
    seconds = len(samples) / rate
    if not 0.1 <= seconds <= LONGEST:
        raise InvalidInput(wav=f"from 0.1 to {LONGEST} seconds long; this one has {seconds:.1f}")
    return wav(resample(samples, rate)), seconds


def seconds_of(body: bytes) -> float:
    """How long a sound is that `wav` made."""
    return (len(body) - 44) / (2 * RATE)


def digest(body: bytes) -> str:
    """The name under which a sound is kept."""
    return hashlib.sha256(body).hexdigest()[:32]


@functools.lru_cache(maxsize=64)
def speak(language: str, text: str) -> bytes:
    """The text as the line speaks it, as a WAV; made once. Raises InvalidInput."""
    try:
        return wav(spoken(language, text))
    except SpeechFailed as error:
        raise InvalidInput(text=str(error)) from None


def wav(samples: Samples) -> bytes:
    """A WAV of 16-bit PCM at 8 kHz with one channel (RIFF, format tag 1)."""
    data = np.rint(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", 28 + len(form) - 16 + len(data), b"WAVE")
        + form
        + struct.pack("<4sI", b"data", len(data))
        + data
    )


def _form(body: bytes) -> tuple[int, int, int, int]:
    """(format tag, channels, samples a second, bits) of a WAV's `fmt ` chunk; zeros when there is none."""
    at = 12
    while body[:4] == b"RIFF" and body[8:12] == b"WAVE" and at + 8 <= len(body):
        size = int.from_bytes(body[at + 4 : at + 8], "little")
        if body[at : at + 4] == b"fmt " and at + 24 <= len(body):
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body, at + 8)
            if kind == 0xFFFE and size >= 26 and at + 34 <= len(body):
                kind = struct.unpack_from("<H", body, at + 32)[0]
            return kind, channels, rate, bits
        at += 8 + size + size % 2
    return 0, 0, 0, 0
