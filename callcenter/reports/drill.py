"""The calls behind a figure: those whose rows it was summed from."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlmodel import Session, col

from callcenter.calls.life import OUTCOMES
from callcenter.calls.models import AgentOffer, AgentWork, QueueVisit
from callcenter.errors import InvalidInput
from callcenter.reports import figures
from callcenter.reports.queries import Wanted, narrow

OFFERS = {"offers": None, "offers_ringing": "", **{f"offers_{one}": one for one in figures.OFFERS}}
WORK = {"handled": "talk", "talk": "talk", "wrap_up": "wrap_up", "transfers": "transfer"}
FIGURES = ("offered", *OUTCOMES, "waiting", "within", *OFFERS, *WORK)
"""Figures that lead to calls."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A call as a figure counts it, at the time of that offer or end. `outcome`: in the queue, of the offer to an agent,
    or what the agent did. `seconds`: its wait in the queue; or talk and hold, or wrap-up, of the agent."""

    call: str
    at: datetime
    queue: str
    agent: str
    outcome: str
    seconds: float


def calls(
    session: Session, wanted: Wanted, figure: str, after: str = "", limit: int = 50
) -> tuple[list[Counted], str, int]:
    """One page, the newest first; what to give as `after` for the next one, empty on the last; and how many in all.

    Raises InvalidInput.
    """
    table, at, shown = _shown(figure)
    query = narrow(table, _only(select(*shown), table, figure), wanted)
    number = narrow(table, _only(select(func.count()).select_from(table), table, figure), wanted)
    key = (at, col(table.call_id), col(table.agent), col(table.queue))
    if after:
        query = query.where(tuple_(*key) < tuple_(*_parsed(after)))
    rows = session.execute(query.order_by(*(one.desc() for one in key)).limit(limit + 1)).all()
    found = [_counted(*row) for row in rows[:limit]]
    last = found[-1] if len(rows) > limit else None
    following = f"{last.at.isoformat()}~{last.call}~{last.agent}~{last.queue}" if last else ""
    return found, following, int(session.execute(number).scalar_one())


def _counted(call: str, at: datetime, queue: str, agent: str, outcome: str, *spent: int) -> Counted:
    return Counted(call, at, queue, agent, outcome, sum(spent) / 1000)


def _shown(figure: str) -> tuple[Any, Any, list[Any]]:
    if figure in OFFERS:
        table: Any = AgentOffer
        at, more = col(table.offered_at), [table.outcome]
    elif figure in WORK:
        table = AgentWork
        at, more = col(table.at), [table.what, table.talk_ms, table.hold_ms, table.wrap_up_ms]
    elif figure in FIGURES:
        table = QueueVisit
        at, more = col(table.offered_at), [table.outcome, table.waited_ms]
    else:
        raise InvalidInput(figure=f"is none that leads to calls; there are {', '.join(FIGURES)}")
    return table, at, [table.call_id, at, table.queue, table.agent, *more]


def _only(query: Any, table: Any, figure: str) -> Any:
    if figure in WORK:
        query = query.where(table.what == WORK[figure])
        return query.where(col(table.first).is_(True)) if figure == "handled" else query
    if figure in OFFERS:
        return query if OFFERS[figure] is None else query.where(table.outcome == OFFERS[figure])
    if figure == "within":
        return query.where(col(table.within).is_(True))
    if figure == "offered":
        return query
    return query.where(table.outcome == ("" if figure == "waiting" else figure))


def _parsed(after: str) -> tuple[datetime, str, str, str]:
    try:
        at, call, agent, queue = after.replace(" ", "+").split("~")
        found = datetime.fromisoformat(at)
    except ValueError:
        raise InvalidInput(after="is no end of a page") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)), call, agent, queue
