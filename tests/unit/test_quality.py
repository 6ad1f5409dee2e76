"""The E-model against what the ITU and others published of it."""

import pytest

from callcenter.telephony.media.monitor import Monitor
from callcenter.telephony.media.quality import (
    G711,
    G711_CONCEALED,
    G722,
    delay_impairment,
    mos,
    mos_of,
    one_way,
    rating,
)


def test_the_default_line_is_rated_as_published() -> None:
    """G.107, 7.7: with all default values R = 93.2; annex B makes that 4.41."""
    assert rating(G711, 0.0, 0.0) == pytest.approx(93.2, abs=0.05)
    assert mos(G711, 0.0, 0.0) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(("r", "score"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_ratings_become_scores_as_published(r: float, score: float) -> None:
    """G.107, table B.1."""
    assert mos_of(r) == pytest.approx(score, abs=0.01)


def test_scores_end_where_the_scale_does() -> None:
    assert mos_of(-5) == mos_of(3) == 1.0
    assert mos_of(101) == 4.5
    assert mos(G711, 1.0, 5000.0) == 1.0


@pytest.mark.parametrize("delay", [25, 50, 100, 150, 200, 250, 300])
def test_delay_counts_as_in_the_known_approximation(delay: float) -> None:
    """Cole and Rosenbluth's 0.024 d + 0.11 (d - 177.3), fitted to the model with its default values."""
    fitted = 0.024 * delay + 0.11 * max(0.0, delay - 177.3)
    assert delay_impairment(delay) == pytest.approx(fitted, abs=1.0)


@pytest.mark.parametrize(
    ("codec", "loss", "lower"), [(G711, 0.02, 30.2), (G711, 0.05, 51.1), (G711_CONCEALED, 0.02, 7.0)]
)
def test_loss_counts_by_the_robustness_of_the_codec(codec: object, loss: float, lower: float) -> None:
    """G.113, appendix I: Ie 0, Bpl 4.3 without and 25.1 with concealment."""
    assert rating(codec, 0.0, 20.0) - rating(codec, loss, 20.0) == pytest.approx(lower, abs=0.05)  # type: ignore[arg-type]


def test_wideband_is_rated_on_its_own_scale() -> None:
    """G.113, appendix IV: Ie,wb of G.722 at 64 kbit/s is 13 of 129."""
    assert rating(G722, 0.0, 0.0) == pytest.approx(116 / 1.29, abs=0.2)
    assert mos(G722, 0.05, 50.0) < mos(G722, 0.0, 50.0)


def test_the_way_is_half_the_trip_a_packet_and_a_buffer() -> None:
    assert one_way(80.0, 5.0) == 70.0


def test_a_leg_without_a_packet_has_no_score() -> None:
    monitor = Monitor()
    assert monitor.quality("a") is None
    monitor.connected("a", 8, True)
    quiet = monitor.quality("a")
    assert quiet is not None
    assert (quiet.codec, quiet.secure, quiet.mos) == ("PCMA", True, 0.0)
    monitor.take([("a", (100, 2, 1, 3.0, 40.0, 0.1)), ("gone", (1, 0, 0, 0.0, 0.0, 0.0))])
    heard = monitor.all()["a"]
    assert (heard.expected, heard.lost, heard.late, heard.rtt) == (100, 2, 1, 40.0)
    assert 3.9 < heard.mos < 4.3
    monitor.forget("a")
    assert monitor.all() == {}
