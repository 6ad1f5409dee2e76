"""Linear sound to G.711 at 8 kHz: reading WAV, resampling, companding. Samples are float32 in -1..1, one channel."""

import math
import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from callcenter.telephony.media.g711 import ALAW_VALUES, FRAME, ULAW_VALUES

RATE = 8000
_ZEROS = 24
"""Zero crossings of the filter's sinc on each side: 70 dB down from 4.2 kHz on, flat to 3.4 kHz."""
_BETA = 7.0
_EDGE = 0.93
"""The filter's half-amplitude point as a part of the lower Nyquist frequency."""
_BATCH = 1024
_ROWS = 1024

Samples = NDArray[np.float32]


class NotSound(ValueError):
    """The bytes are no WAV that we can read."""


def resample(samples: Samples, rate: int, into: int = RATE) -> Samples:
    """Change the sample rate by a polyphase windowed sinc that lets nothing above the lower Nyquist frequency fold."""
    if rate == into or not len(samples):
        return samples.astype(np.float32, copy=False)
    divisor = math.gcd(rate, into)
    up, down = into // divisor, rate // divisor
    kernels = _kernels(up, down)
    reach = kernels.shape[1] // 2
    padded = np.pad(samples.astype(np.float32, copy=False), (reach, reach + 1))
    count = -(-len(samples) * up // down)
    result = np.empty(count, np.float32)
    for start in range(0, count, _BATCH):
        position = np.arange(start, min(start + _BATCH, count), dtype=np.int64) * down
        window = (position // up)[:, None] + np.arange(2 * reach)
        result[start : start + len(position)] = np.einsum(
            "ij,ij->i", padded[window], kernels[position % up * len(kernels) // up]
        )
    return result


@lru_cache(maxsize=16)
def _kernels(up: int, down: int) -> Samples:
    """One row of taps for each place that an output sample can have between two input samples; at rates that share
    few divisors these are thousands, and the nearest of 1,024 before it is 60 dB right."""
    rows = min(up, _ROWS)
    cutoff = min(1.0, up / down) * _EDGE
    reach = math.ceil(_ZEROS / cutoff)
    taps = np.arange(-reach, reach)[None, :] - (np.arange(rows) / rows)[:, None]
    window = np.i0(_BETA * np.sqrt(np.maximum(0.0, 1 - (taps / reach) ** 2))) / np.i0(_BETA)
    kernels = cutoff * np.sinc(cutoff * taps) * window
    scaled: Samples = (kernels / kernels.sum(axis=1, keepdims=True)).astype(np.float32)
    return scaled


def to_ulaw(samples: Samples) -> bytes:
    """mu-law, filled up with silence to whole 20 ms frames."""
    linear = np.rint(np.clip(samples, -1.0, 1.0) * 32767).astype(np.int32)
    magnitude = np.minimum(np.abs(linear), 32635) + 0x84
    exponent = np.frexp(magnitude.astype(np.float64))[1] - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    code = ~(np.where(linear < 0, 0x80, 0) | (exponent << 4) | mantissa) & 0xFF
    body: bytes = code.astype(np.uint8).tobytes()
    return body + b"\xff" * (-len(body) % FRAME)


def from_ulaw(body: bytes) -> Samples:
    """Linear samples of mu-law."""
    return _expand(body, ULAW_VALUES)


def from_alaw(body: bytes) -> Samples:
    """Linear samples of A-law."""
    return _expand(body, ALAW_VALUES)


def _expand(body: bytes, values: tuple[int, ...]) -> Samples:
    table = np.array(values, np.float32) / np.float32(32768)
    expanded: Samples = table[np.frombuffer(body, np.uint8)]
    return expanded


def read_wav(body: bytes) -> tuple[Samples, int]:
    """(samples mixed to one channel, samples a second) of a RIFF WAV: PCM of 8 to 32 bits, float, A-law or mu-law.

    Raises NotSound.
    """
    chunks = _chunks(body)
    form, data = chunks.get(b"fmt "), chunks.get(b"data")
    if form is None or data is None or len(form) < 16:
        raise NotSound("not a WAV file")
    kind, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", form)
    if kind == 0xFFFE and len(form) >= 26:
        kind = struct.unpack_from("<H", form, 24)[0]
    if not 1 <= channels <= 8 or not 4000 <= rate <= 192_000 or block != channels * bits // 8:
        raise NotSound(f"{channels} channels of {bits} bits at {rate} Hz")
    flat = _linear(data[: len(data) - len(data) % block], kind, bits)
    mixed: Samples = flat.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return mixed, rate


def _chunks(body: bytes) -> dict[bytes, bytes]:
    if body[:4] != b"RIFF" or body[8:12] != b"WAVE":
        raise NotSound("not a RIFF WAVE file")
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(body):
        size = int.from_bytes(body[at + 4 : at + 8], "little")
        chunks.setdefault(body[at : at + 4], body[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return chunks


def _linear(data: bytes, kind: int, bits: int) -> Samples:
    match kind, bits:
        case 1, 8:
            flat = (np.frombuffer(data, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
        case 1, 16:
            flat = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(2**15)
        case 1, 24:
            triples = np.frombuffer(data, np.uint8).reshape(-1, 3).astype(np.int32)
            signed = (triples[:, 0] << 8) | (triples[:, 1] << 16) | (triples[:, 2] << 24)
            flat = signed.astype(np.float32) / np.float32(2**31)
        case 1, 32:
            flat = np.frombuffer(data, "<i4").astype(np.float32) / np.float32(2**31)
        case 3, 32:
            flat = np.nan_to_num(np.frombuffer(data, "<f4").astype(np.float32))
        case 6, 8:
            flat = from_alaw(data)
        case 7, 8:
            flat = from_ulaw(data)
        case _:
            raise NotSound(f"WAV format {kind} of {bits} bits")
    return flat
