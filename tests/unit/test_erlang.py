"""Staffing formulas: against known values, against each other, and against a chain solved state by state."""

import math

import numpy as np
import pytest

from callcenter.whatif.erlang import (
    SHORT,
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


ORDINARY = [
    (10, 0.05, 180, 60),
    (20, 0.11, 200, 120),
    (5, 0.05, 180, 300),
    (100, 0.6, 180, 90),
    (1, 0.02, 100, 30),
    (30, 0.17, 180, 200),
]
OVERLOADED = [
    (10, 5.0, 180, 60),  # ninety times what they can do
    (10, 50.0, 180, 60),
    (1000, 60.0, 180, 600),
    (1000, 6.0, 180, 3600),
    (3000, 20.0, 180, 1200),
    (1, 0.5, 3000, 5),  # one agent for long, callers gone at once
    (1, 0.001, 30000, 5),
    (10, 0.3, 180, 36000),
    (1000, 6.0, 180, 10),
]
IDLE = [(150, 0.001, 100, 60), (200, 0.0001, 100, 60), (1, 0.00001, 60, 100), (10, 0.05, 180, 1e5)]


@pytest.mark.parametrize(("agents", "rate", "handling", "patience"), ORDINARY + OVERLOADED + IDLE)
def test_erlang_a_is_the_chain_walked_state_by_state(
    agents: int, rate: float, handling: float, patience: float
) -> None:
    share = chain(agents, rate, handling, patience)
    behind = share[agents:]
    queue = math.fsum(before * part for before, part in enumerate(behind))
    answered, _ = fates(behind, agents / handling, 1 / patience, 20.0)
    _, short = fates(behind, agents / handling, 1 / patience, SHORT)
    waiting = math.fsum(behind)
    busy = math.fsum(min(inside, agents) * part for inside, part in enumerate(share)) / agents
    found = erlang_a(agents, rate, handling, 20, patience)
    assert found.waiting == pytest.approx(waiting, abs=1e-9)
    assert found.waits == pytest.approx(queue / rate, rel=1e-6, abs=1e-9)
    assert found.abandoned == pytest.approx(queue / patience / rate, rel=1e-6, abs=1e-9)
    assert found.occupancy == pytest.approx(busy, rel=1e-6)
    assert found.level == pytest.approx((1 - waiting + answered) / (1 - short), rel=1e-6, abs=1e-9)


def chain(agents: int, rate: float, handling: float, patience: float) -> list[float]:
    """Share of the time in which so many callers are in the house, by birth and death, until nothing is left of it."""
    logs, highest = [0.0], 0.0
    while len(logs) <= agents or logs[-1] > highest - 45:
        inside = len(logs)
        leaving = min(inside, agents) / handling + max(0, inside - agents) / patience
        logs.append(logs[-1] + math.log(rate / leaving))
        highest = max(highest, logs[-1])
    weights = [math.exp(log - highest) for log in logs]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def fates(behind: list[float], pace: float, theta: float, seconds: float) -> tuple[float, float]:
    """Share of all callers who waited and were answered, and who left, within so many seconds: those who come behind k
    others move up one by one. Uniformized: steps of a Poisson process, in each at most one thing happens."""
    waits = np.array(behind)
    before = np.arange(len(behind))
    top = pace + len(behind) * theta
    moves, leaves = (pace + before * theta) / top, theta / top
    mean = top * seconds
    answered = left = told_answered = told_left = 0.0
    for step in range(int(mean + 12 * math.sqrt(mean) + 40)):
        chance = math.exp(step * math.log(mean) - mean - math.lgamma(step + 1))
        told_answered += chance * answered
        told_left += chance * left
        answered += float(waits[0] * moves[0])
        left += float(waits.sum()) * leaves
        waits = waits * (1 - moves - leaves) + np.append((waits * moves)[1:], 0.0)
    return told_answered, told_left


def test_the_level_grows_with_time_and_agents() -> None:
    within = [erlang_a(10, 0.055, 180, seconds, 120).level for seconds in (0, 5, 20, 60, 600)]
    assert within == sorted(within)
    staffed = [erlang_a(count, 0.055, 180, 20, 120).level for count in range(1, 20)]
    assert staffed == sorted(staffed)
    assert erlang_a(3, 0.0, 180, 20, 60).level == 1.0
