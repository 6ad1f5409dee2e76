"""From the line's WAV to what every browser plays, block by block, with the peaks that draw its waveform."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt
import soundfile

from callcenter.errors import DomainError

Format = Literal["flac", "mp3"]
FORMATS: dict[Format, tuple[str, str, dict[str, object]]] = {
    "flac": ("FLAC", "PCM_16", {}),
    # Constant bit rate: a player seeks by the byte. 32 kbit/s at 8 kHz.
    "mp3": ("MP3", "MPEG_LAYER_III", {"bitrate_mode": "CONSTANT", "compression_level": 0.5}),
}
MEDIA = {"flac": "audio/flac", "mp3": "audio/mpeg"}
BUCKETS = 600
"""Columns of a waveform."""
BLOCK = 80_000
"""Frames that are in memory at once."""


class NotSound(DomainError):
    """The spooled file holds no audio that can be read."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """`peaks`: one row for each channel, BUCKETS loudnesses from 0 to 255, one row behind the other."""

    seconds: float
    channels: int
    peaks: bytes


def compress(source: Path, target: BinaryIO, form: Format) -> Compressed:
    """Read a WAV with one or two channels, write it compressed. Raises NotSound; OSError when the disk is full.

    A WAV that a crash left without its lengths is read as far as it goes.
    """
    with source.open("rb") as file:
        try:
            wav = soundfile.SoundFile(file)
        except soundfile.LibsndfileError as error:
            raise NotSound(f"{NotSound.__doc__} {error}") from None
        with wav:
            if wav.channels not in (1, 2) or not wav.frames:
                raise NotSound
            return _compress(wav, target, form)


def _compress(wav: soundfile.SoundFile, target: BinaryIO, form: Format) -> Compressed:
    container, coding, options = FORMATS[form]
    drawing = _Peaks(wav.channels, wav.frames)
    try:
        with soundfile.SoundFile(
            target, "w", wav.samplerate, wav.channels, coding, format=container, **options
        ) as made:
            for block in wav.blocks(BLOCK, dtype="int16", always_2d=True):
                drawing.take(block)
                made.write(block)
        target.seek(0)
        with soundfile.SoundFile(target) as written:
            whole = written.frames == drawing.taken
    except soundfile.LibsndfileError as error:
        raise OSError(f"compressed audio cannot be written: {error}") from None
    if not whole:  # the library does not tell of every write that failed
        raise OSError("compressed audio was cut while it was written")
    return Compressed(drawing.taken / wav.samplerate, wav.channels, drawing.done())


class _Peaks:
    """The loudest sample of each column, on a scale on which quiet speech is still seen (square root)."""

    def __init__(self, channels: int, frames: int) -> None:
        self.taken = 0
        self._frames = frames
        self._loudest = np.zeros((channels, BUCKETS), np.int32)

    def take(self, block: npt.NDArray[np.int16]) -> None:
        columns = (self.taken + np.arange(len(block))) * BUCKETS // self._frames
        levels = np.abs(block.astype(np.int32))
        for channel, row in enumerate(self._loudest):
            np.maximum.at(row, np.minimum(columns, BUCKETS - 1), levels[:, channel])
        self.taken += len(block)

    def done(self) -> bytes:
        return bytes((np.sqrt(self._loudest / 32768) * 255).clip(0, 255).astype(np.uint8))
