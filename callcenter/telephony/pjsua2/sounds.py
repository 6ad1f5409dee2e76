"""Prompts as the WAV files that PJSIP reads: one for each sound, in a folder of the line's own."""

import shutil
import tempfile
import wave
from collections import OrderedDict
from pathlib import Path

from callcenter.telephony.media.pcm import RATE, from_ulaw
from callcenter.telephony.prompts import Rendered

_ROOM = 256 * 1024 * 1024
"""Bytes of files; what was unused longest goes first. PJSIP holds open what it plays."""


class Sounds:
    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="callcenter-pjsua2-"))
        self._sizes: OrderedDict[str, int] = OrderedDict()

    def path(self, sound: Rendered) -> str:
        """The sound's file, written at its first use."""
        path = self._folder / f"{sound.key}.wav"
        if self._sizes.pop(sound.key, 0) == 0:
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes((from_ulaw(sound.ulaw) * 32767).astype("<i2").tobytes())
        self._sizes[sound.key] = 2 * len(sound.ulaw)
        self._trim()
        return str(path)

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _trim(self) -> None:
        total = sum(self._sizes.values())
        while total > _ROOM and len(self._sizes) > 1:
            key, size = self._sizes.popitem(last=False)
            total -= size
            (self._folder / f"{key}.wav").unlink(missing_ok=True)
