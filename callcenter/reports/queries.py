"""Sums over the rows of `calls.visits`: by half hour, day, queue, agent or team."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from callcenter.calls import visits
from callcenter.calls.life import OUTCOMES
from callcenter.calls.models import AgentNow, AgentOffer, AgentTime, AgentWork, QueueVisit
from callcenter.people.models import User
from callcenter.reports import intervals
from callcenter.reports.figures import Sums
from callcenter.reports.intervals import SLOTS, Stretch

BY = {"queues": ("half_hour", "day", "queue"), "agents": ("half_hour", "day", "agent", "team")}
"""What a report is about -> what a row of it stands for."""
TIMES = ("available", "break", "paused", "not_ready")
Reader = Callable[[Session, "Wanted", str, Stretch], Iterator[tuple[Any, dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Slots from `begin` up to `end`. `about`: queues (calls that entered one, and what was done for them) | agents (all
    that they did, and when they were free). `queues`, `agents`: of these only, None for all."""

    begin: int
    end: int
    about: str = "queues"
    queues: frozenset[str] | None = None
    agents: frozenset[str] | None = None


def report(
    session: Session, wanted: Wanted, by: str, zone: ZoneInfo, teams: dict[str, str], now: float
) -> dict[Any, Sums]:
    """Sums of each half hour (its beginning, UTC), day, queue, agent or team, in order; only of those that have any.

    `teams`: agent -> team. `now`: seconds since 1970, up to which the time is counted that an agent is in a state now.
    """
    found: dict[Any, Sums] = {}
    for stretch in _stretches(wanted, by, zone):
        place = _place(by, stretch, teams)
        for read in (_visits, _work) if wanted.about == "queues" else (_offers, _work, _times):
            for key, more in read(session, wanted, by, stretch):
                found.setdefault(place(key), Sums()).add(**more)
        for row in _running(session, wanted, stretch, now):
            key = row["agent"] if by in ("agent", "team") else (row["slot"] + stretch.shift) // SLOTS[by]
            found.setdefault(place(key), Sums()).add(**_spent(row["state"], row["reason"], row["ms"]))
    return dict(sorted(found.items()))


def total(rows: dict[Any, Sums]) -> Sums:
    """All rows in one."""
    found = Sums()
    for row in rows.values():
        found.add_all(row)
    return found


def teams(session: Session) -> dict[str, str]:
    """Agent -> the name of the supervisor who leads the team, empty without one."""
    people = {user.id: user for user in session.exec(rows_of(User)).all()}
    return {
        user.name: people[user.supervisor_id].name if user.supervisor_id in people else ""
        for user in people.values()
    }


def narrow(table: Any, query: Any, wanted: Wanted) -> Any:
    """The query for the rows of a table that are wanted."""
    query = query.where(table.slot >= wanted.begin, table.slot < wanted.end)
    if wanted.queues is not None:
        query = query.where(col(table.queue).in_(sorted(wanted.queues)))
    elif wanted.about == "queues":
        query = query.where(table.queue != "")
    if wanted.agents is not None:
        query = query.where(col(table.agent).in_(sorted(wanted.agents)))
    return query


def _stretches(wanted: Wanted, by: str, zone: ZoneInfo) -> list[Stretch]:
    """Only rows that are named by the wall clock ask how it goes."""
    if by in SLOTS:
        return intervals.stretches(wanted.begin, wanted.end, zone)
    return [Stretch(wanted.begin, wanted.end, 0)]


def _place(by: str, stretch: Stretch, teams: dict[str, str]) -> Callable[[Any], Any]:
    match by:
        case "half_hour":
            return stretch.half_hour
        case "day":
            return intervals.day
        case "team":
            return lambda agent: teams.get(agent, "")
    return str


def _key(table: Any, by: str, stretch: Stretch) -> Any:
    if by in SLOTS:
        return (col(table.slot) + stretch.shift) // SLOTS[by]
    return table.queue if by == "queue" else table.agent


