"""What one leg hears of our own: prompts one after another, key presses, else silence."""

from callcenter.telephony.media.dtmf import PAUSE, press
from callcenter.telephony.media.g711 import FRAME, PCMU, ULAW_TO_ALAW

SECOND = 50
"""Frames in a second."""


class Sound:
    """G.711 in whole frames, in both laws; the second is made when a leg first asks for it."""

    __slots__ = ("_alaw", "ulaw")

    def __init__(self, ulaw: bytes) -> None:
        self.ulaw = ulaw
        self._alaw: bytes | None = None

    def coded(self, payload: int) -> bytes:
        """All of it in the law of this payload type."""
        if payload == PCMU:
            return self.ulaw
        if self._alaw is None:
            self._alaw = self.ulaw.translate(ULAW_TO_ALAW)
        return self._alaw


class Player:
    """A list of sounds, once or in a loop."""

    def __init__(self, play: str, sounds: list[Sound], loop: bool) -> None:
        self.play = play
        self._sounds = [sound for sound in sounds if sound.ulaw]
        self._loop = loop and bool(self._sounds)
        self._index = -1
        self._body = b""
        self._law = -1
        self._offset = 0

    def next_frame(self, payload: int) -> bytes | None:
        """The next 20 ms in the law of this payload type, None at the end."""
        at = self._offset
        if at >= len(self._body) or payload != self._law:
            if not self._turn(payload):
                return None
            at = self._offset
        self._offset = at + FRAME
        return self._body[at : at + FRAME]

    def _turn(self, payload: int) -> bool:
        """Go on to the next sound, or to the same place in the other law; False at the end."""
        if self._offset >= len(self._body):
            self._index += 1
            if self._loop:
                self._index %= len(self._sounds)
            if self._index >= len(self._sounds):
                return False
            self._offset = 0
        self._law = payload
        self._body = self._sounds[self._index].coded(payload)
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
