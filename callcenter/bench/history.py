"""`./run bench history [DAYS [CALLS A DAY]]`: what the figures of the past cost: 500 agents, 30 days of 20,000 calls.

The rows are written as the ledger writes them, into a database of its own (SQLite, in a temporary folder); then every
report is read over all days, as the page asks for it, and the first page of the calls behind a figure.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, insert
from sqlmodel import SQLModel

from callcenter import db
from callcenter.bench import machine, spread
from callcenter.calls import life, visits
from callcenter.calls.models import AgentOffer, AgentTime, AgentWork, QueueVisit
from callcenter.reports import drill, figures, intervals, queries
from callcenter.settings import Settings

DAYS, CALLS, AGENTS, QUEUES = 30, 20_000, 500, 20
FIRST = datetime(2026, 10, 1, tzinfo=ZoneInfo("Europe/Berlin"))
OPENS, CLOSES = 8, 20
"""Hours of the day."""
READS = 3
WRITE = 5_000
"""Rows a statement."""
SEED = 4
Row = dict[str, Any]


def main(settings: Settings, days: int = DAYS, calls: int = CALLS) -> dict[str, Any]:
    """`reports`: milliseconds of each over all days; `calls_of_a_figure`: of the first page of all answered calls; `rows`
    written."""
    del settings  # a database of its own
    with tempfile.TemporaryDirectory() as folder:
        engine = db.connect(f"sqlite:///{Path(folder) / 'history.db'}")
        SQLModel.metadata.create_all(engine)
        began = time.perf_counter()
        rows = _write(engine, days, calls)
        wrote = time.perf_counter() - began
        told = {
            "bench": "history",
            "machine": machine(),
            "agents": AGENTS,
            "days": days,
            "calls": days * calls,
            "rows": rows,
            "written_in_seconds": round(wrote, 1),
            "reports": dict(_reports(engine, days)),
            "calls_of_a_figure": _timed(
                engine, lambda session: drill.calls(session, _wanted("queues", days), "answered")
            ),
        }
        engine.dispose()
        return told


def _wanted(about: str, days: int) -> queries.Wanted:
    last = (FIRST + timedelta(days=days - 1)).date()
    return queries.Wanted(*intervals.slots(FIRST.date(), last, ZoneInfo("Europe/Berlin")), about)


def _reports(engine: Engine, days: int) -> Iterator[tuple[str, Any]]:
    teams = {f"agent{number}": f"team{number % 25}" for number in range(AGENTS)}
    zone, now = ZoneInfo("Europe/Berlin"), time.time()
    for about, bys in queries.BY.items():
        for by in bys:

            def read(session: Any, about: str = about, by: str = by) -> dict[Any, figures.Sums]:
                return queries.report(session, _wanted(about, days), by, zone, teams, now)

            yield f"{about} by {by}", _timed(engine, read)


def _timed(engine: Engine, read: Callable[[Any], Any]) -> dict[str, float | int]:
    took = []
    for _ in range(READS):
        began = time.perf_counter()
        with db.read(engine) as session:
            read(session)
        took.append((time.perf_counter() - began) * 1000)
    return spread(took, 0)


def _write(engine: Engine, days: int, calls: int) -> dict[str, int]:
    """How many rows of each kind."""
    dice = random.Random(SEED)
    made: dict[Any, Callable[[datetime], Iterable[Row]]] = {
        QueueVisit: lambda day: _calls(day, calls, dice, _visit),
        AgentOffer: lambda day: _calls(day, calls, dice, _offer),
        AgentWork: lambda day: _calls(day, calls, dice, _work),
        AgentTime: lambda day: _times(day, calls // AGENTS, dice),
    }
    number = dict.fromkeys((table.__tablename__ for table in made), 0)
    for day in (FIRST + timedelta(days=one) for one in range(days)):
        for table, rows in made.items():
            left = iter(rows(day))
            while batch := list(islice(left, WRITE)):
                with db.write(engine) as session:
                    session.execute(insert(table), batch)
                number[table.__tablename__] += len(batch)
    return number


def _calls(
    day: datetime, calls: int, dice: random.Random, rows: Callable[..., Iterator[Row]]
) -> Iterator[Row]:
    opens = day.timestamp() + OPENS * 3600
    for number in range(calls):
        at = opens + number / calls * (CLOSES - OPENS) * 3600
        yield from rows(
            {
                "call_id": f"{day:%j}-{number}",
                "queue": f"queue{dice.randrange(QUEUES)}",
                "slot": visits.slot_of(at),
            },
            datetime.fromtimestamp(at, UTC),
            f"agent{dice.randrange(AGENTS)}",
            dice,
        )


def _visit(named: Row, at: datetime, agent: str, dice: random.Random) -> Iterator[Row]:
    outcome = "answered" if dice.random() < 0.85 else dice.choice(life.OUTCOMES)
    waited = dice.randrange(60_000)
    who = {
        "agent": agent if outcome == "answered" else "",
        "within": outcome == "answered" and waited <= 20_000,
    }
    yield {**named, "offered_at": at, "outcome": outcome, "waited_ms": waited, **who}


def _offer(named: Row, at: datetime, agent: str, dice: random.Random) -> Iterator[Row]:
    outcomes = [dice.choice(figures.OFFERS[1:])] * (dice.random() < 0.2) + ["answered"]
    for number, outcome in enumerate(outcomes):
        yield {
            **named,
            "id": f"{named['call_id']}-{number}",
            "agent": agent,
            "offered_at": at,
            "outcome": outcome,
        }


def _work(named: Row, at: datetime, agent: str, dice: random.Random) -> Iterator[Row]:
    call, queue, slot = named["call_id"], named["queue"], named["slot"]
    talk, wrap_up = dice.randrange(600_000), dice.randrange(60_000)
    yield visits.work(call, agent, "talk", at, queue, slot, first=True, talk_ms=talk, hold_ms=talk // 10)
    yield visits.work(call, agent, "wrap_up", at, queue, slot, wrap_up_ms=wrap_up)
    if dice.random() < 0.05:
        yield visits.work(call, agent, "transfer", at, queue, slot)


def _times(day: datetime, spells: int, dice: random.Random) -> Iterator[Row]:
    """Between one call and the next an agent is free, or on a break."""
    opens, closes = (visits.in_ms(day.timestamp() + hour * 3600) for hour in (OPENS, CLOSES))
    each = (closes - opens) // max(1, spells)
    for agent in range(AGENTS):
        for begin in range(opens, closes, each):
            state = "available" if dice.random() < 0.9 else "break"
            reason = "meal" if state == "break" else ""
            yield from visits.times(f"agent{agent}", state, reason, begin, begin + each // 2)