def _grouped(
    session: Session, table: Any, wanted: Wanted, by: str, stretch: Stretch, what: Any, sums: list[Any]
) -> Any:
    """Rows of key, `what` (a column, or several) and sums."""
    key = _key(table, by, stretch)
    columns = what if isinstance(what, tuple) else (what,)
    query = narrow(table, select(key, *columns, *sums).select_from(table), wanted)
    return session.execute(
        query.where(table.slot >= stretch.begin, table.slot < stretch.end).group_by(key, *columns)
    )


def _visits(
    session: Session, wanted: Wanted, by: str, stretch: Stretch
) -> Iterator[tuple[Any, dict[str, int]]]:
    inside = func.sum(case((col(QueueVisit.within), 1), else_=0))
    sums = [func.count(), inside, func.sum(col(QueueVisit.waited_ms))]
    for key, outcome, number, within, waited in _grouped(
        session, QueueVisit, wanted, by, stretch, QueueVisit.outcome, sums
    ):
        more = {"offered": number, outcome if outcome in OUTCOMES else "waiting": number}
        if outcome == "answered":
            more |= {"within": int(within), "waited_ms": int(waited)}
        yield key, more


def _offers(
    session: Session, wanted: Wanted, by: str, stretch: Stretch
) -> Iterator[tuple[Any, dict[str, int]]]:
    for key, outcome, number in _grouped(
        session, AgentOffer, wanted, by, stretch, AgentOffer.outcome, [func.count()]
    ):
        yield key, {"offers": number, f"offers_{outcome or 'ringing'}": number}


def _work(
    session: Session, wanted: Wanted, by: str, stretch: Stretch
) -> Iterator[tuple[Any, dict[str, int]]]:
    spent = [col(AgentWork.talk_ms), col(AgentWork.hold_ms), col(AgentWork.wrap_up_ms)]
    past = func.sum(case((col(AgentWork.past), spent[0] + spent[1] + spent[2]), else_=0))
    first = func.sum(case((col(AgentWork.first), 1), else_=0))
    sums = [func.count(), first, past, *(func.sum(one) for one in spent)]
    for key, what, number, begun, untimed, talk, hold, wrap_up in _grouped(
        session, AgentWork, wanted, by, stretch, AgentWork.what, sums
    ):
        yield (
            key,
            {
                "handled": int(begun),
                "transfers": number if what == "transfer" else 0,
                "talk_ms": int(talk),
                "hold_ms": int(hold),
                "wrap_up_ms": int(wrap_up),
                "untimed_ms": int(untimed),
            },
        )


def _times(
    session: Session, wanted: Wanted, by: str, stretch: Stretch
) -> Iterator[tuple[Any, dict[str, Any]]]:
    if wanted.queues is not None:
        return  # an agent is free for all of his queues at once
    what = (AgentTime.state, AgentTime.reason)
    for key, state, reason, spent in _grouped(
        session, AgentTime, wanted, by, stretch, what, [func.sum(col(AgentTime.ms))]
    ):
        if state in TIMES:
            yield key, _spent(state, reason, int(spent))


def _spent(state: str, reason: str, ms: int) -> dict[str, Any]:
    """Time between calls, as `Sums.add` takes it."""
    return {f"{state}_ms": ms} | ({"breaks": {reason: ms}} if state == "break" else {})


def _running(session: Session, wanted: Wanted, stretch: Stretch, now: float) -> list[dict[str, Any]]:
    """What agents are in now, as the rows that will be written when it ends."""
    if wanted.about == "queues" or wanted.queues is not None:
        return []
    query = rows_of(AgentNow).where(col(AgentNow.state).in_(TIMES))
    rows = (
        row
        for one in session.exec(query).all()
        if wanted.agents is None or one.agent in wanted.agents
        for row in visits.times(one.agent, one.state, one.reason, one.since_ms, visits.in_ms(now))
    )
    return [row for row in rows if stretch.begin <= row["slot"] < stretch.end]
