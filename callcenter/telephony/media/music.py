"""Music for those who wait, made by us: a slow round of four chords with a plucked figure over a soft pad.

All partials lie in the telephone band. Notes that ring on past the end are added to the beginning, so that the loop
has no seam.
"""

import numpy as np

from callcenter.telephony.media.pcm import RATE, Samples

SECONDS = 32.0
_BARS = 8
_PEAK = 0.28

# Chords as MIDI notes: Cmaj7, Am7, Fmaj7, Gsus4; the second round answers with Em7, Am7, Dm7, G6.
_CHORDS = (
    (60, 64, 67, 71), (57, 64, 67, 72), (65, 69, 72, 76), (62, 67, 72, 74),
    (64, 67, 71, 74), (57, 64, 69, 72), (62, 65, 69, 72), (62, 67, 71, 76),
)  # fmt: skip
_FIGURE = (0, 2, 1, 3, 2, 1, 3, 2)
"""Which note of the chord, an octave up, is plucked at each eighth of a bar."""


def compose() -> Samples:
    """The loop, `SECONDS` long at 8 kHz."""
    track = np.zeros(int(SECONDS * RATE), np.float64)
    bar = SECONDS / _BARS
    for index, chord in enumerate(_CHORDS):
        for note in chord:
            _add(track, index * bar - 0.4, _pad(_hertz(note), bar + 1.6), 0.16)
        for step, which in enumerate(_FIGURE):
            late = 0.012 * ((step * 7) % 3)
            strength = 0.34 if step in (0, 4) else 0.22
            _add(track, index * bar + step * bar / 8 + late, _pluck(_hertz(chord[which] + 12)), strength)
    for delay, part in ((0.31, 0.28), (0.62, 0.12)):
        track += part * np.roll(track, int(delay * RATE))
    loop: Samples = (track * (_PEAK / np.abs(track).max())).astype(np.float32)
    return loop


def _hertz(note: int) -> float:
    """Equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def _add(
    track: np.ndarray[tuple[int], np.dtype[np.float64]], at: float, sound: Samples, strength: float
) -> None:
    where = (int(at * RATE) + np.arange(len(sound))) % len(track)
    track[where] += strength * sound


def _pad(hertz: float, seconds: float) -> Samples:
    t = np.arange(int(seconds * RATE)) / RATE
    swell = np.sin(np.pi * t / seconds) ** 0.7
    wave = np.sin(2 * np.pi * hertz * t) + 0.35 * np.sin(2 * np.pi * hertz * 1.003 * t)
    wave += 0.18 * np.sin(4 * np.pi * hertz * t)
    sound: Samples = (wave * swell).astype(np.float32)
    return sound


def _pluck(hertz: float) -> Samples:
    t = np.arange(int(2.2 * RATE)) / RATE
    attack = np.minimum(1.0, t / 0.008)
    wave = np.sin(2 * np.pi * hertz * t) * np.exp(-2.4 * t) + 0.3 * np.sin(4 * np.pi * hertz * t) * np.exp(
        -5 * t
    )
    sound: Samples = (wave * attack * np.minimum(1.0, (2.2 - t) / 0.2)).astype(np.float32)
    return sound
