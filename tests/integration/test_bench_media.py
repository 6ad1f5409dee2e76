"""The benchmark of the audio process gives its figures: shape and counts, never time."""

import pytest

from callcenter.bench import media, spread
from callcenter.settings import Settings


def test_figures_of_a_small_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "CALLS", (2,))
    monkeypatch.setattr(media, "WAITING", 4)
    monkeypatch.setattr(media, "SECONDS", 1.0)
    figures = media.main(Settings())
    (bridged,) = figures["bridged"]
    assert {"cores", "cpu", "python", "load"} == set(figures["machine"])
    assert (bridged["calls"], bridged["sent"]) == (2, 2 * 2 * 50)
    assert bridged["delay_ms"]["samples"] == bridged["sent"] - bridged["lost"]
    assert figures["waiting"]["callers"] == 4
    assert figures["waiting"]["gap_ms"]["samples"] > 4 * 50


def test_spread_is_by_nearest_rank() -> None:
    assert spread([float(n) for n in range(1, 101)]) == {
        "samples": 100,
        "p50": 51.0,
        "p99": 99.0,
        "max": 100.0,
    }
    assert spread([5.0]) == {"samples": 1, "p50": 5.0, "p99": 5.0, "max": 5.0}
    assert spread([]) == {"samples": 0}
