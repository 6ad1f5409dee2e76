"""One RTP stream towards one receiver (RFC 3550), continuous while what it carries changes."""

import secrets
import struct
import time
from collections.abc import Callable

from callcenter.telephony.media.g711 import FRAME

HEADER = struct.Struct("!BBHII")
_pack = HEADER.pack
RATE = 8000
MAX_AHEAD = 3000
"""Packets that may be missing before a jump of the source counts as a restart (RFC 3550, A.1: MAX_DROPOUT)."""
MAX_BEHIND = 100
"""Packets that one may be late (RFC 3550, A.1: MAX_MISORDER)."""

DYNAMIC = 96
"""The first payload type that is not static (RFC 3551, 3)."""

NTP = 2_208_988_800
"""Seconds from 1900, where NTP counts from, to 1970."""
_CNAME = b"callcenter"

Send = Callable[..., object]


def nowhere(packet: object) -> None:
    """Where packets go while the receiver wants none."""


class Outgoing:
    """Our stream to one leg: its SSRC never changes, sequence numbers have no gap and time never runs back where the
    source changes; a relayed source's own losses stay visible to the receiver."""

    __slots__ = (
        "at", "octets", "packets", "send", "seq", "seq_shift", "source", "source_ssrc", "ssrc", "start", "ts",
        "ts_shift",
    )  # fmt: skip

    def __init__(self, now: float) -> None:
        self.send: Send = nowhere
        self.ssrc = secrets.randbits(32)
        self.seq = secrets.randbits(16)
        self.ts = secrets.randbits(32)
        self.at = now
        self.source: object = self
        self.source_ssrc = -1
        self.seq_shift = 0
        self.ts_shift = 0
        self.packets = 0
        self.octets = 0
        self.start = 0

    def rewrite(
        self,
        packet: bytearray,
        size: int,
        source: object,
        head: tuple[int, int, int, int, int],
        kind: int,
        now: float,
    ) -> bool:
        """Give a relayed packet its place in our stream: rewrites the header `head` at the start of `packet`.

        False when it must not be sent: it is older than what came before its source. `kind` is the receiver's payload
        type; event packets (96 and up) carry the time of their start, which does not move our clock.
        """
        first, second, seq, ts, ssrc = head
        if self.source is not source or self.source_ssrc != ssrc:
            self._adopt(source, ssrc, seq, ts, now)
            second |= 0x80
        new = (seq + self.seq_shift) & 0xFFFF
        ahead = (new - self.seq) & 0xFFFF
        if ahead > MAX_AHEAD:
            behind = 0x10000 - ahead
            if behind <= MAX_BEHIND:
                if behind >= self.packets - self.start:
                    return False
            else:
                self._adopt(source, ssrc, seq, ts, now)
                second |= 0x80
                new, ahead = (seq + self.seq_shift) & 0xFFFF, 1
        shifted = (ts + self.ts_shift) & 0xFFFFFFFF
        if ahead <= MAX_AHEAD:
            self.seq = new
            if kind < DYNAMIC:
                self.ts, self.at = shifted, now
        self.packets += 1
        self.octets += size - 12
        HEADER.pack_into(packet, 0, first, second & 0x80 | kind, new, shifted, self.ssrc)
        return True

    def leave_out(self, source: object) -> None:
        """A packet of the source is not relayed: the next one takes its number, so that nothing seems lost."""
        if self.source is source:
            self.seq_shift -= 1

    def emit(self, payload: bytes, kind: int, now: float) -> None:
        """Send 20 ms of our own."""
        if self.source is not None:
            self.source = None
            kind |= 0x80
            self.ts = self._next_ts(now)
        else:
            self.ts = (self.ts + FRAME) & 0xFFFFFFFF
        self.at = now
        # as in `_send`: this is done fifty times a second for everybody who waits
        self.seq = seq = (self.seq + 1) & 0xFFFF
        self.packets += 1
        self.octets += FRAME
        self.send(_pack(0x80, kind, seq, self.ts, self.ssrc) + payload)

    def begin_event(self, now: float) -> int:
        """The timestamp of a key press that starts now."""
        if self.source is not None:
            self.source = None
            self.ts = (self._next_ts(now) - FRAME) & 0xFFFFFFFF
        return (self.ts + FRAME) & 0xFFFFFFFF

    def emit_event(self, payload: bytes, kind: int, ts: int, first: bool, now: float) -> None:
        """Send an event packet that began at `ts`; time goes on by 20 ms."""
        self.ts = (self.ts + FRAME) & 0xFFFFFFFF
        self.at = now
        self._send(payload, kind | (0x80 if first else 0), ts)

    def report(self, now: float, block: bytes = b"") -> bytes:
        """An RTCP compound: a sender report (RFC 3550, 6.4.1), or a receiver report when nothing was sent, with a
        report block or none, and the canonical name (6.5.1)."""
        cname = bytes((1, len(_CNAME))) + _CNAME
        cname += bytes(4 - len(cname) % 4)
        source = struct.pack("!BBHI", 0x81, 202, 1 + len(cname) // 4, self.ssrc) + cname
        words = len(block) // 4
        if not self.packets:
            return struct.pack("!BBHI", 0x80 | bool(block), 201, 1 + words, self.ssrc) + block + source
        wall = time.time() + NTP
        seconds, fraction = int(wall), int(wall % 1 * 2**32)
        ts = (self.ts + int((now - self.at) * RATE)) & 0xFFFFFFFF
        counts = (self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF)
        head = struct.pack(
            "!BBHIIIIII", 0x80 | bool(block), 200, 6 + words, self.ssrc, seconds, fraction, ts, *counts
        )
        return head + block + source

    def _adopt(self, source: object, ssrc: int, seq: int, ts: int, now: float) -> None:
        """Let the packet (seq, ts) of another source follow the last packet that we sent."""
        self.source, self.source_ssrc = source, ssrc
        self.seq_shift = self.seq + 1 - seq
        self.ts_shift = self._next_ts(now) - ts
        self.start = self.packets

    def _next_ts(self, now: float) -> int:
        return (self.ts + max(FRAME, int((now - self.at) * RATE))) & 0xFFFFFFFF

    def _send(self, payload: bytes, kind: int, ts: int) -> None:
        self.seq = (self.seq + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        self.send(HEADER.pack(0x80, kind, self.seq, ts, self.ssrc) + payload)
