"""One party's RTP in the audio process: what comes from it and what goes to it."""

import contextlib
import ctypes
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from callcenter.telephony.media.codec import (
    AUDIO,
    G722,
    SILENT_FRAMES,
    Convert,
    Decoder,
    Encoder,
    silence,
    translation,
)
from callcenter.telephony.media.dtmf import KeyDetector
from callcenter.telephony.media.g711 import PCMU
from callcenter.telephony.media.jitter import Voice
from callcenter.telephony.media.latch import Address, Latch
from callcenter.telephony.media.mixer import Mix, lanes
from callcenter.telephony.media.player import Dialler, Player
from callcenter.telephony.media.reception import Reception
from callcenter.telephony.media.recorder import Track
from callcenter.telephony.media.rtp import HEADER, Outgoing, nowhere
from callcenter.telephony.media.srtp import Srtp

if TYPE_CHECKING:
    from callcenter.telephony.media.relay import Relay

_ROOM = 2048
# One buffer for all legs: a packet is read, changed in place and sent before the next is read.
_BUFFER = bytearray(_ROOM)
_VIEW = memoryview(_BUFFER)
_NO_PAYLOAD = -1
_BACKLOG = 5000
"""Packets, more than a socket's default buffer holds."""
OFFERED_EVENTS = 101
"""The payload type of events in our own offers: the answerer may name another for what it wants to get, and send this
(RFC 3264, 5.1)."""
_RTCP = range(72, 77)
"""What RTCP on the RTP port looks like (RFC 5761, 4)."""


