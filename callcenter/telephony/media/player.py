"""What one leg hears of our own: prompts one after another, key presses, else silence."""

from callcenter.telephony.media.codec import G722, SILENT_FRAMES, Decoder, Encoder
from callcenter.telephony.media.dtmf import PAUSE, press
from callcenter.telephony.media.g711 import FRAME, PCMU, ULAW_TO_ALAW

SECOND = 50
"""Frames in a second."""
_CATCH_UP = 25
"""Frames of a sound that are encoded at once: an eighth of a millisecond."""


class Sound:
    """G.711 in whole frames, in both laws and in G.722; what is not mu-law is made when a leg first asks for it."""

    __slots__ = ("_alaw", "_encoder", "_g722", "ulaw")

    def __init__(self, ulaw: bytes) -> None:
        self.ulaw = ulaw
        self._alaw: bytes | None = None
        self._g722 = bytearray()
        self._encoder = Encoder()

    def frame(self, payload: int, at: int) -> bytes:
        """The 20 ms from this byte on in this payload type."""
        if payload == PCMU:
            return self.ulaw[at : at + FRAME]
        if payload == G722:
            return self._g722_frame(at)
        if self._alaw is None:
            self._alaw = self.ulaw.translate(ULAW_TO_ALAW)
        return self._alaw[at : at + FRAME]

    def _g722_frame(self, at: int) -> bytes:
        """Made frame by frame and once for all, so that no packet waits for a whole sound. A leg that turned to G.722
        in the middle hears silence until the making has caught up with it."""
        made = self._g722
        for _ in range(_CATCH_UP):
            if len(made) > at:
                return bytes(made[at : at + FRAME])
            linear = Decoder().linear(self.ulaw[len(made) : len(made) + FRAME], PCMU)
            made += self._encoder.coded(linear, G722)
        return bytes(made[at : at + FRAME]) or SILENT_FRAMES[G722]


class Player:
    """A list of sounds, once or in a loop."""

    def __init__(self, play: str, sounds: list[Sound], loop: bool) -> None:
        self.play = play
        self._sounds = [sound for sound in sounds if sound.ulaw]
        self._loop = loop and bool(self._sounds)
        self._index = -1
        self._offset = self._size = 0

    def next_frame(self, payload: int) -> bytes | None:
        """The next 20 ms in this payload type, None at the end."""
        at = self._offset
        if at >= self._size:
            if not self._turn():
                return None
            at = 0
        self._offset = at + FRAME
        return self._sounds[self._index].frame(payload, at)

    def _turn(self) -> bool:
        """Go on to the next sound; False at the end."""
        self._index += 1
        if self._loop:
            self._index %= len(self._sounds)
        if self._index >= len(self._sounds):
            return False
        self._size = len(self._sounds[self._index].ulaw)
        return True


class Dialler:
    """Key presses still to be sent to one leg, as one step each 20 ms."""

    def __init__(self, digits: str) -> None:
        self._keys = list(digits)
        self._steps: list[bytes | None] = []
        self._ts = 0

    def add(self, digits: str) -> None:
        """More keys after those that wait."""
        self._keys += digits

    def next_step(self) -> tuple[bytes | None, bool] | None:
        """(event payload, or None for silence; whether a press begins with it), None when all was sent."""
        begins = False
        if not self._steps:
            if not self._keys:
                return None
            key = self._keys.pop(0)
            self._steps = [None] * SECOND if key == "," else [*press(key), *[None] * PAUSE]
            begins = key != ","
        return self._steps.pop(0), begins
