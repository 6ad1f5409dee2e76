"""RFC 4733: one digit per press, whatever the network does to its packets."""

import struct
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from callcenter.telephony.media.dtmf import KEYS, KeyDetector, playable, press

SSRC = 0x1234


@dataclass(frozen=True)
class Packet:
    ts: int
    marker: bool
    payload: bytes


def pressed(key: str, start: int, length: int) -> list[Packet]:
    """What RFC 4733 has a sender send for a press of `length` samples: an update each 20 ms, three ends; a new
    segment each 65,535 samples (2.5.1.3)."""
    event = KEYS.index(key)
    packets, segment, first = [], start, True
    while length > 0xFFFF:
        for duration in range(160, 0xFFFF, 160):
            packets.append(Packet(segment & 0xFFFFFFFF, first, struct.pack("!BBH", event, 10, duration)))
            first = False
        packets.append(Packet(segment & 0xFFFFFFFF, False, struct.pack("!BBH", event, 10, 0xFFFF)))
        segment += 0xFFFF
        length -= 0xFFFF
    for duration in range(160, length, 160):
        packets.append(Packet(segment & 0xFFFFFFFF, first, struct.pack("!BBH", event, 10, duration)))
        first = False
    end = Packet(segment & 0xFFFFFFFF, False, struct.pack("!BBH", event, 0x8A, length))
    return [*packets, end, end, end]


def hear(packets: list[Packet], detector: KeyDetector | None = None) -> str:
    detector = detector or KeyDetector()
    digits = [detector.hear(SSRC, packet.ts, packet.marker, packet.payload) for packet in packets]
    return "".join(digit for digit in digits if digit)


@st.composite
def mangled_press(draw: st.DrawFn) -> tuple[str, list[Packet]]:
    """A press of which at least one packet arrives, some twice, in any order."""
    key = draw(st.sampled_from(KEYS))
    sent = pressed(key, draw(st.integers(0, 2**32 - 1)), draw(st.integers(160, 4000)))
    return key, draw(st.lists(st.sampled_from(sent), min_size=1, max_size=40))


@given(mangled_press())
def test_one_digit_from_whatever_survives(case: tuple[str, list[Packet]]) -> None:
    key, arrived = case
    assert hear(arrived) == key


@given(st.data())
def test_keys_in_a_row_each_once(data: st.DataObject) -> None:
    """Loss, doubling and reordering inside each press; presses at least a press and a pause of 40 ms apart."""
    start = data.draw(st.integers(0, 2**32 - 1))
    keys, arrived = "", []
    for _ in range(data.draw(st.integers(1, 8))):
        key = data.draw(st.sampled_from(KEYS))
        length = data.draw(st.integers(320, 2400))
        arrived += data.draw(st.lists(st.sampled_from(pressed(key, start, length)), min_size=1, max_size=20))
        start += length + data.draw(st.integers(320, 8000))
        keys += key
    assert hear(arrived) == keys


@given(st.integers(0, 2**32 - 1), st.integers(0xFFFF + 160, 4 * 0xFFFF), st.data())
def test_a_press_longer_than_a_segment_is_one_digit(start: int, length: int, data: st.DataObject) -> None:
    sent = pressed("7", start, length)
    lost = data.draw(st.sets(st.integers(0, len(sent) - 1), max_size=len(sent) // 2))
    assert hear([packet for at, packet in enumerate(sent) if at not in lost]) == "7"


@given(st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_segments_in_any_order_are_one_digit(start: int, random: "object") -> None:
    sent = pressed("5", start, 2 * 0xFFFF + 800)[::40] + pressed("5", start, 2 * 0xFFFF + 800)[-1:]
    random.shuffle(sent)  # type: ignore[attr-defined]
    assert hear(sent) == "5"


def test_the_same_key_twice_is_two_digits_without_ends() -> None:
    first, second = pressed("4", 1000, 800)[:-3], pressed("4", 3000, 800)[:-3]
    assert hear(first + second) == "44"


def test_a_late_packet_of_an_earlier_press_is_nothing() -> None:
    one, two = pressed("1", 1000, 800), pressed("2", 3000, 800)
    assert hear(one[:-1] + two[:2] + one[-1:] + two[2:]) == "12"


def test_a_sender_that_moves_the_timestamp_in_a_press_gives_one_digit() -> None:
    event = KEYS.index("9")
    careless = [
        Packet(5000 + 160 * n, n == 0, struct.pack("!BBH", event, 10, 160 * n + 160)) for n in range(8)
    ]
    assert hear(careless) == "9"


def test_what_is_no_key_is_nothing() -> None:
    detector = KeyDetector()
    for payload in (b"", b"\x01", b"\x01\x0a\x00", b"\x10\x0a\x00\xa0", b"\xff\xff\xff\xff"):
        assert detector.hear(SSRC, 1, True, payload) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.booleans(), st.binary(max_size=6))
    )
)
def test_garbage_never_raises(packets: list[tuple[int, int, bool, bytes]]) -> None:
    detector = KeyDetector()
    for ssrc, ts, marker, payload in packets:
        digit = detector.hear(ssrc, ts, marker, payload)
        assert digit is None or digit in KEYS


@given(st.sampled_from(KEYS))
def test_what_we_send_is_heard(key: str) -> None:
    assert hear([Packet(777, at == 0, payload) for at, payload in enumerate(press(key))]) == key


def test_only_keys_are_played() -> None:
    assert playable("12a,#x-9") == "12A,#9"
