"""From one codec to another by way of linear samples: G.711 by tables, G.722 by libg722.

Linear is 16-bit little-endian at 8 kHz. Of G.722 only the lower band is taken and given (to 4 kHz): what is transcoded
goes to a telephone's band anyhow. One byte is one sample's time in all three, and their RTP clocks are 8,000.
"""

import array
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter, methodcaller

from G722 import G722 as Engine  # noqa: N811 - a class

from callcenter.telephony.media.g711 import (
    ALAW_VALUES,
    FRAME,
    PCMA,
    PCMU,
    SILENT_FRAME,
    ULAW_VALUES,
    conversion,
)

G722 = 9
"""Static RTP payload type of G.722 (RFC 3551)."""
AUDIO = frozenset((PCMU, PCMA, G722))
"""Payload types that we understand."""

Convert = Callable[[bytes], bytes]

_RATE, _BITS = 8000, 64_000
_VALUES = {PCMU: ULAW_VALUES, PCMA: ALAW_VALUES}
_LOW = {law: bytes(value & 0xFF for value in values) for law, values in _VALUES.items()}
_HIGH = {law: bytes(value >> 8 & 0xFF for value in values) for law, values in _VALUES.items()}


class Decoder:
    """One party's audio as linear samples. G.722 has a memory: each of its packets is decoded once, in order."""

    __slots__ = ("_engine",)

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def linear(self, body: bytes, payload: int) -> bytes:
        """A packet's samples."""
        if payload == G722:
            if self._engine is None:
                self._engine = Engine(_RATE, _BITS, False)
            samples: bytes = self._engine.decode(body).tobytes()
            return samples
        words = bytearray(2 * len(body))
        words[0::2] = body.translate(_LOW[payload])
        words[1::2] = body.translate(_HIGH[payload])
        return bytes(words)


class Encoder:
    """Linear samples as one party's audio."""

    __slots__ = ("_engine",)

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def coded(self, linear: bytes, payload: int) -> bytes:
        """The codes of any number of samples."""
        if payload != G722:
            samples = memoryview(linear).cast("h")
            return bytes(map(_signed_codes(payload).__getitem__, samples))
        if self._engine is None:
            self._engine = Engine(_RATE, _BITS, False)
        coded: bytes = self._engine.encode(memoryview(linear).cast("h"))
        return coded


def saturated(sums: memoryview, count: int) -> bytes:
    """The linear samples of sums of `count` samples, each with 32,768 added to it; too loud is as loud as can be."""
    return array.array("h", itemgetter(*sums)(_clipped(count))).tobytes()


def translation(source: int, into: int) -> Convert | None:
    """From law to law, None when nothing changes."""
    table = conversion(source, into)
    return None if table is None else methodcaller("translate", table)


def silence(payload: int) -> Convert:
    """Silence of the same length in place of a packet's audio, so that the receiver's clock and watchdog run on."""
    frame = SILENT_FRAMES[payload]
    return lambda body: (frame * (len(body) // FRAME + 1))[: len(body)]


@lru_cache(32)
def _clipped(count: int) -> "array.array[int]":
    beyond = (count - 1) * 0x8000
    middle = array.array("h", range(-0x8000, 0x8000))
    return array.array("h", [-0x8000]) * beyond + middle + array.array("h", [0x7FFF]) * beyond


@lru_cache(2)
def codes(law: int) -> bytes:
    """The nearest code of each 16-bit value, from the lowest to the highest."""
    ranked = sorted((value, code) for code, value in enumerate(_VALUES[law]) if (law, code) != (PCMU, 0x7F))
    table, filled = bytearray(), -0x8000
    for (value, code), (following, _) in zip(ranked, [*ranked[1:], (0x10001, 0)], strict=True):
        end = min((value + following) // 2 + 1, 0x8000)
        table += bytes((code,)) * (end - filled)
        filled = end
    return bytes(table)


@lru_cache(2)
def _signed_codes(law: int) -> bytes:
    """The same with the negative values behind the others, as Python counts from the end."""
    table = codes(law)
    return table[0x8000:] + table[:0x8000]


def _silent_g722() -> bytes:
    """What silence is once the encoder has settled."""
    encoder = Encoder()
    for _ in range(50):
        frame = encoder.coded(bytes(2 * FRAME), G722)
    return frame


SILENT_FRAMES = {**SILENT_FRAME, G722: _silent_g722()}
"""20 ms of silence, by payload type."""
