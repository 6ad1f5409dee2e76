"""Speech from text by espeak-ng (GPL), called through ctypes.

The library keeps its state in globals: one lock lets one text at a time through.
"""

import ctypes
import threading
from collections.abc import Callable
from typing import Any

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

VOICES = {"en": ("en-US", 160), "cmn": ("cmn", 150), "yue": ("yue", 150)}
"""espeak-ng's voice and words a minute, by the language of a prompt."""
LONGEST = 4000
"""Characters of one text."""

_SYNCHRONOUS = 2
_NO_EXIT = 0x8000
_RATE = 1
_UTF8 = 1
_MAX_RATE = 48_000


class SpeechFailed(Exception):
    """No such voice, or the library cannot be loaded or fails."""


class Speech:
    """A voice for each language. The library is loaded at the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library: Any = None
        self._rate = 0
        self._chunks: list[NDArray[np.int16]] = []

    def speak(self, language: str, text: str) -> tuple[NDArray[np.float32], int]:
        """(samples in -1..1, samples a second) of the text; raises SpeechFailed."""
        if language not in VOICES:
            raise SpeechFailed(f"no voice for {language!r}")
        with self._lock:
            if self._library is None:
                self._load()
            voice, pace = VOICES[language]
            self._check(self._library.espeak_SetVoiceByName(voice.encode()), "espeak_SetVoiceByName")
            self._check(self._library.espeak_SetParameter(_RATE, pace, 0), "espeak_SetParameter")
            self._chunks.clear()
            body = text[:LONGEST].replace("\0", " ").encode() + b"\0"
            self._check(
                self._library.espeak_Synth(body, len(body), 0, 1, 0, _UTF8, None, None), "espeak_Synth"
            )
            self._check(self._library.espeak_Synchronize(), "espeak_Synchronize")
            if not self._chunks:
                raise SpeechFailed("nothing was spoken")
            return np.concatenate(self._chunks).astype(np.float32) / np.float32(32768), self._rate

    def _load(self) -> None:
        try:
            library = ctypes.CDLL(espeakng_loader.get_library_path())
            path = espeakng_loader.get_data_path().encode()
        except (OSError, RuntimeError) as error:
            raise SpeechFailed(str(error)) from error
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
            ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, path, _NO_EXIT)
        if not 0 < rate <= _MAX_RATE:
            raise SpeechFailed(f"espeak_Initialize answered {rate}")
        # kept on self: the library calls it as long as it lives
        self._heard = _callback(self._chunks)
        library.espeak_SetSynthCallback(self._heard)
        self._library, self._rate = library, rate

    @staticmethod
    def _check(status: int, call: str) -> None:
        if status != 0:
            raise SpeechFailed(f"{call} answered {status}")


def _callback(chunks: list[NDArray[np.int16]]) -> Callable[..., int]:
    """Copies what the library hands over; 0 lets it go on."""
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.c_void_p)

    def heard(samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    return kind(heard)
