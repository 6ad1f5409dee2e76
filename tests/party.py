"""A party of a call in tests: real UDP on loopback, RTP by its own clock, everything heard is kept."""

import asyncio
import contextlib
import itertools
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np
from G722 import G722

from callcenter.telephony.media.codec import Encoder
from callcenter.telephony.media.crypto import Crypto
from callcenter.telephony.media.dtmf import press
from callcenter.telephony.media.pcm import Samples, to_ulaw
from callcenter.telephony.media.srtp import Srtp
from tests.tones import heard, sine

HEADER = struct.Struct("!BBHII")
GENEROUS = 20.0
"""Seconds that a condition may take on a busy machine."""


@dataclass(frozen=True)
class Packet:
    kind: int
    marker: bool
    seq: int
    ts: int
    ssrc: int
    body: bytes


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait for a condition."""
    end = time.monotonic() + GENEROUS
    while not condition():
        assert time.monotonic() < end, what or "in time"
        await asyncio.sleep(0.005)


class Party:
    """Sends a tone (or nothing), hears all."""

    def __init__(
        self, payload: int = 0, dtmf: int = 101, ssrc: int = 0xABCD, crypto: Crypto | None = None
    ) -> None:
        self.payload, self.dtmf, self.ssrc = payload, dtmf, ssrc
        self.rtp, self.rtcp = _pair()
        self.port = int(self.rtp.getsockname()[1])
        self.to = 0
        self.packets: list[Packet] = []
        self.on_packet: Callable[[Packet], None] = lambda packet: None
        self.seq, self.ts = 65_500, 2**32 - 8000
        self.crypto: Crypto | None = None
        self.sealed: list[bytes] = []
        """What was sent over SRTP, as it went over the wire."""
        self._srtp: Srtp | None = None
        if crypto is not None:
            self.secure(crypto)
        self.odd = 0
        """Packets with padding, extension or contributing sources, or that SRTP cannot open: they are not kept."""
        self.ptime = 20
        """Milliseconds of a packet: 10, 20, 30 or 40."""
        self.late: Callable[[], float] = lambda: 0.0
        """Seconds by which each packet is sent later than it should."""
        self._tone = b""
        self._keys: list[bytes] = []
        self._key_at = 0

    def secure(self, crypto: Crypto) -> None:
        """SRTP from now on; `crypto` as the line has it: its `send` is what we hear."""
        self.crypto = crypto
        keys = (crypto.suite, crypto.receive, crypto.send)
        self._srtp = Srtp(*keys) if self._srtp is None else self._srtp.rekeyed(*keys)

    def speak(self, hertz: float, level: float = 0.3) -> None:
        """A tone from now on, 0 for nothing. It goes round after 1.2 s, whole packets of every length."""
        self._tone = to_ulaw(sine(hertz, 1.2, level=level)) if hertz else b""
        if hertz and self.payload == 9:
            # as a phone does it: from 16 kHz; the second round begins as the first ends
            pcm = (sine(hertz, 2.4, 16_000, level) * 32767).astype(np.int16)
            self._tone = G722(16_000, 64_000, False).encode(memoryview(pcm))[9600:]
        if hertz and self.payload == 8:
            self._tone = Encoder().coded((sine(hertz, 1.2, level=level) * 32767).astype("<i2").tobytes(), 8)

    def press(self, key: str) -> None:
        """Press a key: RFC 4733 packets take the tone's place."""
        self._keys = press(key)
        self._key_at = self.ts

    @property
    def pressing(self) -> bool:
        return bool(self._keys)

    async def run(self) -> None:
        """Listen and send 20 ms after 20 ms, until cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self.rtp, self._hear)
        try:
            due, at = time.monotonic(), 0
            while True:
                await asyncio.sleep(self.late())
                self._send(at)
                at, due = at + 8 * self.ptime, due + self.ptime / 1000
                await asyncio.sleep(max(0.0, due - time.monotonic()))
        finally:
            loop.remove_reader(self.rtp)
            self.close()

    def close(self) -> None:
        """Give the ports back; `run` does it at its end, if it ever began."""
        self.rtp.close()
        self.rtcp.close()

    def heard(self, payload: int | None = None) -> Samples:
        """All audio that came, in the order of its sequence numbers."""
        payload = self.payload if payload is None else payload
        return heard(b"".join(packet.body for packet in self.packets if packet.kind == payload), payload)

    async def hears(self, packets: int = 25) -> Samples:
        """The next so many packets of audio."""
        self.packets.clear()
        await until(lambda: sum(p.kind == self.payload for p in self.packets) >= packets, "audio")
        return self.heard()

    def send(self, body: bytes, kind: int, marker: bool = False, ts: int | None = None) -> None:
        """One packet of the party's stream."""
        first = HEADER.pack(
            0x80,
            kind | marker << 7,
            self.seq & 0xFFFF,
            (self.ts if ts is None else ts) & 0xFFFFFFFF,
            self.ssrc,
        )
        self.seq += 1
        packet = first + body
        if self._srtp is not None:
            packet = self._srtp.seal(packet)
            self.sealed.append(packet)
        self.rtp.sendto(packet, ("127.0.0.1", self.to))

    def _send(self, at: int) -> None:
        count = 8 * self.ptime
        self.ts += count
        if self._keys:
            body = self._keys.pop(0)
            self.send(body, self.dtmf, ts=self._key_at)
        elif self._tone and self.to:
            at %= len(self._tone)
            self.send(self._tone[at : at + count], self.payload)

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.rtp.recv(2048)
                if self._srtp is not None and not (data := self._srtp.open(data)):
                    self.odd += 1
                    continue
                first, second, seq, ts, ssrc = HEADER.unpack_from(data)
                if first != 0x80:
                    self.odd += 1
                    continue
                packet = Packet(second & 0x7F, second >= 0x80, seq, ts, ssrc, data[12:])
                self.packets.append(packet)
                self.on_packet(packet)


@contextlib.asynccontextmanager
async def running(*parties: Party) -> AsyncIterator[None]:
    """Parties that live for the block."""
    tasks = [asyncio.create_task(party.run()) for party in parties]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for party in parties:
            party.close()


def assert_continuous(packets: list[Packet]) -> None:
    """One SSRC, no gap in sequence numbers, time only forward (the same within a key press)."""
    assert len({packet.ssrc for packet in packets}) == 1
    for before, after in itertools.pairwise(packets):
        assert (after.seq - before.seq) & 0xFFFF == 1
        forward = (after.ts - before.ts) & 0xFFFFFFFF
        assert forward < 8000 * GENEROUS
        assert forward >= 160 or after.kind != before.kind or after.kind >= 96


def _pair() -> tuple[socket.socket, socket.socket]:
    """An RTP socket and its RTCP socket one port higher, both from the system."""
    for _ in range(100):
        rtp, rtcp = (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        )
        rtp.bind(("127.0.0.1", 0))
        try:
            rtcp.bind(("127.0.0.1", rtp.getsockname()[1] + 1))
        except OSError:
            rtp.close()
            rtcp.close()
            continue
        rtp.setblocking(False)
        rtcp.setblocking(False)
        return rtp, rtcp
    raise AssertionError("no pair of ports")
