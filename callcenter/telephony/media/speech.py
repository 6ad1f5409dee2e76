"""Speech from text by espeak-ng (GPL), called through ctypes.

The library keeps its voice, its parameters and its callback in globals, and is initialised once: a process has one
voice box, and one lock lets one text at a time through, however many lines it holds.
"""

import ctypes
import functools
import threading
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
_alone = threading.Lock()


class SpeechFailed(Exception):
    """No such voice, or the library cannot be loaded or fails."""


def speak(language: str, text: str) -> tuple[NDArray[np.float32], int]:
    """(samples in -1..1, samples a second) of the text; raises SpeechFailed. Blocks; for any thread.

    The library is loaded at the first use.
    """
    if language not in VOICES:
        raise SpeechFailed(f"no voice for {language!r}")
    with _alone:
        return _voice_box().speak(*VOICES[language], text)


class _VoiceBox:
    """The library with its one callback, which must live as long as the library may call it."""

    def __init__(self) -> None:
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
        self._chunks: list[NDArray[np.int16]] = []
        self._callback = _HEARD(self._heard)
        library.espeak_SetSynthCallback(self._callback)
        self._library, self._rate = library, rate

    def speak(self, voice: str, pace: int, text: str) -> tuple[NDArray[np.float32], int]:
        self._check(self._library.espeak_SetVoiceByName(voice.encode()), "espeak_SetVoiceByName")
        self._check(self._library.espeak_SetParameter(_RATE, pace, 0), "espeak_SetParameter")
        self._chunks.clear()
        body = text[:LONGEST].replace("\0", " ").encode() + b"\0"
        self._check(self._library.espeak_Synth(body, len(body), 0, 1, 0, _UTF8, None, None), "espeak_Synth")
        self._check(self._library.espeak_Synchronize(), "espeak_Synchronize")
        if not self._chunks:
            raise SpeechFailed("nothing was spoken")
        return np.concatenate(self._chunks).astype(np.float32) / np.float32(32768), self._rate

    def _heard(self, samples: Any, count: int, _events: Any) -> int:
        """Copies what the library hands over; 0 lets it go on."""
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    @staticmethod
    def _check(status: int, call: str) -> None:
        if status != 0:
            raise SpeechFailed(f"{call} answered {status}")


_HEARD = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.c_void_p)


@functools.cache
def _voice_box() -> _VoiceBox:
    """The process's one; what failed to load is tried again."""
    return _VoiceBox()
