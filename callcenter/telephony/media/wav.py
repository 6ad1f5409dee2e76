"""WAV files in G.711 mu-law at 8 kHz: RIFF, format tag 7 (Microsoft's WAVE_FORMAT_MULAW)."""

import struct

RATE = 8000
SILENCE = b"\xff"
HEADER_BYTES = 58
_HEADER = struct.Struct("<4sI4s4sIHHIIHHH4sII4sI")
_MULAW = 7
_MOST = 0xFFFFFFFF - HEADER_BYTES


def header(channels: int, frames: int) -> bytes:
    """The `HEADER_BYTES` before the sound: one byte a sample, channels interleaved, `frames` samples of each.

    A compressed format carries `cbSize` and a `fact` chunk with the number of samples.
    """
    size = min(frames * channels, _MOST)
    return _HEADER.pack(
        b"RIFF", HEADER_BYTES - 8 + size, b"WAVE",
        b"fmt ", 18, _MULAW, channels, RATE, RATE * channels, channels, 8, 0,
        b"fact", 4, frames & 0xFFFFFFFF,
        b"data", size,
    )  # fmt: skip


def frames_in(file_bytes: int, channels: int) -> int:
    """Whole samples of each channel in a file of this size; what a crash cut off in the middle counts as nothing."""
    return max(0, file_bytes - HEADER_BYTES) // channels