class Leg:
    """Sockets, codec and direction of one party. It hears a player, else the legs in `hears`: one as it is, several
    mixed; `heard_by` are those who hear it. `heard`: when something last came from it."""

    def __init__(
        self, relay: "Relay", name: str, number: int, rtp: socket.socket, rtcp: socket.socket, now: float
    ) -> None:
        self.relay, self.name, self.number = relay, name, number
        self.rtp, self.rtcp = rtp, rtcp
        self.out = Outgoing(now)
        self.latch, self.rtcp_latch = Latch(None), Latch(None)
        self.payload = self.dtmf = _NO_PAYLOAD
        self.may_send = self.may_hear = self.connected = self.muted = self.filling = False
        self.hears: tuple[Leg, ...] = ()
        self.heard_by: dict[Leg, None] = {}
        self.mix: Mix[Leg] = Mix()
        self.player: Player | None = None
        self.dialler: Dialler | None = None
        self.heard = now
        self.told_silent = False
        self.tracks: tuple[Track, ...] = ()
        self.reception = Reception()
        self._press_ts = 0
        self._detector = KeyDetector()
        self._target: Leg | None = None
        self._convert: Convert | None = None
        self._copies: tuple[tuple[Leg, Convert | None], ...] = ()
        self._voices: tuple[Voice, ...] = ()
        self._opens = False
        self._linear = b""
        self._decoder, self.encoder = Decoder(), Encoder()
        self._secrets: Srtp | None = None
        self._sealed = False

    # ---- wiring, on each change of state ------------------------------------------------------------------------

    def secure(self, keys: tuple[str, bytes, bytes] | None) -> None:
        """SRTP by this suite and these keys (to send, to receive), or RTP in the clear; `connect` follows."""
        self._sealed = keys is not None
        if keys is not None:
            # kept also while in the clear, so that the same keys never begin again
            self._secrets = Srtp(*keys) if self._secrets is None else self._secrets.rekeyed(*keys)

    def connect(
        self, announced: Address | None, payload: int, dtmf: int | None, direction: str, now: float
    ) -> None:
        """Take what offer and answer agreed on; the same address again keeps the lock."""
        if not self.connected or announced != self.latch.announced:
            _dissolve(self.rtp)
            self.latch = Latch(announced)
        if not (self.connected and self.may_send and self.may_hear):
            # A silence that was told is over too: the next look may come when the new one is already long enough.
            self.heard, self.told_silent = now, False
        first, self.connected = not self.connected, True
        self.payload, self.dtmf = payload, _NO_PAYLOAD if dtmf is None else dtmf
        self.may_send, self.may_hear = (
            direction in ("sendrecv", "recvonly"),
            direction in ("sendrecv", "sendonly"),
        )
        self.aim()
        if first:
            self._catch_up(now)

    def _catch_up(self, now: float) -> None:
        """Hear the keys in what came before the leg was connected. Its audio goes nowhere, for nothing is wired yet:
        relayed late, seconds of early media would stay as delay in the receiver's jitter buffer."""
        with contextlib.suppress(OSError):
            for _ in range(_BACKLOG):
                self.receive_open(now)

    def aim(self) -> None:
        """Point our stream at where the party is, through the connected socket once the source is locked."""
        address = self.latch.destination
        beside = None if address is None else (address[0], address[1] + 1)
        if beside != self.rtcp_latch.announced:
            self.rtcp_latch = Latch(beside)
        locked = self.latch.locked and address is not None and self._lock(address)
        if not locked:
            self.relay.listen(self.rtp, self.receive_open)
        if address is None or not self.may_send:
            self.out.send = nowhere
        elif locked:
            self.out.send = self._sealing(self.rtp.send)
        else:
            sendto = self.rtp.sendto
            self.out.send = self._sealing(lambda packet: sendto(packet, address))

    def _sealing(self, send: Callable[[bytes], object]) -> Callable[[bytes], object]:
        """The way through SRTP, when that was agreed."""
        if not self._sealed or self._secrets is None:
            return send
        seal = self._secrets.seal

        def sealed(packet: bytes) -> None:
            if packet := seal(bytes(packet)):
                send(packet)

        return sealed

    def _unsealed(self, size: int) -> int:
        """Open the packet in the buffer in place; its size then, 0 for one that is not to be heard."""
        if self._secrets is None:
            return 0
        packet = self._secrets.open(bytes(_VIEW[:size]))
        _BUFFER[: len(packet)] = packet
        return len(packet)

    def wire(self) -> None:
        """Work out the packet path again after a change here or at one of those who hear us."""
        heard = self.connected and self.may_hear
        direct = [leg for leg in self.heard_by if leg.relays] if heard else []
        ways = [(leg, self._conversion(self.payload, leg)) for leg in direct]
        self._target, self._convert = ways[0] if ways else (None, None)
        self._copies = tuple(ways[1:])
        mixes = [leg.mix for leg in self.heard_by if len(leg.hears) > 1] if heard and not self.muted else []
        self._voices = tuple(mix.voices[self] for mix in mixes)
        self._opens = bool(mixes) or any(
            leg.payload != self.payload and G722 in (leg.payload, self.payload) for leg in direct
        )

    def _conversion(self, kind: int, target: "Leg") -> Convert | None:
        """What becomes of our audio in this payload type on its way to one who hears us alone."""
        into = target.payload
        if self.muted:
            return silence(into)
        if kind != into and G722 in (kind, into):
            return lambda body: target.encoder.coded(self._linear, into)
        return translation(kind, into)

    def hear(self, legs: tuple["Leg", ...]) -> None:
        """Hear exactly these."""
        for leg in self.hears:
            leg.heard_by.pop(self, None)
        for leg in legs:
            leg.heard_by[self] = None
        # silence until the one whom it hears speaks, so that nothing is missing where prompt or music end
        self.hears, self.filling = legs, len(legs) == 1
        self.mix.take(legs if len(legs) > 1 else ())

    @property
    def relays(self) -> bool:
        """Whether the packets of the one whom it hears are sent to it as they come."""
        return self.connected and self.may_send and len(self.hears) == 1 and not (self.player or self.dialler)

    @property
    def paced(self) -> bool:
        """Whether we send to it ourselves now: prompts and keys run to their end also towards one on hold."""
        if not self.connected:
            return False
        return bool(self.player or self.dialler) or (self.may_send and (len(self.hears) != 1 or self.filling))

    # ---- packets from the party ---------------------------------------------------------------------------------

    def receive_locked(self, now: float) -> None:
        """A packet from the one source that the kernel lets through."""
        size = self.rtp.recv_into(_BUFFER)
        self._take(self._unsealed(size) if self._sealed else size, now)

    def receive_open(self, now: float) -> None:
        """A packet from anybody: it must look like ours before its source counts."""
        size, source = self.rtp.recvfrom_into(_BUFFER)
        if not self.connected or size < HEADER.size or _BUFFER[0] & 0xC0 != 0x80:
            return
        if _BUFFER[1] & 0x7F not in (*AUDIO, self.dtmf, OFFERED_EVENTS):
            return
        if self._sealed and not (size := self._unsealed(size)):
            return
        before = self.latch.source
        if not self.latch.accept(source[:2], now):
            return
        self._take(size, now)
        if self.latch.locked or before != self.latch.source:
            self.aim()

    def receive_rtcp(self, now: float) -> None:
        """Reports tell that the party lives, and how our audio reaches it."""
        size, source = self.rtcp.recvfrom_into(_BUFFER)
        known, report = self.latch.destination, bytes(_VIEW[:size])
        if known is None or source[0] != known[0]:
            return
        if self._sealed and self._secrets is not None:
            report = self._secrets.open_report(report)
        if len(report) < 8 or report[0] & 0xC0 != 0x80:
            return
        if self.rtcp_latch.accept(source[:2], now):
            self.heard = now
            self.reception.reported(report, self.out.ssrc, self.out.packets, now)

    def _take(self, size: int, now: float) -> None:
        if size < 12:
            return
        first, second, seq, ts, ssrc = HEADER.unpack_from(_BUFFER)
        if first & 0xC0 != 0x80:
            return
        self.heard = now
        target = self._target
        kind = second & 0x7F
        convert = self._convert
        if kind == self.payload:
            self.reception.hear(seq, ts, ssrc, True, now)
            if self._opens or (self.tracks and kind == G722):
                self._open(kind, size, ssrc, ts)
            if self.tracks:
                self._record(kind, size, ssrc, ts, now)
            if target is None:
                return
            kind = target.payload
        else:
            if kind not in _RTCP:
                self.reception.hear(seq, ts, ssrc, kind in AUDIO, now)
            if not self._heed(kind, size, ssrc, ts, second >= 0x80):
                return
            if kind in AUDIO:
                self._open(kind, size, ssrc, ts)
                self._record(kind, size, ssrc, ts, now)
            if target is None:
                return
            kind, convert = self._foreign(kind, target)
        if kind == _NO_PAYLOAD:
            target.out.leave_out(self)
        else:
            if target.filling:
                target.stop_filling()
            out = target.out
            if out.rewrite(_BUFFER, size, self, (first, second, seq, ts, ssrc), kind, now):
                out.send(_VIEW[:size] if convert is None else self._converted(size, convert))
        if self._copies:
            self._copy(size, (first, second, seq, ts, ssrc), now)

    def _copy(self, size: int, head: tuple[int, int, int, int, int], now: float) -> None:
        """The packet in the buffer to all but the first of those who hear us alone."""
        for target, convert in self._copies:
            if head[1] & 0x7F == self.payload:
                kind, way = target.payload, convert
            else:
                kind, way = self._foreign(head[1] & 0x7F, target)
            if kind == _NO_PAYLOAD:
                target.out.leave_out(self)
                continue
            if target.filling:
                target.stop_filling()
            if target.out.rewrite(_BUFFER, size, self, head, kind, now):
                # one that cannot be reached takes nothing from the others
                with contextlib.suppress(OSError):
                    target.out.send(_VIEW[:size] if way is None else self._converted(size, way))

    def _foreign(self, kind: int, target: "Leg") -> tuple[int, Convert | None]:
        """The target's payload type, and the way to it, for what is not in our agreed codec: another or a key."""
        if kind in AUDIO:
            return target.payload, self._conversion(kind, target)
        return (_NO_PAYLOAD if self.muted else target.dtmf), None

    def _open(self, kind: int, size: int, ssrc: int, ts: int) -> None:
        """Decode the packet in the buffer, once, for all who cannot take it as it is."""
        self._linear = self._decoder.linear(self._sound(size), kind)
        if self._voices:
            samples = lanes(self._linear)
            for voice in self._voices:
                voice.say(ssrc, ts, samples)

    def _record(self, kind: int, size: int, ssrc: int, ts: int, now: float) -> None:
        """The packet in the buffer to every recording of us; of G.722 what was decoded, in mu-law."""
        if self.muted:
            return
        if kind == G722:
            heard = (now, PCMU, ts, ssrc, self.encoder.coded(self._linear, PCMU))
        else:
            heard = (now, kind, ts, ssrc, self._sound(size))
        for track in self.tracks:
            track.inbox.append(heard)

    def _heed(self, kind: int, size: int, ssrc: int, ts: int, marker: bool) -> bool:
        """What is not audio in the agreed codec: keys, another codec, anything else. Whether it is to be relayed."""
        if kind in _RTCP:
            return False
        if kind == self.dtmf or (kind == OFFERED_EVENTS and self.dtmf != _NO_PAYLOAD):
            digit = self._detector.hear(ssrc, ts, marker, bytes(_VIEW[_body(size) : size]))
            if digit is not None:
                self.relay.tell("digit", self.name, digit)
            return True
        # another is allowed when the SDP listed both, and some phones send it when it did not
        if kind in AUDIO:
            return True
        for target in (self._target, *(target for target, _ in self._copies)):
            if target is not None:
                target.out.leave_out(self)
        return False

    def _converted(self, size: int, convert: Convert) -> bytes:
        """The packet in the buffer in the receiver's codec, without the extensions that only the sender's side knows."""
        return bytes((0x80,)) + bytes(_VIEW[1:12]) + convert(self._sound(size))

    def _sound(self, size: int) -> bytes:
        """The payload of the packet in the buffer, without its padding."""
        start = 12 if _BUFFER[0] == 0x80 else _body(size)
        end = size - (_BUFFER[size - 1] if _BUFFER[0] & 0x20 else 0)
        return bytes(_VIEW[start : max(start, end)])

    def _lock(self, source: Address) -> bool:
        """Have the kernel drop what comes from anywhere else; it also spares us the address of each packet."""
        if _is_connected(self.rtp):
            return True
        try:
            self.rtp.connect(source)
        except OSError:
            return False
        self.relay.listen(self.rtp, self.receive_locked)
        self._drain(source)
        return True

    def _drain(self, source: Address) -> None:
        """Take what arrived before the socket was connected; the kernel checks the source only from then on."""
        with contextlib.suppress(BlockingIOError):
            while True:
                size, address = self.rtp.recvfrom_into(_BUFFER)
                if address[:2] == source:
                    self._take(self._unsealed(size) if self._sealed else size, self.relay.now)

    # ---- packets to the party -----------------------------------------------------------------------------------

    def stop_filling(self) -> None:
        """The one whom it hears speaks again."""
        self.filling = False
        self.relay.repace(self)

    def tick(self, now: float) -> None:
        """Send 20 ms of our own: a key press, a prompt, a mix, or silence that keeps the path open."""
        if self.dialler is not None and self._dial(self.dialler, now):
            self.mix.skip()
            return
        if self.player is not None:
            self.mix.skip()
            frame = self.player.next_frame(self.payload)
            if frame is None:
                self.relay.finished(self, self.player)
        else:
            frame = self.mix.frame(self.payload, self.encoder)
        if frame is not None or self.paced:
            self.out.emit(frame or SILENT_FRAMES[self.payload], self.payload, now)

    def _dial(self, dialler: Dialler, now: float) -> bool:
        step = dialler.next_step()
        if step is None:
            self.relay.dialled(self)
            return False
        payload, begins = step
        if begins:
            self._press_ts = self.out.begin_event(now)
        if payload is None:
            self.out.emit(SILENT_FRAMES[self.payload], self.payload, now)
        else:
            self.out.emit_event(payload, self.dtmf, self._press_ts, begins, now)
        return True

    def send_report(self, now: float) -> None:
        """An RTCP report to where the party's RTCP is by default (RFC 3550, 11: the next higher port)."""
        address = self.latch.destination
        if address is not None and self.connected:
            with contextlib.suppress(OSError):
                report = self.out.report(now, self.reception.block(now))
                if self._sealed and self._secrets is not None:
                    report = self._secrets.seal_report(report)
                self.rtcp.sendto(report, (address[0], address[1] + 1))

    def close(self) -> None:
        """Free the ports."""
        self.out.send = nowhere
        self._target, self._copies, self._voices = None, (), ()
        self.rtp.close()
        self.rtcp.close()


Receive = Callable[[float], None]


def _body(size: int) -> int:
    """Where the payload of the packet in the buffer starts, after CSRCs and extension (RFC 3550, 5.1, 5.3.1)."""
    start = 12 + 4 * (_BUFFER[0] & 0x0F)
    if _BUFFER[0] & 0x10 and size >= start + 4:
        start += 4 + 4 * int.from_bytes(_BUFFER[start + 2 : start + 4], "big")
    return min(start, size)


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


_LIBC = ctypes.CDLL(None, use_errno=True)


def _dissolve(sock: socket.socket) -> None:
    """Let a connected UDP socket hear everybody again: connect(2) to AF_UNSPEC, which `socket` cannot say."""
    if _is_connected(sock) and _LIBC.connect(sock.fileno(), bytes(16), 16) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
