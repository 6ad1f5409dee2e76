"""The files of one recording in the line's spool, and what a crash left of them.

While it is made it lies there as `<recording>.part`, when it is complete as `<recording>.wav`; `<recording>.json`
beside it says what it is. All are readable by us alone (mode 0600).
"""

import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from callcenter.telephony.media import loudness, wav

_NAME = re.compile(r"\w[\w.-]{0,99}")


@dataclass(slots=True)
class Reel:
    """One recording. `started`: seconds since 1970 of its first sample.

    `pauses`: (from, to) in seconds from the start; the last `to` is None while it is paused.
    """

    folder: Path
    recording: str
    leg: str
    other: str = ""
    started: float = 0.0
    pauses: list[tuple[float, float | None]] = field(default_factory=list)

    @property
    def channels(self) -> int:
        return 2 if self.other else 1

    @property
    def path(self) -> Path:
        """Where it lies when it is complete; absolute when the folder is."""
        return self.folder / f"{self.recording}.wav"

    @property
    def _part(self) -> Path:
        return self.folder / f"{self.recording}.part"

    def create(self) -> int:
        """A descriptor of the new file behind its header. Raises OSError, ValueError for an id that names no file."""
        if not _NAME.fullmatch(self.recording):
            raise ValueError(f"no name for a file: {self.recording!r}")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, wav.header(self.channels, 0))
            self.note()
        except OSError:
            os.close(fd)
            self.discard()
            raise
        return fd

    def reopen(self) -> tuple[int, int]:
        """(descriptor, samples of each channel that are there) of a file whose writer died. Raises OSError."""
        fd = os.open(self._part, os.O_WRONLY | os.O_CLOEXEC)
        return fd, wav.frames_in(os.fstat(fd).st_size, self.channels)

    def note(self, seconds: float | None = None) -> None:
        """Write down what it is; with `seconds` when it is complete. Raises OSError."""
        facts = {**asdict(self), "channels": self.channels, "seconds": seconds}
        del facts["folder"]
        new = self.folder / f"{self.recording}.json.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
            json.dump(facts, file)
        new.replace(self.folder / f"{self.recording}.json")

    def complete(self) -> float:
        """Mend the header and give it its name; its length in seconds. Nothing when that was done. Raises OSError."""
        if self.path.exists():
            return wav.frames_in(self.path.stat().st_size, self.channels) / wav.RATE
        with self._part.open("r+b") as file:
            frames = wav.frames_in(os.fstat(file.fileno()).st_size, self.channels)
            file.truncate(wav.HEADER_BYTES + frames * self.channels)
            file.write(wav.header(self.channels, frames))
        seconds = frames / wav.RATE
        with contextlib.suppress(OSError):
            # on a full disk the sound matters, and what was noted at its start still stands
            self.note(seconds)
        self._part.rename(self.path)
        return seconds

    def sound(self) -> float:
        """Seconds of a complete one in which somebody spoke; 0 for two channels, where nobody asks."""
        if self.other:
            return 0.0
        with contextlib.suppress(OSError):
            return loudness.heard(self.path.read_bytes()[wav.HEADER_BYTES :])
        return 0.0

    def discard(self) -> None:
        """Nothing is left of it."""
        for name in (".part", ".wav", ".json", ".json.new"):
            with contextlib.suppress(OSError):
                (self.folder / f"{self.recording}{name}").unlink()

    def pause(self, at: float, paused: bool) -> None:
        """Note that it is silenced, or goes on, `at` seconds from its start."""
        if paused and not self.silenced:
            self.pauses.append((at, None))
        elif not paused and self.silenced:
            self.pauses[-1] = (self.pauses[-1][0], at)

    @property
    def silenced(self) -> bool:
        """Whether it is paused now."""
        return bool(self.pauses) and self.pauses[-1][1] is None

    def paused(self, seconds: float) -> float:
        """Seconds of it, of `seconds` in all, in which it was paused."""
        spans = ((begin, seconds if end is None else min(end, seconds)) for begin, end in self.pauses)
        return sum(max(0.0, end - begin) for begin, end in spans)


def left_over(folder: Path) -> list[Reel]:
    """Every recording that lies in the folder, complete or not; what cannot be told is left where it is.

    Notes without a sound are what a worker, or a crash, left behind: they are removed.
    """
    reels = []
    for path in sorted(folder.glob("*.json")):
        try:
            facts = json.loads(path.read_text())
            pauses = [(float(begin), end) for begin, end in facts["pauses"]]
            reel = Reel(folder, path.stem, facts["leg"], facts["other"], facts["started"], pauses)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if reel.path.exists() or reel._part.exists():
            reels.append(reel)
        else:
            reel.discard()
    return reels
