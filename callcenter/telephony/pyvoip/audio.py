"""The RTP of one leg: pyVoIP's client, with sound copied as it is.

pyVoIP turns everything into eight linear bits, keeps all of a call in memory and breaks when its counters wrap; here
mu-law stays mu-law, what nobody takes is dropped, and a thread each sends and receives.
"""

import contextlib
import itertools
import secrets
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from pyVoIP import RTP

from callcenter.telephony.media.dtmf import PAUSE, KeyDetector, playable, press
from callcenter.telephony.media.g711 import ALAW_TO_ULAW, FRAME, PCMA, PCMU, SILENT_FRAME, ULAW_TO_ALAW

_TICK = 0.02
_LOOK = 0.1
_HELD = 3
"""Frames that gather before a partner is heard, and again after a gap: two clocks never run alike."""
_MOST = 12
_SILENCE = SILENT_FRAME[PCMU]


class Play:
    """Prompts to one leg, as mu-law; `finished` is called in the sending thread."""

    def __init__(self, sound: bytes, loop: bool, finished: Callable[[], None]) -> None:
        self._sound, self._loop, self._finished, self._at = sound, loop, finished, 0

    def frame(self) -> bytes | None:
        """The next 20 ms, None when it is over."""
        if self._at >= len(self._sound):
            if not self._loop or not self._sound:
                self._finished()
                return None
            self._at = 0
        frame = self._sound[self._at : self._at + FRAME]
        self._at += FRAME
        return frame.ljust(FRAME, b"\xff")


class Audio(RTP.RTPClient):  # type: ignore[misc]
    """See the module. `play`, `partner`, `muted` may be set from any thread."""

    def __init__(self, bound: socket.socket, *arguments: object, dtmf: Callable[[str], None]) -> None:
        super().__init__(*arguments, dtmf=dtmf)
        self.sin = self.sout = bound
        bound.setblocking(False)
        self.play: Play | None = None
        self.partner: Audio | None = None
        self.muted = False
        self.last = time.monotonic()
        """When a packet came last, by `time.monotonic`."""
        self._frames: deque[bytes] = deque(maxlen=_MOST)
        self._rest = b""
        self._gathering = True
        self._keys: deque[tuple[bytes | None, int]] = deque()
        self._detector = KeyDetector()
        self._started = False
        self._event = next(
            (number for number, kind in self.assoc.items() if kind == RTP.PayloadType.EVENT), None
        )

    # ---- for the driver ------------------------------------------------------------------------------------------

    def press(self, digits: str) -> bool:
        """Send keys by RFC 4733; False when the other side does not take them."""
        if self._event is None:
            return False
        for key in playable(digits):
            if key == ",":
                self._keys.extend([(None, 0)] * 50)
                continue
            self._keys.extend(zip(press(key), itertools.count(), strict=False))
            self._keys.extend([(None, 0)] * PAUSE)
        return True

    def take(self) -> bytes:
        """20 ms of what the other side says, silence while nothing is there."""
        if self._gathering and len(self._frames) < _HELD:
            return _SILENCE
        try:
            frame = self._frames.popleft()
        except IndexError:
            self._gathering = True
            return _SILENCE
        self._gathering = False
        return _SILENCE if self.muted else frame

    # ---- pyVoIP's ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        if not self._started:
            self._started = True
            for work in (self.recv, self.trans):
                threading.Thread(target=work, daemon=True, name=f"RTP {self.inPort}").start()

    def stop(self) -> None:
        """The receiving thread closes the socket: closed under it, its number might be somebody else's by then."""
        self.NSD = False
        if not self._started:
            self.sin.close()

    def recv(self) -> None:
        while self.NSD:
            if not select.select([self.sin], [], [], _LOOK)[0]:
                continue
            try:
                packet = self.sin.recv(2048)
            except OSError:
                continue
            try:
                self.parse_packet(packet)
            except (RTP.RTPParseError, IndexError, ValueError):
                continue
        self.sin.close()

    def trans(self) -> None:
        sequence, stamp = secrets.randbits(16), secrets.randbits(31)
        press_stamp, marker = stamp, True
        due = time.monotonic()
        while self.NSD:
            event, step = self._keys.popleft() if self._keys else (None, 0)
            if event is None:
                body, payload = self._frame()
            else:
                press_stamp = stamp if step == 0 else press_stamp
                body, payload, marker = event, int(self._event or 0), step == 0
            head = bytes((0x80, payload | (0x80 if marker else 0))) + sequence.to_bytes(2, "big")
            at = press_stamp if event is not None else stamp
            packet = head + at.to_bytes(4, "big") + self.outSSRC.to_bytes(4, "big") + body
            with contextlib.suppress(OSError):
                # unreachable for now, or closed: the packet is lost, as on any network
                self.sout.sendto(packet, (self.outIP, self.outPort))
            sequence, stamp, marker = (sequence + 1) & 0xFFFF, (stamp + FRAME) & 0xFFFFFFFF, False
            due += _TICK
            time.sleep(max(0.0, due - time.monotonic()))

    def parse_pcmu(self, packet: RTP.RTPMessage) -> None:
        self._hear(packet.payload)

    def parse_pcma(self, packet: RTP.RTPMessage) -> None:
        self._hear(packet.payload.translate(ALAW_TO_ULAW))

    def parse_telephone_event(self, packet: RTP.RTPMessage) -> None:
        self.last = time.monotonic()
        key = self._detector.hear(packet.SSRC, packet.timestamp, packet.marker, packet.payload)
        if key is not None:
            self.dtmf(key)

    def _hear(self, sound: bytes) -> None:
        self.last = time.monotonic()
        sound = self._rest + sound
        whole = len(sound) - len(sound) % FRAME
        for at in range(0, whole, FRAME):
            self._frames.append(sound[at : at + FRAME])
        self._rest = sound[whole:]

    def _frame(self) -> tuple[bytes, int]:
        play, partner = self.play, self.partner
        frame = play.frame() if play is not None else None
        if play is not None and frame is None and self.play is play:
            self.play = None
        if frame is None:
            frame = partner.take() if partner is not None else _SILENCE
        if self.preference == RTP.PayloadType.PCMA:
            return frame.translate(ULAW_TO_ALAW), PCMA
        return frame, PCMU
