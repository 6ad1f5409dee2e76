"""Events that the store could not take, in a file, in order, with their true times."""

from collections.abc import Iterator
from pathlib import Path

import orjson


class Spool:
    """Append-only; survives a kill of the process. Each entry carries its number, by which a replay drops doubles."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        try:
            return self._path.stat().st_size > 0
        except OSError:
            return False

    def append(self, entries: list[tuple[str, bytes]]) -> None:
        """(number, body) each. Raises OSError when the disk is full."""
        with self._path.open("ab") as file:
            file.write(b"".join(orjson.dumps([number, body.decode()]) + b"\n" for number, body in entries))

    def entries(self) -> Iterator[tuple[str, bytes]]:
        """All that waits, the oldest first; a last line that a crash cut off is left out."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except OSError:
            return
        for line in lines:
            try:
                number, body = orjson.loads(line)
            except ValueError:
                continue
            yield number, body.encode()

    def clear(self) -> None:
        """Everything was handed over."""
        self._path.unlink(missing_ok=True)
