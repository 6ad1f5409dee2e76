"""RFC 3550's figures: counted, reported and read."""

import struct
import time

import pytest

from callcenter.telephony.media.reception import Reception
from callcenter.telephony.media.rtp import NTP, Outgoing


def heard(reception: Reception, *numbers: int, ssrc: int = 7, first: float = 100.0) -> None:
    for number in numbers:
        now = first + number * 0.02
        reception.hear(number & 0xFFFF, number * 160 & 0xFFFFFFFF, ssrc, True, now)


def block_of(reception: Reception, now: float = 200.0) -> tuple[int, ...]:
    return struct.unpack("!IIIIII", reception.block(now))


def test_nothing_is_reported_of_nobody() -> None:
    assert Reception().block(1.0) == b""
    assert Reception().figures() == (0, 0, 0, 0.0, 0.0, 0.0)


def test_loss_over_the_wrap_of_numbers() -> None:
    reception = Reception()
    heard(reception, *(n for n in range(65_500, 65_600) if n not in (65_510, 65_540)))
    assert reception.figures()[:3] == (100, 2, 0)
    ssrc, losses, highest, _, _, _ = block_of(reception)
    assert (ssrc, losses >> 24, losses & 0xFFFFFF, highest) == (7, 2 * 256 // 100, 2, 65_599)
    heard(reception, *range(65_600, 65_620), *range(65_630, 65_640))
    assert block_of(reception)[1] == 10 * 256 // 40 << 24 | 12


def test_what_comes_late_or_twice_is_not_lost() -> None:
    reception = Reception()
    heard(reception, 1, 2, 4, 3, 5, 5)
    assert reception.figures()[:3] == (5, 0, 1)
    assert block_of(reception)[1] == 0xFFFFFF, "minus one, as the RFC has it for doubled packets"


def test_another_source_goes_on_with_the_count() -> None:
    reception = Reception()
    heard(reception, 1, 2, 4)
    heard(reception, 9000, 9001, ssrc=8)
    heard(reception, 30_000, 30_001, 30_003, ssrc=8)
    assert reception.figures()[:2] == (4 + 2 + 4, 2)
    assert block_of(reception)[0] == 8


def test_jitter_is_the_mean_change_of_transit() -> None:
    """Every second packet 8 ms late: each transit differs from the last by 64 samples (RFC 3550, A.8)."""
    reception = Reception()
    for number in range(400):
        reception.hear(number, number * 160, 7, True, number * 0.02 + number % 2 * 0.008)
    assert reception.figures()[3] == pytest.approx(8.0, abs=0.1)
    assert block_of(reception)[3] == pytest.approx(64, abs=1)
    # a key press, whose time stands still, and a sender's clock that was set say nothing
    reception.hear(400, 399 * 160, 7, False, 10.0)
    reception.hear(401, 5_000_000, 7, True, 10.02)
    assert reception.figures()[3] == pytest.approx(8.0, abs=0.1)


def test_reports_tell_the_round_trip_and_what_the_other_side_lost() -> None:
    ours, theirs = Outgoing(0.0), Outgoing(0.0)
    near, far = Reception(), Reception()
    for number in range(100):
        ours.emit(bytes(160), 0, number * 0.02)
        theirs.emit(bytes(160), 0, number * 0.02)
        if number % 4:
            far.hear(number, number * 160, ours.ssrc, True, number * 0.02)
        near.hear(number, number * 160, theirs.ssrc, True, number * 0.02)
    # our report reaches them, theirs leaves three seconds later
    far.reported(ours.report(2.0, near.block(2.0)), theirs.ssrc, theirs.packets, 2.0)
    answer = theirs.report(5.0, far.block(5.0))
    near.reported(answer, ours.ssrc, ours.packets, 5.0)
    assert near.figures()[5] == pytest.approx(0.24, abs=0.01)
    assert near.figures()[4] == 0.0, "the answer says that it waited longer than passed"
    last = int((time.time() + NTP - 3.1) * 65536) & 0xFFFFFFFF
    block = struct.pack("!IIIIII", ours.ssrc, 0, 0, 0, last, 3 * 65536)
    near.reported(theirs.report(5.0, block), ours.ssrc, ours.packets, 5.0)
    assert near.figures()[4] == pytest.approx(100, abs=60)
    assert near.figures()[5] == 0.0


@pytest.mark.parametrize("size", range(0, 60, 3))
def test_mutilated_reports_are_nothing(size: int) -> None:
    reception = Reception()
    whole = Outgoing(0.0).report(1.0, bytes(24))
    reception.reported(whole[:size], 0, 1, 1.0)
    reception.reported(b"\x9f\xc8\xff\xff" + bytes(size), 0, 1, 1.0)
    reception.reported(b"\x81\xc9\x00\x00" * size, 0, 1, 1.0)
    assert reception.figures()[4:] == (0.0, 0.0)
