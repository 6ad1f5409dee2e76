"""The benchmark of the audio process gives its figures: shape and counts, never time."""

import pytest

from callcenter.bench import media, spread
from callcenter.settings import Settings


def test_figures_of_a_small_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "BRIDGED", (2, 9))
    monkeypatch.setattr(media, "RECORDED", (3,))
    monkeypatch.setattr(media, "WAITING", 4)
    monkeypatch.setattr(media, "SECONDS", 1.0)
    figures = media.main(Settings())
    assert {"cores", "cpu", "python", "load"} == set(figures["machine"])
    for run, calls in zip([*figures["bridged"], *figures["recorded"]], (2, 9, 3), strict=True):
        assert (run["calls"], run["sent"]) == (calls, 2 * calls * 50)
        assert run["delay_ms"]["samples"] == run["sent"] - run["lost"]
        assert run["cpu_per_call"] > 0
    assert figures["recorded"][0]["files"] == 3
    assert figures["recorded"][0]["shortest_seconds"] > 1
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
