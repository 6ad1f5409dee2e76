"""The line's handle of its audio process.

Sockets are bound here, so that `open` answers at once with a port that is really ours, and handed to the child. This
side also remembers what each leg was told: when the child dies, another takes over the sockets and goes on.
"""

import asyncio
import contextlib
import ipaddress
import logging
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from callcenter.telephony.media.crypto import Crypto
from callcenter.telephony.media.events import (
    Bridged,
    ChildDied,
    Digit,
    DiskAlarm,
    MediaEvent,
    NotRecorded,
    PlayFinished,
    PromptFailed,
    Recorded,
    Recording,
    Silent,
)
from callcenter.telephony.media.hearing import Hearing
from callcenter.telephony.media.latch import Address
from callcenter.telephony.media.monitor import Monitor
from callcenter.telephony.media.ports import NoPorts, Ports
from callcenter.telephony.media.recordings import Recordings
from callcenter.telephony.media.wire import CHUNK, Message, Wire, WireClosed
from callcenter.telephony.prompts import Rendered, Renderer

__all__ = ["Bridged", "ChildDied", "Digit", "DiskAlarm", "MediaEvent", "MediaPlane", "NoPorts", "NotRecorded",
           "PlayFinished", "PromptFailed", "Recorded", "Recording", "Silent"]  # fmt: skip

log = logging.getLogger(__name__)

SILENT_AFTER = 30.0
DISK_LIMIT = 2 * 1024 * 1024 * 1024
_SOUND_BUDGET = 64 * 1024 * 1024
_LIVES, _LIVES_WITHIN = 5, 60.0
AGAIN_AFTER = 10.0
"""Seconds behind the last of too many deaths until another audio process is tried: new calls are refused meanwhile."""
_GRACE = 2.0


@dataclass(slots=True)
class _Play:
    play: str
    prompts: tuple[str, ...]
    loop: bool


@dataclass(slots=True)
class _Leg:
    port: int
    rtp: socket.socket
    rtcp: socket.socket
    connect: Message | None = None
    playing: _Play | None = None
    muted: bool = False

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


