"""Prompts as strings, made into G.711 once: speech, music, uploaded recordings, tones, silence.

Making happens in one thread, never on the loop; what was made is kept in memory, and speech and music on disk too. A
prompt that cannot be made is a second of silence with the reason in `why`, so that no caller is stuck on it.
"""

import asyncio
import hashlib
import logging
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from callcenter.telephony.media import music
from callcenter.telephony.media.g711 import FRAME
from callcenter.telephony.media.pcm import RATE, NotSound, Samples, read_wav, resample, to_ulaw
from callcenter.telephony.media.speech import VOICES, SpeechFailed, speak

log = logging.getLogger(__name__)

MUSIC = "music:default"
LONGEST_FILE = 64 * 1024 * 1024
"""Bytes of an uploaded recording."""
LONGEST_MS = 600_000

_EDITION = "1"
"""Part of the disk cache's names: change it when the making changes."""
_MEMORY = 64 * 1024 * 1024
_DISK = 256 * 1024 * 1024
_SPEECH_LEVEL, _SPEECH_PEAK = 0.11, 0.9


class PromptUnusable(Exception):
    """The prompt's string is not one, or its recording is not there or not readable."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """`ulaw`: whole 20 ms frames. `key` names these very samples. `why` is empty unless the prompt failed."""

    key: str
    ulaw: bytes
    why: str = ""


class Renderer:
    """Makes and keeps prompts. `ready`, `render` and `warm` belong to the event loop."""

    def __init__(self, data_dir: Path | None) -> None:
        self._folder = data_dir / "prompts" if data_dir else None
        self._cache = data_dir / "cache" / "prompts" if data_dir else None
        self._memory: OrderedDict[str, Rendered] = OrderedDict()
        self._kept = 0
        self._making: dict[str, asyncio.Task[Rendered]] = {}
        self._warming: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "prompts")

    def ready(self, prompt: str) -> Rendered | None:
        """The prompt when it is in memory and its recording has not changed."""
        key = self._key(prompt)
        rendered = self._memory.get(key)
        if rendered is not None:
            self._memory.move_to_end(key)
        return rendered

    async def render(self, prompt: str) -> Rendered:
        """The prompt, made now if need be. Never raises for a bad one."""
        rendered = self.ready(prompt)
        if rendered is None:
            key = self._key(prompt)
            making = self._making.get(key)
            if making is None:
                making = asyncio.get_running_loop().create_task(self._produce(prompt, key))
                self._making[key] = making
            rendered = await asyncio.shield(making)
        return rendered

    def warm(self) -> None:
        """Make the waiting music and load the voices before the first caller needs them."""
        self._warming = asyncio.get_running_loop().create_task(self._warm())

    def close(self) -> None:
        """End the thread after what it is making."""
        for task in (self._warming, *self._making.values()):
            if task is not None:
                task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    # ---- on the loop ---------------------------------------------------------------------------------------------

    async def _warm(self) -> None:
        await self.render(MUSIC)
        await self.render("say:en:Welcome")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._prune)

    async def _produce(self, prompt: str, key: str) -> Rendered:
        """However many wait for it, it is made once."""
        try:
            rendered = await asyncio.get_running_loop().run_in_executor(self._thread, self._make, prompt, key)
            self._keep(rendered)
            return rendered
        finally:
            del self._making[key]

    def _key(self, prompt: str) -> str:
        state = ""
        if prompt.startswith("file:"):
            try:
                stat = self._path(prompt[5:].partition("|")[0]).stat()
                state = f"{stat.st_mtime_ns}:{stat.st_size}"
            except (OSError, PromptUnusable):
                state = "none"
        return hashlib.sha256(f"{_EDITION}\n{VOICES}\n{state}\n{prompt}".encode()).hexdigest()

    def _keep(self, rendered: Rendered) -> None:
        if rendered.why or rendered.key in self._memory:
            return
        self._memory[rendered.key] = rendered
        self._kept += len(rendered.ulaw)
        while self._kept > _MEMORY and len(self._memory) > 1:
            self._kept -= len(self._memory.popitem(last=False)[1].ulaw)

    # ---- in the thread -------------------------------------------------------------------------------------------

    def _make(self, prompt: str, key: str) -> Rendered:
        path = self._cache / f"{key}.ulaw" if self._cache and prompt.startswith(("say:", "music:")) else None
        stored = _read(path) if path else b""
        if stored:
            return Rendered(key, stored)
        try:
            ulaw = to_ulaw(self._with_other(prompt))
        except (PromptUnusable, SpeechFailed, NotSound, OSError) as error:
            return _failed(str(error))
        except Exception as error:
            log.exception("prompt %s", prompt)
            return _failed(repr(error))
        if path:
            _write(path, ulaw)
        return Rendered(key, ulaw)

    def _with_other(self, prompt: str) -> Samples:
        """A recording, or what is to be heard where it is not there."""
        file, _, other = prompt.partition("|") if prompt.startswith("file:") else (prompt, "", "")
        try:
            return self._samples(file)
        except (PromptUnusable, NotSound, OSError) as error:
            if not other:
                raise
            log.warning("%s cannot be played (%s): %s", file, error, other)
            return self._samples(other)

    def _samples(self, prompt: str) -> Samples:
        match prompt.split(":", 2):
            case ["say", language, text] if text.strip():
                return spoken(language, text)
            case ["music", "default"]:
                return music.compose()
            case ["file", *_]:
                return self._recording(prompt[5:])
            case ["tone", hertz, milliseconds]:
                return tone(_number(hertz, 3999), _number(milliseconds, LONGEST_MS))
            case ["silence", milliseconds]:
                return np.zeros(_number(milliseconds, LONGEST_MS) * RATE // 1000, np.float32)
        raise PromptUnusable("no such kind of prompt")

    def _recording(self, name: str) -> Samples:
        path = self._path(name)
        if path.stat().st_size > LONGEST_FILE:
            raise PromptUnusable("the recording is too long")
        samples, rate = read_wav(path.read_bytes())
        return resample(samples, rate)

    def _path(self, name: str) -> Path:
        """The recording's file; a name never leads out of the prompts' folder."""
        if self._folder is None:
            raise PromptUnusable("no folder for recordings")
        try:
            path = (self._folder / name).resolve()
        except (OSError, ValueError) as error:
            raise PromptUnusable(str(error)) from error
        if not path.is_relative_to(self._folder.resolve()):
            raise PromptUnusable("the name leads out of the folder")
        return path if path.suffix else path.with_suffix(".wav")

    def _prune(self) -> None:
        """Forget the speech that was longest unused once the disk cache is too big."""
        if self._cache is None or not self._cache.is_dir():
            return
        files = sorted(
            (file.stat().st_mtime, file.stat().st_size, file) for file in self._cache.glob("*.ulaw")
        )
        total = sum(size for _, size, _ in files)
        for _, size, file in files:
            if total <= _DISK:
                return
            file.unlink(missing_ok=True)
            total -= size


def spoken(language: str, text: str) -> Samples:
    """A text as callers hear it, at 8 kHz. Raises SpeechFailed."""
    return _levelled(*speak(language, text))


def tone(hertz: int, milliseconds: int) -> Samples:
    """A sine at -10 dB of full scale with 5 ms of fading at both ends."""
    t = np.arange(milliseconds * RATE // 1000) / RATE
    fade = np.minimum(1.0, np.minimum(t, milliseconds / 1000 - t) / 0.005)
    wave: Samples = (0.316 * np.sin(2 * np.pi * hertz * t) * fade).astype(np.float32)
    return wave


def _levelled(samples: Samples, rate: int) -> Samples:
    """Speech at 8 kHz, as loud for each voice: an active level of -19 dB of full scale, never clipped."""
    narrow = resample(samples, rate)
    active = narrow[np.abs(narrow) > 0.01]
    if not len(active):
        return narrow
    gain = min(_SPEECH_LEVEL / float(np.sqrt(np.mean(active**2))), _SPEECH_PEAK / float(np.abs(narrow).max()))
    louder: Samples = (narrow * np.float32(gain)).astype(np.float32)
    return louder


def _number(text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= most:
        raise PromptUnusable(f"{text!r} is not a number from 1 to {most}")
    return int(text)


def _failed(why: str) -> Rendered:
    return Rendered("failed", b"\xff" * RATE, why or "failed")


def _read(path: Path) -> bytes:
    """A prompt made earlier, empty when there is none or it is damaged."""
    try:
        body = path.read_bytes()
        os.utime(path)
    except OSError:
        return b""
    return body if len(body) % FRAME == 0 else b""


def _write(path: Path, ulaw: bytes) -> None:
    """Keep it for the next start; a full disk costs only that."""
    partial = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(ulaw)
        partial.replace(path)
    except OSError as error:
        log.warning("prompt cache: %s", error)
        partial.unlink(missing_ok=True)
