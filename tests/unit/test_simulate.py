"""The simulated centre against closed formulas, and against a second, obvious simulation of two skills."""

import heapq
import random
from typing import Any

import numpy as np
import pytest

from callcenter.whatif import centre, simulate
from callcenter.whatif.erlang import Figures as Formula
from callcenter.whatif.erlang import erlang_a, erlang_c, erlang_c_bounded
from callcenter.whatif.estimates import Estimate, mean, quantile_t, ratio
from callcenter.whatif.tally import Figures

RATE, HANDLING, AGENTS, WITHIN = 180.0, 180.0, 10, 20.0  # calls an hour: 9 erlangs
DAYS = 150


def described(**changes: Any) -> centre.Centre:
    """One queue in a steady state: one period of ten hours behind three of warm-up."""
    given: dict[str, Any] = {
        "opens": "08:00",
        "closes": "18:00",
        "period": 600,
        "warm_up": 180,
        "queues": {"default": {"service_level": WITHIN, "max_wait": float("inf"), "max_length": 1_000_000}},
        "types": {"all": {"queue": "default", "rate": RATE, "service": HANDLING}},
        "groups": {"team": {"agents": AGENTS, "queues": ["default"]}},
    }
    for path, value in changes.items():
        table = given
        *parents, last = path.split("__")
        for parent in parents:
            table = table[parent]
        table[last] = value
    return centre.read(given)


def figures(made: centre.Centre, days: int = DAYS, seed: int = 1) -> Figures:
    return Figures([simulate.one_day(made, np.random.default_rng([seed, day])) for day in range(days)])


def agrees(found: Estimate | None, wanted: float) -> bool:
    """Within the 95 % interval; that it holds as often as it says is tested below."""
    assert found is not None
    return found.low - 1e-12 <= wanted <= found.high + 1e-12


def check(found: Figures, formula: Formula) -> None:
    told = found.of_calls()
    assert agrees(told["service_level"], formula.level)
    assert agrees(told["asa"], formula.asa)
    assert agrees(told["abandon_rate"], formula.abandoned)
    assert agrees(told["deflected_rate"], formula.blocked)
    assert agrees(found.occupancy(), formula.occupancy)


def test_it_is_m_m_c() -> None:
    made = described(groups__team__agents=11)
    check(figures(made), erlang_c(11, RATE / 3600, HANDLING, WITHIN))


def test_it_is_m_m_c_k() -> None:
    made = described(queues__default__max_length=5)
    check(figures(made), erlang_c_bounded(AGENTS, RATE / 3600, HANDLING, WITHIN, 5))


@pytest.mark.parametrize("agents", [2, 7, 9, 11])  # with two, four and a half times what they can do
def test_it_is_m_m_c_m_under_and_over_load(agents: int) -> None:
    made = described(types__all__patience=120, groups__team__agents=agents)
    check(figures(made), erlang_a(agents, RATE / 3600, HANDLING, WITHIN, 120))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"groups__team__agents": 11}, erlang_c(11, RATE / 3600, HANDLING, WITHIN)),
        ({"queues__default__max_length": 5}, erlang_c_bounded(AGENTS, RATE / 3600, HANDLING, WITHIN, 5)),
        ({"types__all__patience": 120}, erlang_a(AGENTS, RATE / 3600, HANDLING, WITHIN, 120)),
    ],
    ids=["M/M/c", "M/M/c/K", "M/M/c+M"],
)
def test_the_interval_covers_the_formula_about_as_often_as_it_says(
    changes: dict[str, Any], wanted: Formula
) -> None:
    made, covered = described(**changes), 0
    for seed in range(40):
        level = figures(made, days=5, seed=100 + seed).of_calls()["service_level"]
        covered += level.low <= wanted.level <= level.high
    assert covered >= 33  # 38 expected; fewer than 33 happens once in two hundred such tests


def test_a_busy_factor_spreads_the_days_and_leaves_the_mean() -> None:
    plain, busy = figures(described(), 80), figures(described(busyness=20.0), 80)
    calls = [np.asarray(one.calls[:, 0, 0, 0]) for one in (plain, busy)]
    assert calls[0].mean() == pytest.approx(1800, rel=0.02)
    assert calls[1].mean() == pytest.approx(1800, rel=0.08)
    # Poisson alone: 42 calls; gamma of shape 20 alone: 1800 / sqrt(20) = 402.
    assert 30 < calls[0].std() < 55
    assert 280 < calls[1].std() < 540


def test_lognormal_times_have_the_mean_and_the_spread_that_they_say() -> None:
    drawn = simulate._draw(
        [centre.Times("lognormal", 200.0, 1.5)], np.zeros(400_000, np.int64), np.random.default_rng(1)
    )
    assert drawn.mean() == pytest.approx(200, rel=0.02)
    assert drawn.std() / drawn.mean() == pytest.approx(1.5, rel=0.05)


def two_skills() -> centre.Centre:
    """Plain calls and hard ones; for 30 s a hard one waits for an expert, then anybody of its queue will do."""
    return centre.read(
        {
            "opens": "08:00",
            "closes": "18:00",
            "period": 600,
            "warm_up": 120,
            "queues": {
                "plain": {"max_wait": 0},
                "hard": {"max_wait": 0, "priority": 1, "rings": [{"until": 30, "needs": {"craft": 50}}]},
            },
            "types": {
                "plain": {"rate": 100, "service": 180, "patience": 200},
                "hard": {"rate": 40, "service": {"mean": 300, "cv": 0.8}, "patience": 300},
            },
            "groups": {
                "team": {"agents": 5, "queues": ["plain", "hard"], "skills": {"craft": 10}},
                "experts": {"agents": 3, "queues": ["plain", "hard"], "skills": {"craft": 90}},
            },
        }
    )


