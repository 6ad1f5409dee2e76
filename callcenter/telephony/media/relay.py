"""All legs of one audio process: carries out the line's orders and tells it what happened."""

import logging
import socket
import time
from collections.abc import Callable

from callcenter.telephony.media.dtmf import playable
from callcenter.telephony.media.latch import Address
from callcenter.telephony.media.leg import Leg, Receive
from callcenter.telephony.media.pacer import Pacer
from callcenter.telephony.media.player import Dialler, Player, Sound
from callcenter.telephony.media.recorder import Recorder
from callcenter.telephony.media.wire import Message

log = logging.getLogger(__name__)

BEATS = 10
"""A second has so many, and each looks after its share of the legs, so that no packet waits for all of them."""
REPORT_EVERY = 5
"""Seconds between a leg's RTCP reports (RFC 3550, 6.2)."""
GAP = 1.0
"""Seconds without anything to one who hears one other after which we fill in silence."""

Tell = Callable[..., None]
Listen = Callable[[socket.socket, Receive | None], None]


class Relay:
    """State of the audio process. `silent_after`: seconds without RTP before a leg is told to be silent."""

    def __init__(
        self,
        tell: Tell,
        listen: Listen,
        fault: Callable[[Exception], None],
        silent_after: float,
        recorder: Recorder,
    ) -> None:
        self.tell, self.listen = tell, listen
        self.recorder = recorder
        self.now = time.monotonic()
        self.pacer = Pacer(self.now, fault)
        self.legs: dict[str, Leg] = {}
        self._silent_after = silent_after
        self._sounds: dict[str, Sound] = {}
        self._loading: dict[str, bytearray] = {}
        self._beats: tuple[dict[str, Leg], ...] = tuple({} for _ in range(BEATS))
        self._round = self._opened = 0

    def obey(self, message: Message, fds: list[int]) -> None:
        """One order of the line. One that comes too late for its leg is nothing."""
        match message:
            case ("open", leg):
                self._open(leg, fds)
            case ("load", key, chunk, last):
                self._load(key, chunk, last)
            case ("drop", key):
                self._sounds.pop(key, None)
            case ("record", recording, names, began, start, silence):
                self._record(recording, names, began, start, silence, fds[0])
            case ("pause", recording, paused):
                self.recorder.pause(recording, paused)
            case ("stop", recording):
                self.recorder.stop(recording, self.now)
            case (order, leg, *rest) if leg in self.legs:
                getattr(self, f"_on_{order}")(self.legs[leg], *rest)

    def repace(self, leg: Leg) -> None:
        """Give the leg turns or take them away, as its state asks."""
        if leg.paced:
            self.pacer.add(leg, self.now)
        else:
            self.pacer.remove(leg)

    def finished(self, leg: Leg, player: Player) -> None:
        """A play came to its end."""
        leg.player = None
        self._rewire(leg)
        self.tell("finished", leg.name, player.play)

    def dialled(self, leg: Leg) -> None:
        """All keys are sent."""
        leg.dialler = None
        self._rewire(leg)

    def look_after(self, now: float) -> None:
        """`BEATS` times a second: who fell silent, whom nobody speaks to, whose report is due, how they sound."""
        self._round += 1
        beat, second = self._round % BEATS, self._round // BEATS
        news = []
        for leg in self._beats[beat].values():
            if leg.connected:
                self._watch(leg, now)
                if (leg.number // BEATS + second) % REPORT_EVERY == 0:
                    leg.send_report(now)
                news.append((leg.name, leg.reception.figures()))
        if news:
            self.tell("figures", tuple(news))

    def _watch(self, leg: Leg, now: float) -> None:
        silence = now - leg.heard
        if silence < self._silent_after:
            leg.told_silent = False
        elif leg.may_send and leg.may_hear and not leg.told_silent:
            leg.told_silent = True
            self.tell("silent", leg.name, silence)
        if len(leg.hears) == 1 and not leg.filling and now - leg.out.at > GAP:
            leg.filling = True
            self.repace(leg)

    # ---- orders --------------------------------------------------------------------------------------------------

    def _open(self, name: str, fds: list[int]) -> None:
        rtp, rtcp = (socket.socket(fileno=fd) for fd in fds)
        rtp.setblocking(False)
        rtcp.setblocking(False)
        self._opened += 1
        leg = self.legs[name] = Leg(self, name, self._opened, rtp, rtcp, self.now)
        self._beats[leg.number % BEATS][name] = leg
        self.listen(rtcp, leg.receive_rtcp)

    def _on_connect(
        self,
        leg: Leg,
        address: Address | None,
        payload: int,
        dtmf: int | None,
        direction: str,
        keys: tuple[str, bytes, bytes] | None,
    ) -> None:
        leg.secure(keys)
        leg.connect(address, payload, dtmf, direction, self.now)
        self._rewire(leg)

    def _on_play(self, leg: Leg, play: str, keys: tuple[str, ...], loop: bool) -> None:
        leg.player = Player(play, [self._sounds[key] for key in keys if key in self._sounds], loop)
        self._rewire(leg)

    def _on_silence(self, leg: Leg) -> None:
        leg.player = None
        self._rewire(leg)

    def _on_hear(self, leg: Leg, names: tuple[str, ...]) -> None:
        before = leg.hears
        leg.hear(tuple(self.legs[name] for name in names if name in self.legs))
        for source in before:
            source.wire()
        self._rewire(leg)

    def _on_bridge(self, leg: Leg, name: str) -> None:
        """Who hears whom came in orders of its own: end what is played to both, and say that it is done."""
        other = self.legs.get(name)
        if other is None:
            return
        for each in (leg, other):
            each.player = None
            self._rewire(each)
        self.tell("bridged", leg.name, other.name)

    def _on_mute(self, leg: Leg, muted: bool) -> None:
        leg.muted = muted
        self._rewire(leg)

    def _on_digits(self, leg: Leg, digits: str) -> None:
        if leg.dtmf < 0:
            return
        if leg.dialler is None:
            leg.dialler = Dialler("")
        leg.dialler.add(playable(digits))
        self._rewire(leg)

    def _on_close(self, leg: Leg) -> None:
        self.recorder.left(leg, self.now)
        self._on_hear(leg, ())
        for listener in list(leg.heard_by):
            self._on_hear(listener, tuple(other.name for other in listener.hears if other is not leg))
        self.pacer.remove(leg)
        self.listen(leg.rtp, None)
        self.listen(leg.rtcp, None)
        del self.legs[leg.name]
        del self._beats[leg.number % BEATS][leg.name]
        leg.close()

    def _record(
        self, name: str, legs: tuple[str, ...], began: float, start: int, silence: float, fd: int
    ) -> None:
        there = tuple(self.legs[leg] for leg in legs if leg in self.legs)
        if len(there) == len(legs):
            self.recorder.start(name, fd, there, began, start, self.now)
        else:
            # a party left while the file was made
            self.recorder.refuse(name, fd)

    def _load(self, key: str, chunk: bytes, last: bool) -> None:
        sound = self._loading.setdefault(key, bytearray())
        sound += chunk
        if last:
            self._sounds[key] = Sound(bytes(self._loading.pop(key)))

    def _rewire(self, leg: Leg) -> None:
        """A leg's state changed: its own path, the paths of those whom it hears, and who sends to it."""
        leg.wire()
        for source in leg.hears:
            source.wire()
        self.repace(leg)
