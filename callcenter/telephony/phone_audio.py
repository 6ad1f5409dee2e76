"""The voice and the ear of a scripted `Phone`: sends a tone, a recording or silence, keeps what it hears."""

import asyncio
import contextlib
import functools
import secrets
import socket
import struct

import numpy as np

from callcenter.telephony.media.codec import AUDIO, G722, SILENT_FRAMES, Decoder, Encoder, translation
from callcenter.telephony.media.g711 import FRAME, PCMU
from callcenter.telephony.media.pcm import RATE, Samples, to_ulaw

_HEADER = struct.Struct("!BBHII")
_TICK = 0.02
_KEYS = "0123456789*#ABCD"
_KEPT = 60 * 50
"""Frames of 20 ms that are kept of what was heard: the last minute."""


class Voice:
    """One RTP stream each way, bound to `host` at once; sending starts with `connect`.

    One that is not `audible` has a port and no audio, so that thousands cost little: see `wake`. One that is `patient`
    takes what came only when it is asked what it heard, so that not each packet wakes it: its socket keeps some seconds.
    """

    def __init__(self, host: str, audible: bool = True, patient: bool = False) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self.port = int(self._socket.getsockname()[1])
        self._audible, self._patient = False, patient
        if audible:
            self.wake()
        self.received = 0
        self.keys = ""
        self._remote: tuple[str, int] | None = None
        self._payload = PCMU
        self._dtmf: int | None = None
        self._sound = b""
        self._at = 0
        self._encoder = Encoder()
        self._sending = True
        self._events: list[tuple[int, bytes]] = []
        self._key_stamp = 0
        self._seq = secrets.randbits(16)
        self._stamp = secrets.randbits(32)
        self._ssrc = secrets.randbits(32)
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._heard: list[tuple[int, bytes]] = []
        self._last_key_stamp = -1

    def wake(self) -> None:
        """Hear from now on, and send once connected."""
        self._audible = True
        if not self._patient:
            asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def connect(self, host: str, port: int, payload: int, dtmf: int | None, send: bool = True) -> None:
        """Send there from now on, in PCMU (0), PCMA (8) or G.722 (9). With `send` false we are held: nothing leaves."""
        self._remote, self._payload, self._dtmf, self._sending = (host, port), payload, dtmf, send
        if self._timer is None and self._audible:
            self._next = asyncio.get_running_loop().time()
            self._tick()

    def say(self, samples: Samples) -> None:
        """Repeat these samples (8 kHz, -1..1) for ever."""
        self._sound, self._at = to_ulaw(samples), 0

    def tone(self, hertz: float, level: float = 0.3) -> None:
        """A steady sine; 0 is silence."""
        if not hertz:
            self._sound = b""
            return
        self._sound, self._at = _sine(round(hertz), level), 0

    def press(self, keys: str, milliseconds: int = 100) -> None:
        """RFC 4733 events, three end packets each; nothing when telephone-event was not negotiated."""
        for key in keys.upper():
            code = _KEYS.index(key)
            frames = max(2, milliseconds // 20)
            for number in range(1, frames + 1):
                self._events.append((int(number == 1), bytes((code, 10)) + struct.pack("!H", number * FRAME)))
            end = bytes((code, 0x80 | 10)) + struct.pack("!H", frames * FRAME)
            self._events += [(0, end)] * 3
            self._events += [(-1, b"")] * 5

    def heard(self, seconds: float = 0.0) -> Samples:
        """What came in, the last `seconds` of it or all that is kept (a minute), as -1..1 at 8 kHz."""
        if self._patient and self._socket.fileno() >= 0:
            self._readable()
        frames = self._heard[-int(seconds / _TICK) :] if seconds else self._heard
        decoder = Decoder()
        linear = b"".join(decoder.linear(body, payload) for payload, body in frames)
        return np.frombuffer(linear, "<i2").astype(np.float32) / np.float32(32768)

    def forget(self) -> None:
        """Start hearing anew."""
        self._heard.clear()

    def loudest(self, seconds: float = 0.5) -> float:
        """Frequency in Hz of the strongest partial of the last `seconds`; 0.0 in silence or before enough came."""
        samples = self.heard(seconds)
        if len(samples) < RATE * seconds * 0.9 or float(np.abs(samples).max()) < 0.01:
            return 0.0
        power = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        power[0:2] = 0
        return float(np.argmax(power)) * RATE / len(samples)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError, ConnectionError):
            while True:
                self._received(self._socket.recv(2048))

    def _received(self, data: bytes) -> None:
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        kind = data[1] & 0x7F
        if kind == self._dtmf and len(data) >= 16:
            stamp = int.from_bytes(data[4:8], "big")
            if stamp != self._last_key_stamp and data[12] < len(_KEYS):
                self._last_key_stamp = stamp
                self.keys += _KEYS[data[12]]
        elif kind in AUDIO:
            self.received += 1
            self._heard.append((kind, data[12:]))
            if len(self._heard) > 2 * _KEPT:
                del self._heard[:_KEPT]

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._next = max(self._next + _TICK, loop.time() - 0.2)
        self._timer = loop.call_at(self._next, self._tick)
        if self._sending:
            self._send_frame()

    def _send_frame(self) -> None:
        self._seq = (self._seq + 1) & 0xFFFF
        self._stamp = (self._stamp + FRAME) & 0xFFFFFFFF
        if self._events:
            first, body = self._events.pop(0)
            if first >= 0 and self._dtmf is not None:
                if first:
                    self._key_stamp = self._stamp
                self._send(0x80 * first | self._dtmf, self._key_stamp, body)
                return
        self._send(self._payload, self._stamp, self._frame())

    def _frame(self) -> bytes:
        if not self._sound:
            return SILENT_FRAMES[self._payload]
        frame = self._sound[self._at : self._at + FRAME]
        self._at = (self._at + FRAME) % len(self._sound)
        if self._payload != G722:
            convert = translation(PCMU, self._payload)
            return convert(frame) if convert else frame
        return self._encoder.coded(Decoder().linear(frame, PCMU), self._payload)

    def _send(self, kind: int, stamp: int, body: bytes) -> None:
        if self._remote is not None and self._socket.fileno() >= 0:
            packet = _HEADER.pack(0x80, kind, self._seq, stamp, self._ssrc) + body
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self._socket.sendto(packet, self._remote)


@functools.lru_cache(maxsize=64)
def _sine(hertz: int, level: float) -> bytes:
    """A second of it."""
    t = np.arange(RATE) / RATE
    return to_ulaw((level * np.sin(2 * np.pi * hertz * t)).astype(np.float32))