def second(dice: random.Random) -> dict[str, list[float]]:
    """The same centre once more, looked at anew at each happening by going through everybody: slow and obvious."""
    spread = float(np.sqrt(np.log(1 + 0.8**2)))
    calls: list[dict[str, Any]] = []
    for kind, rate, patience in (("plain", 100, 200), ("hard", 40, 300)):
        at = -7200.0
        while (at := at + dice.expovariate(rate / 3600)) < 36000:
            talk = (
                dice.expovariate(1 / 180)
                if kind == "plain"
                else 300 * dice.lognormvariate(-(spread**2) / 2, spread)
            )
            calls.append(
                {
                    "kind": kind,
                    "at": at,
                    "talk": talk,
                    "leaves": at + dice.expovariate(1 / patience),
                    "state": "coming",
                }
            )
    agents = [{"expert": number >= 5, "until": -7200.0} for number in range(8)]
    moments = [when for call in calls for when in (call["at"], call["leaves"], call["at"] + 30)]
    heapq.heapify(moments)
    inside, ended = calls, []
    while moments:
        now = heapq.heappop(moments)
        for call in inside:
            if call["state"] == "coming" and call["at"] <= now:
                call["state"] = "waits"
            if call["state"] == "waits" and call["leaves"] <= now:
                call.update(state="left", waited=call["leaves"] - call["at"])
        waits = [call for call in inside if call["state"] == "waits"]
        for call in sorted(waits, key=lambda call: (call["kind"] != "hard", call["at"])):
            free = [agent for agent in agents if agent["until"] <= now]
            if call["kind"] == "hard" and now < call["at"] + 30:
                free = [agent for agent in free if agent["expert"]]
            if free:
                agent = min(free, key=lambda agent: float(agent["until"]))
                agent["until"] = now + call["talk"]
                heapq.heappush(moments, agent["until"])
                call.update(state="served", waited=now - call["at"])
        ended += [call for call in inside if call["state"] in ("left", "served")]
        inside = [call for call in inside if call["state"] in ("coming", "waits")]
    counted: dict[str, list[float]] = {"plain": [0, 0, 0, 0], "hard": [0, 0, 0, 0]}
    for call in ended:
        if call["at"] >= 0:
            mine = counted[call["kind"]]
            mine[0] += 1
            mine[1] += call["state"] == "served"
            mine[2] += call["state"] == "served" and call["waited"] <= 20
            mine[3] += call["waited"] if call["state"] == "served" else 0.0
    return counted


def test_a_second_obvious_simulation_of_two_skills_says_the_same() -> None:
    first = figures(two_skills(), 120)
    dice = random.Random(11)
    days = [second(dice) for _ in range(8)]
    for kind, name in enumerate(("plain", "hard")):
        told = first.of_calls(kind)
        offered, answered, within, waits = np.array([day[name] for day in days], dtype=np.float64).T
        for mine, other in (
            (ratio(first.calls[:, kind, 0, 1], first.calls[:, kind, 0, 0]), ratio(answered, offered)),
            (ratio(first.calls[:, kind, 0, 2], first.calls[:, kind, 0, 0]), ratio(within, offered)),
            (told["asa"], ratio(waits, answered)),
        ):
            assert mine is not None
            assert other is not None
            gap = np.hypot(mine.high - mine.low, other.high - other.low) / 2  # 95 % for the difference
            assert abs(mine.value - other.value) <= gap


def test_the_same_seed_gives_the_same_days_however_many_cores() -> None:
    made = two_skills()
    one, two = list(simulate.run(made, 12, 3, 1)), list(simulate.run(made, 12, 3, 2))
    assert all(np.array_equal(a.calls, b.calls) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0].calls, one[1].calls)


def test_every_caller_ends_in_one_outcome_and_a_shift_ends_behind_the_call() -> None:
    made = centre.read(
        {
            "opens": "08:00",
            "closes": "10:00",
            "period": 60,
            "queues": {"default": {"max_wait": 300, "max_length": 4}},
            "types": {"all": {"queue": "default", "rate": [100, 40], "service": 240, "patience": 200}},
            "groups": {"team": {"agents": [5, 0], "queues": ["default"]}},
        }
    )
    found = figures(made, 30)
    counts = found.calls.sum(axis=(0, 1))
    for offered, answered, _within, abandoned, short, deflected, *_sums in counts:
        assert offered == answered + abandoned + short + deflected
    assert counts[1][1] < 0.05 * counts[1][0]  # nobody comes in the second hour
    busy, present = found.work[:, 0, 1, :].sum(axis=0)
    assert 0 < busy == pytest.approx(present)  # who was still talking, and nothing else
    assert found.of_calls(period=1)["asa"] is not None or counts[1][1] == 0


def test_intervals() -> None:
    assert [round(quantile_t(degrees), 3) for degrees in (1, 2, 4, 10, 30, 1000)] == [
        12.706, 4.303, 2.776, 2.228, 2.042, 1.962,
    ]  # fmt: skip
    assert ratio(np.zeros(3), np.zeros(3)) is None
    assert mean(np.array([4.0])) == Estimate(4.0, 4.0, 4.0)
    spread = mean(np.array([1.0, 2.0, 3.0]))
    assert (spread.value, round(spread.high - 2, 3)) == (2.0, round(4.303 / 3**0.5, 3))
