"""What one leg hears of several: their samples added up. Plain Python; numpy would cost more here.

A frame is one number whose lanes are samples (`jitter.LANE`), so that adding speakers is adding numbers; a table turns
the sums into codes.
"""

from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Generic, TypeVar

from callcenter.telephony.media.codec import G722, Encoder, codes, saturated
from callcenter.telephony.media.g711 import FRAME
from callcenter.telephony.media.jitter import LANE, Voice

Source = TypeVar("Source")

_BIAS = 0x8000
_FLIPPED = bytes(high ^ 0x80 for high in range(256))
_SIZES = 32
"""Numbers of speakers for which tables are kept: 64 KiB for each speaker."""


class Mix(Generic[Source]):
    """The voices that one leg hears; those of who stays are kept when others come and go."""

    def __init__(self) -> None:
        self.voices: dict[Source, Voice] = {}

    def take(self, sources: Iterable[Source]) -> None:
        """Hear exactly these."""
        self.voices = {source: self.voices.get(source) or Voice() for source in sources}

    def frame(self, payload: int, encoder: Encoder) -> bytes | None:
        """20 ms of all together in this payload type, None while all are silent."""
        heard = [frame for voice in self.voices.values() if (frame := voice.frame()) is not None]
        return coded(sum(heard), len(heard), payload, encoder) if heard else None

    def skip(self) -> None:
        """Let 20 ms pass unheard."""
        for voice in self.voices.values():
            voice.frame()


def lanes(linear: bytes) -> bytes:
    """16-bit samples in lanes."""
    words = bytearray(len(linear) // 2 * LANE)
    words[0::LANE] = linear[0::2]
    words[1::LANE] = linear[1::2].translate(_FLIPPED)
    return bytes(words)


def coded(total: int, count: int, payload: int, encoder: Encoder) -> bytes:
    """The nearest codes of a sum of `count` frames; what is louder than can be said is as loud as can be."""
    sums = memoryview(total.to_bytes(FRAME * LANE, "little")).cast("I")
    if payload == G722:
        return encoder.coded(saturated(sums, count), payload)
    return bytes(itemgetter(*sums)(_codes(payload, count)))


@lru_cache(_SIZES)
def _codes(law: int, count: int) -> bytes:
    """The code of each sum of `count` samples with their biases."""
    table, beyond = codes(law), (count - 1) * _BIAS
    return table[:1] * beyond + table + table[-1:] * beyond
