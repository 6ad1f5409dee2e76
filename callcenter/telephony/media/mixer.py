"""What one leg hears of several: their samples added up, in G.711. Plain Python; numpy would cost more here.

A frame is one number whose lanes are samples (`jitter.LANE`), so that adding speakers is adding numbers; tables turn
codes into lanes and sums into codes.
"""

from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Generic, TypeVar

from callcenter.telephony.media.g711 import ALAW_VALUES, FRAME, PCMA, PCMU, ULAW_VALUES
from callcenter.telephony.media.jitter import LANE, Voice

Source = TypeVar("Source")

_VALUES = {PCMU: ULAW_VALUES, PCMA: ALAW_VALUES}
_BIAS = 0x8000
_LOW = {law: bytes(value + _BIAS & 0xFF for value in values) for law, values in _VALUES.items()}
_HIGH = {law: bytes(value + _BIAS >> 8 for value in values) for law, values in _VALUES.items()}
_SIZES = 32
"""Numbers of speakers for which tables are kept: 64 KiB for each speaker."""


class Mix(Generic[Source]):
    """The voices that one leg hears; those of who stays are kept when others come and go."""

    def __init__(self) -> None:
        self.voices: dict[Source, Voice] = {}

    def take(self, sources: Iterable[Source]) -> None:
        """Hear exactly these."""
        self.voices = {source: self.voices.get(source) or Voice() for source in sources}

    def frame(self, payload: int) -> bytes | None:
        """20 ms of all together in the law of this payload type, None while all are silent."""
        heard = [frame for voice in self.voices.values() if (frame := voice.frame()) is not None]
        return coded(sum(heard), len(heard), payload) if heard else None

    def skip(self) -> None:
        """Let 20 ms pass unheard."""
        for voice in self.voices.values():
            voice.frame()


def lanes(codes: bytes, payload: int) -> bytes:
    """G.711 codes as samples in lanes."""
    words = bytearray(len(codes) * LANE)
    words[0::LANE] = codes.translate(_LOW[payload])
    words[1::LANE] = codes.translate(_HIGH[payload])
    return bytes(words)


def coded(total: int, count: int, payload: int) -> bytes:
    """The nearest codes of a sum of `count` frames; what is louder than the law can say is its loudest."""
    sums = memoryview(total.to_bytes(FRAME * LANE, "little")).cast("I")
    return bytes(itemgetter(*sums)(_codes(payload, count)))


@lru_cache(_SIZES)
def _codes(payload: int, count: int) -> bytes:
    """The code of each sum of `count` samples with their biases."""
    ranked = sorted(
        (value, code) for code, value in enumerate(_VALUES[payload]) if (payload, code) != (PCMU, 0x7F)
    )
    table, filled = bytearray(), -_BIAS
    for (value, code), (following, _) in zip(ranked, [*ranked[1:], (0x10001, 0)], strict=True):
        end = min((value + following) // 2 + 1, _BIAS)
        table += bytes((code,)) * (end - filled)
        filled = end
    beyond = (count - 1) * _BIAS
    return bytes((table[0],)) * beyond + bytes(table) + bytes((table[-1],)) * beyond
