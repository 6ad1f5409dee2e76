"""How one party's RTP reaches us, and ours it: the figures of RTCP reports (RFC 3550, 6.4 and appendix A)."""

import struct
import time

from callcenter.telephony.media.rtp import MAX_AHEAD, MAX_BEHIND, NTP, RATE

_SENDER, _RECEIVER = 200, 201
_BLOCK = struct.Struct("!IIIIII")
_LEAP = 0.5 * RATE
"""Samples that a packet's transit may change; more says that the sender's clock was set, and nothing of the network."""
_LONGEST_TRIP = 10.0

Figures = tuple[int, int, int, float, float, float]
"""Packets expected, lost and late; jitter and round trip in milliseconds; the share that the other side lost."""


class Reception:
    """Figures of one leg, over every source that it had. `hear` is called for each packet."""

    __slots__ = (
        "_base", "_before", "_far_lost", "_highest", "_jitter", "_late", "_prior", "_received", "_report", "_report_at",
        "_sound", "_ssrc", "_transit", "_trip",
    )  # fmt: skip

    def __init__(self) -> None:
        self._ssrc = -1
        self._base = self._highest = self._received = self._late = 0
        self._before = (0, 0)
        self._prior = (0, 0)
        self._jitter = self._transit = 0.0
        self._sound = False
        self._report = 0
        self._report_at = self._trip = self._far_lost = 0.0

    def hear(self, seq: int, ts: int, ssrc: int, audio: bool, now: float) -> None:
        """A packet that came at `now` (seconds); only `audio` packets tell of jitter."""
        ahead = (seq - self._highest) & 0xFFFF
        if ssrc != self._ssrc or MAX_AHEAD < ahead < 0x10000 - MAX_BEHIND:
            self._begin(seq, ssrc)
        else:
            self._received += 1
            if ahead > MAX_AHEAD:
                self._late += 1
                return
            self._highest += ahead
        if audio:
            transit = now * RATE - ts
            moved = abs(transit - self._transit)
            self._transit = transit
            if moved < _LEAP and self._sound:
                self._jitter += (moved - self._jitter) / 16.0
            self._sound = True

    def _begin(self, seq: int, ssrc: int) -> None:
        """Another source, or the same from the start; what was counted of the former stays."""
        self._before = (self._expected, self._before[1] + self._received)
        self._ssrc, self._base, self._highest, self._received = ssrc, seq, seq, 1
        self._prior = (0, 0)
        self._sound = False

    @property
    def _expected(self) -> int:
        return self._before[0] + (self._highest - self._base + 1 if self._ssrc >= 0 else 0)

    def figures(self) -> Figures:
        """All of the leg so far. Doubled packets make up for lost ones, as the RFC has it."""
        lost = max(0, self._expected - self._before[1] - self._received)
        jitter = self._jitter * 1000.0 / RATE
        return self._expected, lost, self._late, jitter, self._trip * 1000.0, self._far_lost

    def block(self, now: float) -> bytes:
        """A report block on the source that is heard now, empty when none is (6.4.1)."""
        if self._ssrc < 0:
            return b""
        expected = self._highest - self._base + 1
        lost = max(-0x800000, min(0x7FFFFF, expected - self._received))
        newly = expected - self._prior[0]
        missing = newly - (self._received - self._prior[1])
        self._prior = (expected, self._received)
        fraction = min(255, missing * 256 // newly) if newly > 0 and missing > 0 else 0
        since = int((now - self._report_at) * 65536) & 0xFFFFFFFF if self._report else 0
        return _BLOCK.pack(
            self._ssrc, fraction << 24 | lost & 0xFFFFFF, self._highest & 0xFFFFFFFF, int(self._jitter),
            self._report, since,
        )  # fmt: skip

    def reported(self, compound: bytes, ours: int, sent: int, now: float) -> None:
        """RTCP from the party: when it sent it, and what it says of our stream `ours`, `sent` packets long so far."""
        while len(compound) >= 8:
            first, kind, words = struct.unpack_from("!BBH", compound)
            packet, compound = compound[: 4 + 4 * words], compound[4 + 4 * words :]
            if first & 0xC0 != 0x80 or kind not in (_SENDER, _RECEIVER):
                continue
            at = 28 if kind == _SENDER else 8
            if kind == _SENDER and len(packet) >= at:
                self._report, self._report_at = int.from_bytes(packet[10:14], "big"), now
            for number in range(first & 0x1F):
                block = packet[at + number * _BLOCK.size : at + (number + 1) * _BLOCK.size]
                if len(block) == _BLOCK.size:
                    self._far(_BLOCK.unpack(block), ours, sent)

    def _far(self, block: tuple[int, ...], ours: int, sent: int) -> None:
        ssrc, losses, _, _, last, since = block
        if ssrc != ours or not sent:
            return
        lost = losses & 0xFFFFFF
        self._far_lost = 0.0 if lost & 0x800000 else min(1.0, lost / sent)
        if last:
            trip = ((int((time.time() + NTP) * 65536) - last - since) & 0xFFFFFFFF) / 65536
            if trip < _LONGEST_TRIP:
                self._trip = trip
