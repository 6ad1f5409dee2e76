"""Surveys in lists: who was asked, what the answer was, and how they come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from callcenter.customers.models import Customer
from callcenter.errors import InvalidInput, NotFound
from callcenter.people.models import User
from callcenter.surveys import rules
from callcenter.surveys.models import Survey
from callcenter.tickets.models import Ticket

STATES = ("due", "dialling", "answered", "given_up", "cancelled")


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """A survey in a list."""

    id: int
    ticket: int
    ticket_number: str
    cycle: int
    customer_id: int | None
    customer_name: str
    number: str
    agent: str
    language: str
    state: str
    outcome: str
    score: int
    due_at: datetime
    answered_at: datetime | None
    attempts: int
    call_id: str
    closing_call: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Over a whole selection. `mean`: sum of the scores / answered, None without an answer; `scores[s]`: how many gave s."""

    count: int
    answered: int
    mean: float | None
    scores: dict[int, int]


def listing(session: Session, state: str = "", limit: int = 200) -> list[SurveyRow]:
    """All surveys, or those in one state, the newest first."""
    return _rows(session, [col(Survey.state) == state] if state else [], limit)


def page(
    session: Session, state: str = "", score: str = "", agent: str = "", after: str = "", limit: int = 50
) -> tuple[list[SurveyRow], str]:
    """One page, the newest first, found by key; and what to give as `after` for the next one, empty on the last.

    `score`: `1` to `5`, or `low` for those that reopen a complaint. Raises InvalidInput.
    """
    which = _which(session, state, score, agent)
    if after:
        if not after.isdecimal():
            raise InvalidInput(after="is no end of a page")
        which.append(col(Survey.id) < int(after))
    rows = _rows(session, which, limit + 1)
    return rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else ""


def figures(session: Session, state: str = "", score: str = "", agent: str = "") -> Figures:
    """What the selection comes to. Raises InvalidInput."""
    grouped: Any = select(col(Survey.score), func.count()).where(*_which(session, state, score, agent))
    counted = {int(key): int(number) for key, number in session.execute(grouped.group_by(Survey.score))}
    scores = {key: counted.get(key, 0) for key in rules.SCORES}
    answered = sum(scores.values())
    total = sum(key * number for key, number in scores.items())
    return Figures(sum(counted.values()), answered, total / answered if answered else None, scores)


def find(session: Session, survey_id: int) -> SurveyRow:
    """One survey as lists show it. Raises NotFound."""
    found = _rows(session, [col(Survey.id) == survey_id], 1)
    if not found:
        raise NotFound
    return found[0]


def _which(session: Session, state: str, score: str, agent: str) -> list[Any]:
    which: list[Any] = []
    if state and state not in STATES:
        raise InvalidInput(state=", ".join(STATES))
    if state:
        which.append(col(Survey.state) == state)
    if score == "low":
        which.append(col(Survey.score).between(1, rules.LOW))
    elif score.isdecimal() and int(score) in rules.SCORES:
        which.append(col(Survey.score) == int(score))
    elif score:
        raise InvalidInput(score="1 to 5, or low")
    if agent:
        user = session.exec(select(User.id).where(User.name == agent)).first()
        which.append(col(Survey.agent_id) == (user or 0))
    return which


def _rows(session: Session, which: Sequence[Any], limit: int) -> list[SurveyRow]:
    agent = aliased(User)
    columns: Any = select(Survey, Ticket.number, Customer.name, agent.name)
    rows = session.execute(
        columns.join(Ticket, col(Ticket.id) == Survey.ticket_id)
        .outerjoin(Customer, col(Customer.id) == Survey.customer_id)
        .outerjoin(agent, agent.id == Survey.agent_id)
        .where(*which)
        .order_by(col(Survey.id).desc())
        .limit(limit)
    )
    return [_row(*found) for found in rows]


def _row(survey: Survey, number: str, customer: str | None, agent: str | None) -> SurveyRow:
    assert survey.id is not None
    return SurveyRow(
        id=survey.id,
        ticket=survey.ticket_id,
        ticket_number=number,
        cycle=survey.cycle,
        customer_id=survey.customer_id,
        customer_name=customer or "",
        number=survey.number,
        agent=agent or "",
        language=survey.language,
        state=survey.state,
        outcome=survey.outcome,
        score=survey.score,
        due_at=survey.due_at,
        answered_at=survey.answered_at,
        attempts=survey.attempts,
        call_id=survey.call_id,
        closing_call=survey.closing_call,
    )
