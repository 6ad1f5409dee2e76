"""Recording in the audio process: what parties say, laid on one clock, handed second by second to the writer."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from callcenter.telephony.media import loudness, wav
from callcenter.telephony.media.g711 import ALAW_TO_ULAW, PCMA
from callcenter.telephony.media.writer import Writer

if TYPE_CHECKING:
    from callcenter.telephony.media.leg import Leg

Heard = tuple[float, int, int, int, bytes]
"""A packet: its arrival (`time.monotonic`), payload type, timestamp, SSRC and sound."""

LAG = 1.0
"""Seconds behind which we write, so that a packet that comes late still finds its place."""
PERIOD = 1.0
"""Seconds between two writes of one recording."""
_AT_ONCE = 4
"""Recordings that are written in one turn: each takes a tenth of a millisecond from the packets that wait."""
_LONGEST = 10 * wav.RATE
"""Samples of each channel in one write, so that silence after a standstill is made up in pieces."""
_JUMP = int(0.8 * wav.RATE)
"""Samples that a packet may be late; later, its sender's clock stood still meanwhile, and it counts as on time."""
_WINDOW = 200
_SLACK = wav.RATE // 200
"""5 ms by which a stream may lie beside the place that its least delayed packet of `_WINDOW` shows."""


class Track:
    """One voice. The RTP timestamp says where a packet lies beside its neighbours, its arrival where on our clock.

    The least delayed packets set the place of the stream: one that comes before it was due moves it at once, a delay
    that all of a window share moves it on. So jitter does not move it, and two tracks stay in step although the
    clocks of their senders run apart.
    """

    def __init__(self, began: float, start: int) -> None:
        self.inbox: list[Heard] = []
        self._began = began
        self._start = start
        self._sound = bytearray()
        self._ssrc = -1
        self._ts = self._place = 0
        self._least, self._count = _JUMP, 0

    def take(self, end: int) -> bytes:
        """The sound up to sample `end` of the recording, silence where none came."""
        inbox, self.inbox = self.inbox, []
        for now, kind, ts, ssrc, sound in inbox:
            at = self._locate(int((now - self._began) * wav.RATE), ts, ssrc)
            self._lay(at - self._start, sound.translate(ALAW_TO_ULAW) if kind == PCMA else sound)
        count = end - self._start
        sound = bytes(self._sound[:count])
        del self._sound[:count]
        self._start = end
        return sound if len(sound) == count else sound.ljust(count, wav.SILENCE)

    def _locate(self, arrival: int, ts: int, ssrc: int) -> int:
        """The sample of the recording at which the packet begins."""
        place = self._place + ((ts - self._ts + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        late = arrival - place
        if ssrc != self._ssrc or late < -_SLACK or late > _JUMP:
            place, late = arrival, 0
            self._ssrc = ssrc
        self._least = min(self._least, late)
        self._count += 1
        if self._count >= _WINDOW:
            if self._least > _SLACK:
                place += self._least
            self._least, self._count = _JUMP, 0
        self._ts, self._place = ts, place
        return place

    def _lay(self, at: int, sound: bytes) -> None:
        """`at`: from the first sample that is not written yet."""
        held = self._sound
        if at > len(held):
            held += wav.SILENCE * (at - len(held))
        elif at < 0:
            sound, at = sound[-at:], 0
        held[at : at + len(sound)] = sound


class Tape:
    """One recording: a track for each voice, and the file that they go to.

    `silence`: seconds without a voice after which a single track is `silent`, 0 for never.
    """

    def __init__(
        self, name: str, fd: int, legs: "tuple[Leg, ...]", began: float, start: int, due: float,
        silence: float = 0.0,
    ) -> None:  # fmt: skip
        self.name, self.fd, self.legs, self.due = name, fd, legs, due
        self.silent = False
        self._silence, self._quiet = silence, 0.0
        self.tracks = tuple(Track(began, start) for _ in legs)
        self.paused = False
        self._began = began
        self._start = start

    def wind(self, now: float) -> tuple[int, bytes]:
        """(place in the file, bytes) of what was said since the last time and until `now`."""
        start = self._start
        end = min(int((now - self._began) * wav.RATE), start + _LONGEST)
        if end <= start:
            return 0, b""
        self._start = end
        voices = [track.take(end) for track in self.tracks]
        count = len(voices)
        if count == 1:
            self._listen(voices[0])
            return wav.HEADER_BYTES + start, voices[0]
        woven = bytearray(count * (end - start))
        for channel, voice in enumerate(voices):
            woven[channel::count] = voice
        return wav.HEADER_BYTES + start * count, bytes(woven)

    def _listen(self, sound: bytes) -> None:
        if self._silence <= 0:
            return
        tail = loudness.quiet_tail(sound)
        self._quiet = tail + (self._quiet if tail * wav.RATE >= len(sound) else 0.0)
        self.silent = self._quiet >= self._silence


class Recorder:
    """Every tape of the audio process. Times are seconds of `time.monotonic`.

    `tell` is called with `"recorded"`, a recording and what went wrong when its file is closed.
    """

    def __init__(self, writer: Writer, tell: Callable[..., None]) -> None:
        self.bell = writer.bell
        self._writer = writer
        self._tell = tell
        self._tapes: dict[str, Tape] = {}
        self._line: deque[Tape] = deque()

    def start(
        self, name: str, fd: int, legs: "tuple[Leg, ...]", began: float, start: int, now: float,
        silence: float = 0.0,
    ) -> None:  # fmt: skip
        """Record what the legs say, a channel each, behind the `start` samples that the file has; a single one until
        `silence` seconds are without a voice, when that is not 0."""
        tape = self._tapes[name] = Tape(name, fd, legs, began, start, now + PERIOD, silence)
        self._line.append(tape)
        self._thread(tape)

    def refuse(self, name: str, fd: int) -> None:
        """Nothing more comes to this file."""
        self._writer.close(name, fd)

    def pause(self, name: str, paused: bool) -> None:
        """Silence in place of the voices, or their voices again."""
        tape = self._tapes.get(name)
        if tape is not None and tape.paused != paused:
            tape.paused = paused
            self._thread(tape)

    def stop(self, name: str, now: float) -> None:
        """Write the rest; the writer tells when the file is closed."""
        tape = self._tapes.pop(name, None)
        if tape is None:
            return
        tape.paused = True
        self._thread(tape)
        while (piece := tape.wind(now))[1]:
            self._writer.write(name, tape.fd, *piece)
        self._writer.close(name, tape.fd)

    def left(self, leg: "Leg", now: float) -> None:
        """A party is gone, and with it every recording of it."""
        for tape in [tape for tape in self._tapes.values() if leg in tape.legs]:
            self.stop(tape.name, now)

    def finish(self, now: float) -> None:
        """The process ends."""
        for name in list(self._tapes):
            self.stop(name, now)
        self._writer.finish()

    def hear_writer(self, now: float) -> None:
        """The writer rang."""
        for name, why, closed in self._writer.results():
            if closed:
                self._tell("recorded", name, why)
            else:
                self.stop(name, now)

    def due(self) -> float | None:
        """When `run` is wanted, None while nothing is recorded."""
        return self._line[0].due if self._line else None

    def run(self, now: float) -> None:
        """Hand over what is due, a few tapes at a time."""
        line = self._line
        for _ in range(_AT_ONCE):
            if not line or line[0].due > now:
                return
            tape = line.popleft()
            if self._tapes.get(tape.name) is not tape:
                continue
            self._writer.write(tape.name, tape.fd, *tape.wind(now - LAG))
            if tape.silent:
                self.stop(tape.name, now)
                continue
            tape.due = now + PERIOD
            line.append(tape)

    def _thread(self, tape: Tape) -> None:
        """Let the legs feed the tape, or not."""
        for leg, track in zip(tape.legs, tape.tracks, strict=True):
            others = tuple(each for each in leg.tracks if each is not track)
            leg.tracks = others if tape.paused else (*others, track)
