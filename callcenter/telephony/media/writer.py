"""The one thread of the audio process that touches a disk."""

import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable

MOST_WAITING = 64 * 1024 * 1024
"""Bytes that may wait for a slow disk; a recording that would add more is given up."""
_FAREWELL = 1.5
"""Seconds that the last writes may take when the process ends."""

_Job = tuple[str, int, int, bytes | None]


class Writer:
    """Writes and closes in the order it is asked to.

    `bell` is a descriptor that becomes readable when `results` has news. `prepare` is called first in the thread.
    """

    def __init__(self, prepare: Callable[[], None]) -> None:
        self.bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._prepare = prepare
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._results: deque[tuple[str, str, bool]] = deque()
        self._failed: dict[str, str] = {}
        self._asked = self._done = 0
        self._thread: threading.Thread | None = None

    def write(self, name: str, fd: int, at: int, data: bytes) -> None:
        """Put `data` at byte `at` of the file; never waits."""
        if not data or name in self._failed:
            return
        if self._asked - self._done > MOST_WAITING:
            self._fail(name, "the disk is too slow")
            return
        self._asked += len(data)
        self._put((name, fd, at, data))

    def close(self, name: str, fd: int) -> None:
        """Close the file behind what is written of it."""
        self._put((name, fd, 0, None))

    def results(self) -> list[tuple[str, str, bool]]:
        """(recording, what went wrong, whether its file is closed) since the last time. One that fails is to be closed;
        when it is, this is told with the same words, empty when all is written."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.bell)
        return [self._results.popleft() for _ in range(len(self._results))]

    def finish(self) -> None:
        """Wait a moment for what was asked for."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(_FAREWELL)

    def _put(self, job: _Job) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _run(self) -> None:
        self._prepare()
        while (job := self._jobs.get()) is not None:
            name, fd, at, data = job
            try:
                if data is None:
                    os.close(fd)
                else:
                    self._write(fd, at, data)
            except OSError as error:
                self._fail(name, error.strerror or str(error))
            if data is None:
                self._tell(name, self._failed.pop(name, ""), True)
            else:
                self._done += len(data)

    def _write(self, fd: int, at: int, data: bytes) -> None:
        written = os.pwrite(fd, data, at)
        while written < len(data):
            written += os.pwrite(fd, data[written:], at + written)

    def _fail(self, name: str, why: str) -> None:
        if name not in self._failed:
            self._failed[name] = why
            self._tell(name, why, False)

    def _tell(self, name: str, why: str, closed: bool) -> None:
        self._results.append((name, why, closed))
        os.eventfd_write(self.bell, 1)
