"""Whether somebody speaks in G.711 mu-law at 8 kHz. Table look-ups only: the audio process asks each second."""

from callcenter.telephony.media.g711 import FRAME, ULAW_VALUES

LOUD = 330
"""Of 32768, -40 dB of full scale: above the noise of a quiet line, below speech."""
SHARE = FRAME // 10
"""Samples of 20 ms that are loud when somebody speaks; a click has fewer."""

_LOUD = bytes(abs(value) > LOUD for value in ULAW_VALUES)


def voiced(sound: bytes) -> list[bool]:
    """For each 20 ms, whether there is a voice (or a tone) in it."""
    marks = sound.translate(_LOUD)
    return [marks.count(1, at, at + FRAME) >= SHARE for at in range(0, len(marks), FRAME)]


def heard(sound: bytes) -> float:
    """Seconds of it in which somebody speaks."""
    return sum(voiced(sound)) * FRAME / 8000


def quiet_tail(sound: bytes) -> float:
    """Seconds at its end in which nobody speaks."""
    frames = voiced(sound)
    quiet = next((count for count, loud in enumerate(reversed(frames)) if loud), len(frames))
    return quiet * FRAME / 8000
