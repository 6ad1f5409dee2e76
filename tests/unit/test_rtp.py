"""The stream that one receiver gets, whatever it is fed from."""

import struct
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from callcenter.telephony.media.g711 import FRAME
from callcenter.telephony.media.rtp import HEADER, Outgoing

FRAME_OF_SILENCE = bytes(FRAME)


@dataclass
class Out:
    """An Outgoing and what it sent."""

    stream: Outgoing
    sent: list[tuple[int, int, int, int]]
    """(kind, sequence number, timestamp, SSRC)"""
    now: float = 100.0

    def relay(self, source: object, ssrc: int, seq: int, ts: int, kind: int = 0) -> bool:
        packet = bytearray(172)
        head = (0x80, kind, seq & 0xFFFF, ts & 0xFFFFFFFF, ssrc)
        if not self.stream.rewrite(packet, len(packet), source, head, kind, self.now):
            return False
        self._keep(packet)
        return True

    def emit(self) -> None:
        self.now += 0.02
        self.stream.emit(FRAME_OF_SILENCE, 0, self.now)

    def _keep(self, packet: bytes | bytearray) -> None:
        _, second, seq, ts, ssrc = HEADER.unpack_from(packet)
        self.sent.append((second & 0x7F, seq, ts, ssrc))


def opened() -> Out:
    out = Out(Outgoing(100.0), [])
    out.stream.send = out._keep
    return out


def steps(out: Out) -> list[tuple[int, int]]:
    """How far sequence number and timestamp moved at each packet."""
    pairs = zip(out.sent, out.sent[1:], strict=False)
    return [((b[1] - a[1]) & 0xFFFF, (b[2] - a[2]) & 0xFFFFFFFF) for a, b in pairs]


SOURCES = st.tuples(
    st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(1, 30)
)


@given(st.lists(st.one_of(st.integers(1, 20), SOURCES), min_size=1, max_size=10))
def test_any_change_of_sources_is_one_stream(turns: list[int | tuple[int, int, int, int]]) -> None:
    """Prompts (a number of frames) and talkers (first seq, first ts, SSRC, packets) in any order."""
    out = opened()
    for turn in turns:
        if isinstance(turn, int):
            for _ in range(turn):
                out.emit()
            continue
        seq, ts, ssrc, count = turn
        source = object()
        for number in range(count):
            out.now += 0.02
            assert out.relay(source, ssrc, seq + number, ts + FRAME * number)
    assert len({ssrc for _, _, _, ssrc in out.sent}) == 1
    assert all(seq == 1 and FRAME <= ts <= 2 * FRAME for seq, ts in steps(out))


def test_a_pause_is_seen_in_the_timestamp() -> None:
    out, first, second = opened(), object(), object()
    out.relay(first, 1, 10, 1000)
    out.now += 3.0
    out.relay(second, 2, 500, 77)
    assert steps(out) == [(1, 24_000)]


@given(st.permutations(range(12)), st.sets(st.integers(0, 11), max_size=6))
def test_what_the_source_lost_or_reordered_stays_so(order: list[int], lost: set[int]) -> None:
    out, source = opened(), object()
    for number in range(20):
        out.relay(source, 1, 65_530 + number, FRAME * number)
    base = out.sent[-1][1]
    out.sent.clear()
    kept = [number for number in order if number not in lost]
    for number in kept:
        assert out.relay(source, 1, 65_530 + 20 + number, FRAME * (20 + number))
    assert [(seq - base - 1) & 0xFFFF for _, seq, _, _ in out.sent] == kept


def test_a_packet_older_than_its_source_s_first_is_left_out() -> None:
    out, source = opened(), object()
    out.emit()
    assert out.relay(source, 1, 100, 16_000)
    assert not out.relay(source, 1, 99, 15_840)
    assert out.relay(source, 1, 101, 16_160)
    assert steps(out)[-1] == (1, FRAME)


def test_a_restart_of_the_source_leaves_no_gap() -> None:
    out, source = opened(), object()
    for number in range(5):
        out.now += 0.02
        out.relay(source, 1, number, FRAME * number)
    out.now += 0.02
    assert out.relay(source, 1, 40_000, 5)
    assert steps(out) == [(1, FRAME)] * 5


def test_what_is_left_out_makes_no_gap() -> None:
    out, source = opened(), object()
    out.relay(source, 1, 1, 0)
    out.stream.leave_out(source)
    out.stream.leave_out(object())
    out.relay(source, 1, 3, 320)
    assert steps(out) == [(1, 320)]


def test_a_key_press_keeps_its_time_and_does_not_stop_the_clock() -> None:
    out, source = opened(), object()
    out.relay(source, 1, 1, 160)
    for number in range(4):
        out.relay(source, 1, 2 + number, 320, kind=101)
    out.relay(source, 1, 6, 960)
    assert steps(out) == [(1, 160), (1, 0), (1, 0), (1, 0), (1, 640)]


def test_a_press_of_ours_between_two_sources() -> None:
    out, source = opened(), object()
    out.relay(source, 1, 1, 160)
    out.now += 0.02
    start = out.stream.begin_event(out.now)
    for number in range(3):
        out.now += 0.02
        out.stream.emit_event(b"\1\2\3\4", 96, start, number == 0, out.now)
    out.emit()
    assert steps(out) == [(1, 160), (1, 0), (1, 0), (1, 480)]


def test_reports_are_well_formed() -> None:
    out = opened()
    empty = out.stream.report(out.now)
    assert struct.unpack_from("!BBHI", empty) == (0x80, 201, 1, out.stream.ssrc)
    out.emit()
    report = out.stream.report(out.now + 0.5)
    _, kind, words, ssrc, _, _, ts, packets, octets = struct.unpack_from("!BBHIIIIII", report)
    assert (kind, words, ssrc, packets, octets) == (200, 6, out.stream.ssrc, 1, FRAME)
    assert (ts - out.sent[0][2]) & 0xFFFFFFFF == 4000
    for body, at in ((empty, 8), (report, 28)):
        assert len(body) == at + 4 * (struct.unpack_from("!H", body, at + 2)[0] + 1)
