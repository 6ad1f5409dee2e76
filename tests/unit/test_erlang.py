"""Staffing formulas: against known values, against each other, and against a chain solved state by state."""

import math

import pytest

from callcenter.whatif.erlang import (
    agents_needed,
    erlang_a,
    erlang_b,
    erlang_c,
    erlang_c_bounded,
    waits_at_all,
)


def test_known_values() -> None:
    # Tables of Erlang B and C, as printed in every textbook: 10 erlangs; 1/3 for M/M/2 with a load of 1.
    assert erlang_b(10, 10.0) == pytest.approx(0.2146, abs=5e-5)
    assert erlang_b(2, 1.0) == pytest.approx(0.2)
    assert waits_at_all(2, 1.0) == pytest.approx(1 / 3)
    assert waits_at_all(10, 10.0) == 1.0
    # 100 calls in half an hour of 180 s each: 14 agents for 80 % in 20 s, 88.8 % with them.
    found = agents_needed(lambda count: erlang_c(count, 100 / 1800, 180, 20), 10.0, 0.8)
    assert found is not None
    assert (found.agents, round(found.level, 3), round(found.asa, 1)) == (14, 0.888, 7.8)


def test_a_queue_without_end_is_all_wait() -> None:
    full = erlang_c(10, 0.1, 180, 20)
    assert (full.level, full.waiting, full.asa, full.occupancy) == (0.0, 1.0, math.inf, 1.0)
    assert agents_needed(lambda count: erlang_c(min(count, 5), 0.1, 180, 20), 18.0, 0.8) is None


def test_no_place_is_erlang_b_and_many_are_erlang_c() -> None:
    assert erlang_c_bounded(10, 0.05, 200, 20, 0).blocked == pytest.approx(erlang_b(10, 10.0))
    many, endless = erlang_c_bounded(10, 0.05, 180, 20, 3000), erlang_c(10, 0.05, 180, 20)
    for name in ("level", "waiting", "waits", "occupancy"):
        assert getattr(many, name) == pytest.approx(getattr(endless, name))


def test_endless_patience_is_erlang_c() -> None:
    patient, endless = erlang_a(10, 0.05, 180, 20, 1e8), erlang_c(10, 0.05, 180, 20)
    assert erlang_a(10, 0.05, 180, 20, math.inf) == endless
    for name in ("level", "waiting", "waits", "asa", "occupancy"):
        assert getattr(patient, name) == pytest.approx(getattr(endless, name), rel=1e-4)


@pytest.mark.parametrize(
    ("agents", "rate", "handling", "patience"),
    [(10, 0.05, 180, 60), (20, 0.11, 200, 120), (5, 0.05, 180, 300), (100, 0.6, 180, 90), (1, 0.02, 100, 30)],
)
def test_erlang_a_is_the_chain_solved_state_by_state(
    agents: int, rate: float, handling: float, patience: float
) -> None:
    weights = [1.0]
    for inside in range(1, 2000):
        weights.append(
            weights[-1] * rate / (min(inside, agents) / handling + max(0, inside - agents) / patience)
        )
    total = sum(weights)
    queue = (
        sum((inside - agents) * weight for inside, weight in enumerate(weights) if inside > agents) / total
    )
    found = erlang_a(agents, rate, handling, 20, patience)
    assert found.waiting == pytest.approx(sum(weights[agents:]) / total, abs=1e-6)
    assert found.waits == pytest.approx(queue / rate, rel=1e-5)
    assert found.abandoned == pytest.approx(queue / patience / rate, abs=1e-6)
    busy = sum(min(inside, agents) * weight for inside, weight in enumerate(weights)) / total / agents
    assert found.occupancy == pytest.approx(busy, abs=1e-6)


def test_the_level_grows_with_time_and_agents() -> None:
    within = [erlang_a(10, 0.055, 180, seconds, 120).level for seconds in (0, 5, 20, 60, 600)]
    assert within == sorted(within)
    staffed = [erlang_a(count, 0.055, 180, 20, 120).level for count in range(1, 20)]
    assert staffed == sorted(staffed)
    assert erlang_a(3, 0.0, 180, 20, 60).level == 1.0
