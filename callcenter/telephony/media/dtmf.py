"""Keys as RTP events (RFC 4733): heard once however their packets were lost, doubled or reordered; and sent."""

import struct
from collections import deque

KEYS = "0123456789*#ABCD"
"""The key of each event code 0-15."""

_EVENT = struct.Struct("!BBH")
_LONGEST = 0xFFFF
_PARTS = 64
_CARELESS = 400
"""Samples. A sender that wrongly moves the timestamp inside an event moves it by a packet or two; two presses are
at least a press and a pause (40 ms each) apart."""

VOLUME = 10
PRESS = 5
ENDS = 3
PAUSE = 5


class KeyDetector:
    """Hears one leg's keys.

    All packets of a press carry the timestamp of its start, so timestamp and event name the press; a press that
    outlasts 65,535 samples goes on under a timestamp that much later (RFC 4733, 2.5.1.3).
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int, int]] = deque(maxlen=16)
        self._last: tuple[int, int, int] | None = None
        self._ended = False

    def hear(self, ssrc: int, timestamp: int, marker: bool, payload: bytes) -> str | None:
        """The key when these four bytes are the first that was heard of its press."""
        if len(payload) < _EVENT.size:
            return None
        event, flags, _ = _EVENT.unpack_from(payload)
        if event >= len(KEYS):
            return None
        press = (ssrc, timestamp, event)
        if press in self._seen:
            self._ended = self._ended or (press == self._last and bool(flags & 0x80))
            return None
        goes_on = self._goes_on(press, marker)
        self._seen.append(press)
        self._last, self._ended = press, bool(flags & 0x80)
        return None if goes_on else KEYS[event]

    def _goes_on(self, press: tuple[int, int, int], marker: bool) -> bool:
        """Whether this is another part of the press that was heard last."""
        if self._last is None or press[0] != self._last[0] or press[2] != self._last[2]:
            return False
        later, earlier = (press[1] - self._last[1]) & 0xFFFFFFFF, (self._last[1] - press[1]) & 0xFFFFFFFF
        if earlier < _PARTS * _LONGEST:
            return earlier % _LONGEST == 0
        if marker or self._ended:
            return False
        return later <= _CARELESS or (later % _LONGEST == 0 and later < _PARTS * _LONGEST)


def press(key: str) -> list[bytes]:
    """The payloads of one press in the order they are sent, 20 ms apart: a 100 ms tone and its end three times."""
    event = KEYS.index(key)
    rising = [_EVENT.pack(event, VOLUME, 160 * (step + 1)) for step in range(PRESS)]
    return rising + [_EVENT.pack(event, 0x80 | VOLUME, 160 * PRESS)] * ENDS


def playable(digits: str) -> str:
    """The keys in `digits`, upper-case, and `,` for a pause of a second; anything else is left out."""
    return "".join(key for key in digits.upper() if key in KEYS or key == ",")