class MediaPlane:
    """RTP for the legs of one line. All methods run on the line's event loop and return at once.

    `data_dir` holds uploaded prompts (`prompts/`) and the cache of spoken ones; without it there is neither.
    `silent_after`: seconds without RTP, while both sides should send, after which `Silent` is reported.
    `spool` is the folder of recordings, `disk_limit` the free bytes there under which `DiskAlarm` is reported.
    An order for a leg that is not open is nothing: it came too late.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        silent_after: float = SILENT_AFTER,
        spool: Path | None = None,
        disk_limit: int = DISK_LIMIT,
    ) -> None:
        self.recordings = Recordings(spool, disk_limit, self._send)
        self.monitor = Monitor()
        self._silent_after = silent_after
        self._renderer = Renderer(data_dir)
        self._legs: dict[str, _Leg] = {}
        self._hearing = Hearing()
        self._loaded: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._deaths: list[float] = []
        self._report: Callable[[MediaEvent], None] = lambda event: None
        self._ports: Ports | None = None
        self._wire: Wire | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._writing = False

    # ---- life ----------------------------------------------------------------------------------------------------

    async def start(
        self, host: str, port_range: tuple[int, int], report: Callable[[MediaEvent], None]
    ) -> None:
        """Start the audio process. RTP is bound to `host` within `port_range` (both ends included)."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._loop = asyncio.get_running_loop()
        self._ports = Ports(host, *port_range)
        self._report = report
        self._spawn()
        self._renderer.warm()
        await self.recordings.start(report)

    async def stop(self) -> None:
        """Close every leg and end the audio process."""
        for task in self._tasks:
            task.cancel()
        if self._again is not None:
            self._again.cancel()
        process = self._process
        self._unplug()
        for leg in self._legs.values():
            leg.close()
        self._legs.clear()
        if process is not None:
            await self._loop.run_in_executor(None, _reap, process)
        await self.recordings.stop()
        self._renderer.close()

    @property
    def pid(self) -> int:
        """Process id of the audio process, 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    @property
    def ports_used(self) -> int:
        """Pairs of ports that are bound now."""
        return len(self._legs)

    # ---- legs ----------------------------------------------------------------------------------------------------

    def open(self, leg: str, host: str = "") -> int:
        """Reserve ports for the leg; the RTP port, the same when asked again. Raises NoPorts.

        `host`: the address of ours to bind, where the line has several.
        """
        if leg in self._legs:
            return self._legs[leg].port
        if self._ports is None or self._wire is None:
            raise NoPorts("no audio process")
        port, rtp, rtcp = self._ports.bind(host)
        self._legs[leg] = _Leg(port, rtp, rtcp)
        self._send_open(leg)
        return port

    def connect(
        self,
        leg: str,
        host: str,
        port: int,
        payload: int,
        dtmf_payload: int | None,
        direction: str = "sendrecv",
        crypto: Crypto | None = None,
    ) -> None:
        """Take what offer and answer agreed on, at the first and at each later negotiation.

        `host`, `port`: where the remote SDP says RTP goes; the true source is learnt from what comes.
        `payload`: 0 (PCMU), 8 (PCMA) or 9 (G.722). `dtmf_payload`: of telephone-event, None when not negotiated.
        `direction`: the attribute in the *remote* SDP: at `sendonly` and `inactive` it holds us and gets nothing.
        `crypto`: SRTP by these keys, RTP in the clear without; the same keys again go on where they were.
        """
        state = self._legs.get(leg)
        if state is None:
            return
        keys = None if crypto is None else (crypto.suite, crypto.send, crypto.receive)
        state.connect = ("connect", leg, _numeric(host, port), payload, dtmf_payload, direction, keys)
        self.monitor.connected(leg, payload, crypto is not None)
        self._send(state.connect)

    def play(self, leg: str, play: str, prompts: tuple[str, ...], loop: bool) -> None:
        """Play prompts in place of what the leg hears, and then let it hear its bridge again, if it has one.

        `PlayFinished` follows unless `loop`, or unless something else takes the play's place first.
        """
        state = self._legs.get(leg)
        if state is None:
            return
        state.playing = _Play(play, prompts, loop)
        self._start_play(leg, state.playing)

    def silence(self, leg: str) -> None:
        """End what is played to the leg."""
        self._forget_play(leg)
        self._order("silence", leg)

    def hear(self, leg: str, others: tuple[str, ...]) -> None:
        """Let the leg hear exactly these open legs: one as it comes, several mixed, none as silence.

        What the others hear stays as it is; a play to the leg comes first and runs to its end.
        """
        if leg in self._legs:
            self._send_hearing(
                self._hearing.hear(leg, tuple(other for other in others if other in self._legs))
            )

    def bridge(self, leg: str, other: str) -> None:
        """Let two legs hear each other alone; each leaves its play, and with whom it was bridged before is in silence.
        `Bridged` follows."""
        if leg == other or leg not in self._legs or other not in self._legs:
            return
        self._forget_play(leg)
        self._forget_play(other)
        self._send_hearing(self._hearing.bridge(leg, other))
        self._send(("bridge", leg, other))

    def part(self, leg: str) -> None:
        """The leg, and with whom it is bridged, go on in silence; who listens to it goes on listening."""
        self._send_hearing(self._hearing.part(leg))

    def mute(self, leg: str, muted: bool) -> None:
        """Let the others hear silence in place of the leg."""
        if leg in self._legs:
            self._legs[leg].muted = muted
            self._send(("mute", leg, muted))

    def send_digits(self, leg: str, digits: str) -> None:
        """Press keys towards the leg by RFC 4733, 100 ms each, `,` for a second's pause; nothing when it was
        connected without a payload type for them."""
        self._order("digits", leg, digits)

    def close(self, leg: str) -> None:
        """Free the leg's ports."""
        state = self._legs.get(leg)
        if state is None:
            return
        for _ in self._hearing.close(leg):
            pass  # the audio process does the same by itself
        del self._legs[leg]
        self.recordings.left(leg)
        self.monitor.forget(leg)
        self._send(("close", leg), after=state.close)

    # ---- plays ---------------------------------------------------------------------------------------------------

    def _start_play(self, leg: str, play: _Play) -> None:
        ready = [self._renderer.ready(prompt) for prompt in play.prompts]
        if all(ready):
            self._send_play(leg, play, [sound for sound in ready if sound])
            return
        task = self._loop.create_task(self._render_play(leg, play))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _render_play(self, leg: str, play: _Play) -> None:
        sounds = [await self._renderer.render(prompt) for prompt in play.prompts]
        state = self._legs.get(leg)
        if state is None or state.playing is not play:
            return
        for prompt, sound in zip(play.prompts, sounds, strict=True):
            if sound.why:
                log.warning("prompt %s failed: %s", prompt, sound.why)
                self._report(PromptFailed(leg, play.play, prompt, sound.why))
        self._send_play(leg, play, sounds)

    def _send_play(self, leg: str, play: _Play, sounds: list[Rendered]) -> None:
        for sound in sounds:
            self._load(sound)
        self._send(("play", leg, play.play, tuple(sound.key for sound in sounds), play.loop))
        self._trim()

    def _load(self, sound: Rendered) -> None:
        """Let the child have the sound; what was used last stands last."""
        if self._loaded.pop(sound.key, None) is None:
            for start in range(0, len(sound.ulaw), CHUNK):
                chunk = sound.ulaw[start : start + CHUNK]
                self._send(("load", sound.key, chunk, start + CHUNK >= len(sound.ulaw)))
        self._loaded[sound.key] = len(sound.ulaw)

    def _trim(self) -> None:
        total = sum(self._loaded.values())
        while total > _SOUND_BUDGET:
            key = next(iter(self._loaded))
            total -= self._loaded.pop(key)
            self._send(("drop", key))

    def _forget_play(self, leg: str) -> None:
        if leg in self._legs:
            self._legs[leg].playing = None

    def _send_hearing(self, changes: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        for leg, heard in changes:
            self._send(("hear", leg, heard))

    # ---- the child -----------------------------------------------------------------------------------------------

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parents[3])
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "callcenter.telephony.media.child",
                    str(theirs.fileno()),
                    str(self._silent_after),
                ],
                pass_fds=(theirs.fileno(),),
                env={**os.environ, "PYTHONPATH": path},
            )
        self._wire = Wire(ours)
        self._loop.add_reader(ours, self._read, self._wire)

    def _unplug(self) -> None:
        wire, self._wire, self._process = self._wire, None, None
        self._loaded.clear()
        if wire is not None:
            self._loop.remove_reader(wire.sock)
            self._loop.remove_writer(wire.sock)
            self._writing = False
            wire.close()

    def _read(self, wire: Wire) -> None:
        try:
            while wire is self._wire:
                received = wire.receive()
                if received is None:
                    return
                self._tell(received[0])
        except WireClosed:
            self._bury()

    def _tell(self, message: Message) -> None:
        match message:
            case ("digit", leg, digit) if leg in self._legs:
                self._report(Digit(leg, digit))
            case ("finished", leg, play) if leg in self._legs:
                state = self._legs[leg]
                if state.playing is not None and state.playing.play == play:
                    state.playing = None
                    self._report(PlayFinished(leg, play))
            case ("silent", leg, seconds) if leg in self._legs:
                self._report(Silent(leg, seconds))
            case ("figures", news):
                self.monitor.take(news)
            case ("recorded", recording, why):
                self.recordings.closed(recording, why)
            case ("bridged", leg, other) if leg in self._legs:
                self._report(Bridged(leg, other))

    def _bury(self) -> None:
        """The child is gone: start another and tell it all, unless they die as fast as they come."""
        process = self._process
        self._unplug()
        if process is not None:
            self._loop.run_in_executor(None, _reap, process)
        now = time.monotonic()
        self._deaths = [death for death in self._deaths if now - death < _LIVES_WITHIN] + [now]
        restarted = len(self._deaths) <= _LIVES
        log.error(
            "the audio process died%s", "" if restarted else f"; the next one is tried in {AGAIN_AFTER:.0f} s"
        )
        if restarted:
            self._spawn()
            self._restore()
        else:
            self._again = self._loop.call_later(AGAIN_AFTER, self._revive)
        self.recordings.orphaned(restarted)
        self._report(ChildDied(restarted))

    def _revive(self) -> None:
        """A line that takes calls for ever without any audio would be worse than one that is gone."""
        try:
            self._spawn()
        except OSError as error:
            log.error("the audio process cannot be started: %s", error)
            self._again = self._loop.call_later(AGAIN_AFTER, self._revive)
            return
        self._restore()

    def _restore(self) -> None:
        for leg in self._legs:
            self._send_open(leg)
        for leg, state in self._legs.items():
            if state.connect is not None:
                self._send(state.connect)
            if state.muted:
                self._send(("mute", leg, True))
            self._send(("hear", leg, self._hearing.of(leg)))
        for leg, state in self._legs.items():
            if state.playing is not None:
                self._start_play(leg, state.playing)

    def _send_open(self, leg: str) -> None:
        state = self._legs[leg]
        self._send(("open", leg), (state.rtp.fileno(), state.rtcp.fileno()))

    def _order(self, order: str, leg: str, *values: str) -> None:
        if leg in self._legs:
            self._send((order, leg, *values))

    def _send(
        self, message: Message, fds: tuple[int, ...] = (), after: Callable[[], None] | None = None
    ) -> None:
        if self._wire is None:
            if after is not None:
                after()
            return
        self._wire.send(message, fds, after)
        if self._wire.waiting and not self._writing:
            self._writing = True
            self._loop.add_writer(self._wire.sock, self._flush)

    def _flush(self) -> None:
        if self._wire is not None:
            self._wire.flush()
            if not self._wire.waiting:
                self._writing = False
                self._loop.remove_writer(self._wire.sock)


def _numeric(host: str, port: int) -> Address | None:
    """The address when something may be sent there; a name or `0.0.0.0` (RFC 2543's hold) waits for what comes."""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        if port and not address.is_unspecified:
            return str(address), port
    return None


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Let it end by itself, then make it; it leaves no zombie."""
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
