"""The line's side of recording: it makes and completes the files, watches their disk, and knows what runs.

The audio process gets a descriptor for each file and does nothing but write to it. When it dies, its successor gets
another one and goes on; when the line dies, the next start completes what lies in the spool.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from callcenter.telephony.media import space
from callcenter.telephony.media.events import DiskAlarm, MediaEvent, NotRecorded, Recorded, Recording
from callcenter.telephony.media.reel import Reel, left_over
from callcenter.telephony.media.wire import Message

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks at the disk."""

P = ParamSpec("P")
T = TypeVar("T")
Send = Callable[[Message, tuple[int, ...], Callable[[], None] | None], None]


class _Running:
    """A recording that is not complete. `over`: nobody wants more of it. `in_child`: the audio process has the file.

    `began`: `time.monotonic` of its first sample. `silence`: seconds without a voice that end it, 0 for never.
    """

    def __init__(self, reel: Reel, silence: float) -> None:
        self.reel, self.silence = reel, silence
        self.began = 0.0
        self.over = self.in_child = self.failed = False

    @property
    def legs(self) -> tuple[str, ...]:
        return (self.reel.leg, self.reel.other) if self.reel.other else (self.reel.leg,)

    def begin(self) -> None:
        self.began, self.reel.started = time.monotonic(), time.time()


