"""A day of the record once more: as it was it comes out as it was; with more or fewer agents better or worse."""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from callcenter import db
from callcenter.calls.models import AgentWork, Call, QueueVisit
from callcenter.errors import InvalidInput
from callcenter.whatif import recorded
from callcenter.whatif.engine import ABANDONED, ANSWERED, DEFLECTED
from callcenter.whatif.past import import_calls
from callcenter.whatif.replay import Change, replay, rule

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 2)


def morning(path: Path) -> Path:
    """Two agents, one queue, three hours: every minute and a half somebody who stays for two minutes of waiting and talks
    for two or three; and one of the evening before, who is no part of the day."""
    dice = random.Random(5)
    free = {"ann": 0.0, "bo": 0.0}
    lines = [
        "arrived,queue,customer,waited,outcome,agent,talked",
        "2026-03-01 23:59:59,desk,,0,answered,ann,60",
    ]
    for number in range(120):
        at = number * 90 + dice.random() * 60
        name = min(free, key=lambda one: free[one])
        waited = round(max(0.0, free[name] - at), 3)
        clock = (datetime(2026, 3, 2, 9, tzinfo=ZONE) + timedelta(seconds=at)).isoformat()
        if waited > 120:
            lines.append(f"{clock},desk,,120,abandoned,,")
            continue
        talked = 120 + round(dice.random() * 120)
        free[name] = at + waited + talked
        lines.append(f"{clock},desk,,{waited},answered,{name},{talked}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def past(engine: Engine, tmp_path: Path) -> recorded.RecordedDay:
    assert not import_calls(engine, morning(tmp_path / "past.csv"), "CN", ZONE).rejections
    with db.read(engine) as session:
        return recorded.read(session, DAY, ZONE)


def level(told: dict[str, Any]) -> float:
    return float(told["total"]["replayed"]["service_level"].value)


def test_nothing_changed_comes_out_as_it_was(past: recorded.RecordedDay) -> None:
    told = replay(past, Change(), runs=2, seed=1)["total"]
    for name in ("offered", "answered", "abandoned", "service_level", "asa", "aht"):
        assert told["replayed"][name].value == pytest.approx(told["happened"][name], rel=1e-4), (
            name
        )  # waits are rounded to ms
    assert told["happened"]["offered"] == 120
    assert told["unchanged"] == told["replayed"]


def test_another_agent_helps_one_less_hurts_and_a_rule_sends_away(past: recorded.RecordedDay) -> None:
    usual = level(replay(past, Change(), 4, 1))
    assert level(replay(past, Change(agents=1), 4, 1)) > usual > level(replay(past, Change(agents=-1), 4, 1))
    short = replay(past, Change(rules=(rule("desk.max_wait=5"),)), 2, 1)
    assert short["total"]["replayed"]["deflected"].value > 0
    assert short["queues"]["desk"]["replayed"]["wait"].value <= 5
    assert replay(past, Change(agents=1), 4, 1) == replay(past, Change(agents=1), 4, 1)


def test_who_left_people_waiting_was_away(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    path.write_text(
        "arrived,queue,customer,waited,outcome,agent,talked\n"
        "2026-03-02 09:00:00,desk,,0,answered,ann,60\n"
        "2026-03-02 09:02:00,desk,,200,abandoned,,\n"
        "2026-03-02 09:10:00,desk,,0,answered,ann,30\n"
        "2026-03-02 09:20:00,desk,,0,answered,ann,30\n"
    )
    import_calls(engine, path, "CN", ZONE)
    with db.read(engine) as session:
        (ann,) = recorded.read(session, DAY, ZONE).agents
    nine = 9 * 3600.0
    assert (ann.begins, ann.ends) == (nine, nine + 1230)
    assert ann.breaks == [(nine + 60, 260.0)]  # free, yet nobody took the caller who left at 9:05:20


def test_a_call_that_visited_two_queues_comes_to_both(engine: Engine, tmp_path: Path) -> None:
    """Ann had it from the desk for a minute and gave it to billing, where Bo had it for five; another one overflowed."""
    path = tmp_path / "past.csv"
    path.write_text(
        "arrived,queue,customer,waited,outcome,agent,talked\n"
        "2026-03-02 09:00:00,desk,1,10,answered,ann,60\n"
        "2026-03-02 09:30:00,desk,2,30,abandoned,,\n"
    )
    import_calls(engine, path, "CN", ZONE)
    nine = datetime(2026, 3, 2, 9, tzinfo=ZONE)
    with db.write(engine) as session:
        given, left = (row.id for row in session.exec(select(Call).order_by(col(Call.started_at))))
        for call, at, outcome, waited, agent in (
            (given, 70, "answered", 20_000, "bo"),
            (left, 1830, "abandoned", 45_000, ""),
        ):
            session.add(
                QueueVisit(
                    call_id=call, queue="billing", slot=0, offered_at=nine + timedelta(seconds=at),
                    outcome=outcome, waited_ms=waited, agent=agent,
                )
            )  # fmt: skip
        moved = session.get(QueueVisit, (left, "desk"))
        assert moved is not None
        moved.outcome = "overflowed"
        worked: list[tuple[str, dict[str, Any]]] = [
            ("talk", {"talk_ms": 290_000, "hold_ms": 10_000}),
            ("wrap_up", {"wrap_up_ms": 30_000}),
        ]
        for what, spent in worked:
            done: dict[str, Any] = {"call_id": given, "agent": "bo", "at": nine, "queue": "billing"}
            session.add(AgentWork(**done, what=what, slot=0, **spent))
    with db.read(engine) as session:
        day = recorded.read(session, DAY, ZONE)
    assert [
        (one.queue, one.queued - 9 * 3600, one.waited, one.outcome, one.agent, one.busy) for one in day.calls
    ] == [
        ("desk", 0.0, 10.0, ANSWERED, "ann", 60.0),
        ("billing", 70.0, 20.0, ANSWERED, "bo", 330.0),
        ("desk", 1800.0, 30.0, DEFLECTED, "", 0.0),
        ("billing", 1830.0, 45.0, ABANDONED, "", 0.0),
    ]
    assert [(one.name, one.queues) for one in day.agents] == [("ann", ["desk"]), ("bo", ["billing"])]
    told = replay(day, Change(), 2, 1)
    assert {name: one["happened"]["offered"] for name, one in told["queues"].items()} == {
        "billing": 2,
        "desk": 2,
    }


def refused(field: str, act: Callable[[], Any]) -> None:
    with pytest.raises(InvalidInput) as error:
        act()
    assert field in error.value.fields


@pytest.mark.parametrize(
    "text", ["fastest", "desk.colour=3", "max_wait=x", "max_length=-1", "strategy=first"]
)
def test_a_rule_that_is_none_is_named(text: str) -> None:
    refused("rule", lambda: rule(text))


def test_wrong_input_is_named(engine: Engine, past: recorded.RecordedDay) -> None:
    assert rule("fewest_calls") == ("", "strategy", "fewest_calls")
    refused("rule", lambda: replay(past, Change(rules=(rule("other.max_wait=5"),)), 2, 1))
    refused("agents", lambda: replay(past, Change(agents=-2), 2, 1))
    with db.read(engine) as session:
        refused("day", lambda: recorded.read(session, date(2020, 1, 1), ZONE))
