"""One speaker as one listener's mix takes it: held back just long enough that every turn finds 20 ms of it."""

from callcenter.telephony.media.g711 import FRAME

LANE = 4
"""Bytes of a sample: its value + 32,768 as a little-endian word, so that sums of many samples are one addition."""
SILENT_LANES = (0x8000).to_bytes(LANE, "little") * FRAME

MOST = 6 * FRAME
"""Samples that are held at most. What is older when more comes is left out."""
_FIRST, _LAST = 2 * FRAME, 4 * FRAME
"""Samples gathered before the first is given: at first, and at most after packets were late."""
_WINDOW = 100
"""Turns after which what lay unused the whole time is taken out, 20 ms at once."""
_UNUSED = FRAME + FRAME // 2


class Voice:
    """A jitter buffer on the time of the speaker's own packets, whatever their length. It grows by what packets are
    late, up to 80 ms, and shrinks when that was not needed; so it also follows a clock that runs faster or slower."""

    __slots__ = ("_at", "_gathering", "_held", "_least", "_ran_out", "_source", "_turns", "_wanted")

    def __init__(self) -> None:
        self._held = bytearray()
        self._source = -1
        self._at = 0
        self._wanted = _FIRST
        self._gathering, self._ran_out = True, False
        self._least, self._turns = MOST, 0

    def say(self, source: int, at: int, lanes: bytes) -> None:
        """A packet's samples as lanes; `source` and `at`: its SSRC and the timestamp of its first sample."""
        held, count = len(self._held) // LANE, len(lanes) // LANE
        ahead = (at - self._at + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if source != self._source or not -MOST <= ahead <= MOST:
            self._begin(source, at, count)
            held = ahead = 0
        elif not held and ahead >= 0:
            if self._ran_out and ahead == 0:
                self._wanted = min(self._wanted + FRAME, _LAST)
            self._at, ahead = at, 0
        self._ran_out = False
        if ahead < 0:
            lanes, ahead = lanes[-ahead * LANE :], 0
            if not lanes:
                return
        if ahead > held:
            self._held += SILENT_LANES[:LANE] * (ahead - held)
        self._held[ahead * LANE : ahead * LANE + len(lanes)] = lanes
        self._drop(len(self._held) // LANE - MOST)

    def frame(self) -> int | None:
        """The next 20 ms as one number of `FRAME` lanes, None when there is nothing to hear."""
        held = len(self._held) // LANE
        if self._gathering:
            if held < self._wanted:
                return None
            self._gathering = False
            self._least, self._turns = MOST, 0
        if held < FRAME:
            self._gathering = self._ran_out = True
            return None
        lanes = int.from_bytes(self._held[: FRAME * LANE], "little")
        self._drop(FRAME)
        self._least = min(self._least, held - FRAME)
        self._turns += 1
        if self._turns >= _WINDOW:
            self._shrink()
        return lanes

    def _begin(self, source: int, at: int, count: int) -> None:
        """Another source, or the same after a pause."""
        self._source, self._at = source, at
        self._held.clear()
        self._gathering = True
        self._wanted = min(max(self._wanted, count + FRAME), MOST)

    def _shrink(self) -> None:
        if self._least >= _UNUSED:
            self._drop(FRAME)
            self._wanted = max(self._wanted - FRAME, _FIRST)
        self._least, self._turns = MOST, 0

    def _drop(self, count: int) -> None:
        if count > 0:
            del self._held[: count * LANE]
            self._at = (self._at + count) & 0xFFFFFFFF