class Recordings:
    """Every recording of one line. Methods run on the line's event loop and return at once.

    `folder` is the spool, None when there is none. `limit`: free bytes under which `DiskAlarm` is reported.
    """

    def __init__(self, folder: Path | None, limit: int, send: Send) -> None:
        self._folder = folder.absolute() if folder is not None else None
        self._limit = limit
        self._send = send
        self._running: dict[str, _Running] = {}
        self._report: Callable[[MediaEvent], None] = lambda event: None
        # one thread: what is asked for one file happens in that order
        self._disk = ThreadPoolExecutor(1, "recordings")
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = space.Room(0, 0)
        self._alarm = ""
        self._broken = self._mute = False
        self._watching: asyncio.Task[None] | None = None

    # ---- life ----------------------------------------------------------------------------------------------------

    async def start(self, report: Callable[[MediaEvent], None]) -> None:
        """Complete and report what lies in the spool; begin to watch its disk."""
        self._report = report
        if self._folder is None:
            return
        await self._look()
        for reel in await self._ask(left_over, self._folder):
            await self._complete(reel)
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Complete what still runs; the audio process has ended."""
        if self._watching is not None:
            self._watching.cancel()
        while self._tasks:
            await asyncio.gather(*self._tasks)
        for running in list(self._running.values()):
            await self._end(running)
        self._disk.shutdown()

    # ---- orders --------------------------------------------------------------------------------------------------

    def record(self, recording: str, leg: str, other: str, silence: float = 0.0) -> None:
        """Begin; the same id again is nothing. It ends by itself behind `silence` seconds without a voice (0: never).
        `Recording` or `NotRecorded` follows."""
        if recording in self._running:
            return
        if self._folder is None:
            self._report(NotRecorded(recording, leg, "no folder"))
        elif self._mute:
            self._report(NotRecorded(recording, leg, "no audio process"))
        elif self._room.full:
            self._report(NotRecorded(recording, leg, self._room.why or "disk full"))
        else:
            running = self._running[recording] = _Running(Reel(self._folder, recording, leg, other), silence)
            self._task(self._begin(running))

    def runs(self, recording: str) -> bool:
        """Whether it was begun and nobody ended it."""
        running = self._running.get(recording)
        return running is not None and not running.over

    def pause(self, recording: str, paused: bool) -> None:
        """Silence in place of the voices from now on, or their voices again."""
        running = self._running.get(recording)
        if running is None or running.over or running.reel.silenced == paused:
            return
        running.reel.pause(time.monotonic() - running.began, paused)
        if running.in_child:
            self._send(("pause", recording, paused), (), None)
        self._task(self._note(running.reel))

    def end(self, recording: str) -> None:
        """End it. `Recorded` follows."""
        running = self._running.get(recording)
        if running is not None and not running.over:
            running.over = True
            if running.in_child:
                self._send(("stop", recording), (), None)

    def left(self, leg: str) -> None:
        """A party is gone: the audio process ends its recordings by itself."""
        for running in self._running.values():
            running.over = running.over or leg in running.legs

    # ---- the audio process ---------------------------------------------------------------------------------------

    def closed(self, recording: str, why: str) -> None:
        """The audio process has closed the file, for want of a party or because of an error."""
        running = self._running.get(recording)
        if running is None:
            return
        running.over, running.in_child = True, False
        if why:
            self._fail(running, why)
        self._task(self._end(running))

    def orphaned(self, restarted: bool) -> None:
        """The audio process died; another one stands ready and knows no recording, or none will come any more."""
        self._mute = not restarted
        for running in self._running.values():
            if running.in_child:
                running.in_child = False
                running.over = running.over or self._mute
                self._task(self._go_on(running))

    # ---- with the disk -------------------------------------------------------------------------------------------

    async def _begin(self, running: _Running) -> None:
        reel = running.reel
        running.begin()
        try:
            fd = await self._ask(reel.create)
        except (OSError, ValueError) as error:
            del self._running[reel.recording]
            self._report(NotRecorded(reel.recording, reel.leg, _words(error)))
            self._disk_failed(error)
            return
        running.over = running.over or self._mute
        self._report(Recording(reel.recording, reel.leg, reel.other))
        await self._hand_over(running, fd, 0)

    async def _go_on(self, running: _Running) -> None:
        try:
            fd, written = await self._ask(running.reel.reopen)
        except OSError as error:
            self._fail(running, _words(error))
            await self._end(running)
            return
        await self._hand_over(running, fd, written)

    async def _hand_over(self, running: _Running, fd: int, written: int) -> None:
        """Give the audio process the file, unless the recording is over already."""
        name = running.reel.recording
        if running.over:
            os.close(fd)
            await self._end(running)
            return
        running.in_child = True
        order = ("record", name, running.legs, running.began, written, running.silence)
        self._send(order, (fd,), lambda: os.close(fd))
        if running.reel.silenced:
            self._send(("pause", name, True), (), None)

    async def _end(self, running: _Running) -> None:
        if self._running.pop(running.reel.recording, None) is not None:
            await self._complete(running.reel)

    async def _complete(self, reel: Reel) -> None:
        try:
            seconds = await self._ask(reel.complete)
        except OSError as error:
            self._report(NotRecorded(reel.recording, reel.leg, _words(error)))
            self._disk_failed(error)
            return
        if not seconds:
            await self._ask(reel.discard)
            self._report(NotRecorded(reel.recording, reel.leg, "over before it began"))
            return
        paused, sound = reel.paused(seconds), await self._ask(reel.sound)
        self._report(
            Recorded(
                reel.recording, reel.leg, str(reel.path), reel.started, seconds, reel.channels, paused, sound
            )
        )  # fmt: skip

    async def _note(self, reel: Reel) -> None:
        try:
            await self._ask(reel.note)
        except OSError as error:
            log.warning("a pause cannot be noted: %s", error)

    def _fail(self, running: _Running, why: str) -> None:
        if not running.failed:
            running.failed = True
            self._report(NotRecorded(running.reel.recording, running.reel.leg, why))
            self._broken = True
            self._set_alarm(why)

    def _disk_failed(self, error: Exception) -> None:
        if isinstance(error, OSError) and not isinstance(error, FileExistsError | FileNotFoundError):
            self._broken = True
            self._set_alarm(_words(error))

    # ---- the disk's room -----------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self._look()

    async def _look(self) -> None:
        assert self._folder is not None
        self._room = await self._ask(space.look, self._folder, self._broken)
        self._set_alarm(space.alarm(self._room, self._limit, bool(self._alarm)))
        self._broken = bool(self._room.why)
        if self._room.full:
            for running in list(self._running.values()):
                if not running.over:
                    self._fail(running, self._room.why or "disk full")
                    self.end(running.reel.recording)

    def _set_alarm(self, detail: str) -> None:
        if bool(detail) != bool(self._alarm):
            log.log(
                logging.ERROR if detail else logging.INFO, "the recordings' disk: %s", detail or "well again"
            )
            self._report(DiskAlarm(bool(detail), detail))
        self._alarm = detail

    # ---- tasks ---------------------------------------------------------------------------------------------------

    async def _ask(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, lambda: work(*args, **kwargs))

    def _task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _words(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
