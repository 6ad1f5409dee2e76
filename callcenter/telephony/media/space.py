"""Whether the spool's disk has room, and whether anybody should be woken because of it. Sizes are bytes."""

import os
from dataclasses import dataclass
from pathlib import Path

MB = 1024 * 1024
LAST = 200 * MB
"""Free bytes under which nothing more is recorded: the record and the store may live on the same disk."""
_SHARE = 0.05
_BETTER = 1.1
"""Times the limit that must be free before an alarm ends, so that it does not flicker."""
_PROBE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Room:
    """What a look at the disk found. `why` says why it cannot be written, empty when it can."""

    free: int
    size: int
    why: str = ""

    @property
    def full(self) -> bool:
        return bool(self.why) or self.free < LAST


def look(folder: Path, probe: bool) -> Room:
    """Ask the disk; with `probe` write to it as well, for room is not all that a file needs."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if probe:
            _write(folder / ".probe")
        found = os.statvfs(folder)
    except OSError as error:
        return Room(0, 0, error.strerror or str(error))
    return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def alarm(room: Room, limit: int, on: bool) -> str:
    """What is wrong with the disk, empty when all is well.

    There is too little room under `limit`, or under a twentieth of the disk where that is less. `on`: whether an
    alarm stands already.
    """
    if room.why:
        return room.why
    enough = max(min(limit, int(room.size * _SHARE)), LAST) * (_BETTER if on else 1.0)
    return f"{room.free // MB} MB free" if room.free < enough else ""


def _write(path: Path) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(bytes(_PROBE))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
