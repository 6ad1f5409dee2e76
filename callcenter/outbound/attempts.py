"""Attempts as rows: refused by the gate, claimed before the command leaves, ended once, never dialled twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import Session, col, select

from callcenter import events, timers
from callcenter.calls.models import Call, CallEvent
from callcenter.customers import numbers
from callcenter.customers.models import Customer
from callcenter.ids import new_id
from callcenter.outbound.gate import Rules
from callcenter.outbound.models import Attempt, DoNotCall
from callcenter.settings import SPOKEN, Settings

TIMER = "attempt"
LOST_AFTER = timedelta(seconds=100)
"""Without a sign by then the command is lost: the conductor does not follow one that is older than a minute."""
LOOK_AGAIN = timedelta(seconds=60)
LONGEST = timedelta(hours=4)
"""A conversation that has no end by then is not waited for any longer."""
MOST = 12
"""Attempts placed in one round, whatever came of them: our own faults leave nobody in a loop."""


@dataclass(frozen=True, slots=True)
class Called:
    """What is known of the called party. `language` is spoken: en, cmn or yue."""

    zone: ZoneInfo
    do_not_call: bool
    language: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended. `talked`: an agent and the customer really spoke. `talk` in seconds."""

    outcome: str
    call_id: str
    talk: float
    talked: bool
    fault: str = "nobody"
    code: int = 0


def rules(settings: Settings, cap: int | None = None) -> Rules:
    """The gate's rules of this installation; `cap` where one subject has its own."""
    opens, closes = (int(part[:2]) * 60 + int(part[3:]) for part in settings.outbound_hours.split("-"))
    return Rules(
        opens,
        closes,
        cap or settings.outbound_attempts,
        settings.outbound_gap,
        settings.destinations,
        days=settings.clock_scale == 1.0,
    )


def called(session: Session, settings: Settings, number: str, customer_id: int | None) -> Called:
    """Zone of the customer's record, else of the number, else the centre's; whether a machine may call at all."""
    customer = session.get(Customer, customer_id) if customer_id is not None else None
    refused = session.get(DoNotCall, number) is not None or bool(customer and customer.do_not_call)
    zone = (customer.zone if customer else "") or numbers.zone(number) or settings.zone
    spoken = (customer.spoken or SPOKEN.get(customer.language, "")) if customer else ""
    return Called(ZoneInfo(zone), refused, spoken or numbers.spoken(number, settings.country))


def refuse(session: Session, kind: str, ref: int, number: str, reason: str, now: datetime) -> Attempt:
    """Write down what the gate refused."""
    attempt = Attempt(
        id=new_id(),
        kind=kind,
        ref=ref,
        number=number,
        state="refused",
        reason=reason,
        created_at=now,
        ended_at=now,
    )
    session.add(attempt)
    return attempt


def claim(session: Session, kind: str, ref: int, number: str, now: datetime) -> Attempt:
    """An attempt that may be dialled once; a timer looks what became of it."""
    attempt = Attempt(id=new_id(), kind=kind, ref=ref, number=number, created_at=now)
    session.add(attempt)
    session.flush()
    timers.arm(session, TIMER, attempt.id, now + LOST_AFTER)
    return attempt


def dialled(session: Session, attempt_id: str) -> None:
    """The command is in the stream."""
    session.execute(
        update(Attempt)
        .where(col(Attempt.id) == attempt_id, col(Attempt.state) == "claimed")
        .values(state="dialled")
    )


def hold(session: Session, attempt_id: str) -> Attempt | None:
    """The attempt, locked, while its end is not written; None otherwise: an end is written once."""
    attempt = session.get(Attempt, attempt_id, populate_existing=True, with_for_update=True)
    return attempt if attempt is not None and attempt.state in ("claimed", "dialled") else None


def live(session: Session, kind: str, ref: int) -> Attempt | None:
    """The attempt of a subject that has not ended."""
    found = select(Attempt).where(
        Attempt.kind == kind, Attempt.ref == ref, col(Attempt.state).in_(("claimed", "dialled"))
    )
    return session.exec(found.order_by(col(Attempt.created_at).desc())).first()


def ending(session: Session, attempt: Attempt) -> Ending | None:
    """How the attempt ended, from the record of calls; None while that is not known."""
    call = session.exec(
        select(Call).where(Call.attempt == attempt.id).order_by(col(Call.started_at).desc())
    ).first()
    told = _told(session, attempt, call)
    if told is None and (call is None or call.ended_at is None):
        return None
    outcome = told.outcome if told else call.outcome if call else ""
    talk = told.talk if told else call.talk if call else 0.0
    talked = call.evidence if call is not None and call.ended_at else outcome == "conversation" and talk > 0
    return Ending(
        outcome=outcome,
        call_id=call.id if call else "",
        talk=talk,
        talked=talked,
        fault=told.fault if told else call.fault if call else "nobody",
        code=told.code if told else call.code if call else 0,
    )


def finish(session: Session, attempt: Attempt, end: Ending, now: datetime) -> None:
    """Write the end; its timer has nothing more to look after."""
    attempt.state, attempt.outcome, attempt.fault, attempt.code = "ended", end.outcome, end.fault, end.code
    attempt.call_id, attempt.talk, attempt.ended_at = end.call_id, end.talk, now
    session.add(attempt)
    timers.cancel(session, TIMER, attempt.id)


def forget(session: Session, attempt: Attempt, now: datetime) -> None:
    """Its end was never learned: `unknown`. It will not be dialled again; another one follows behind the gap."""
    attempt.state, attempt.outcome, attempt.ended_at = "unknown", "unknown", now
    session.add(attempt)
    timers.cancel(session, TIMER, attempt.id)


def lives(session: Session, attempt: Attempt, seen: bool, now: datetime) -> bool:
    """Whether to look again later: `seen` on the board, or in a conversation that has not ended."""
    call = session.exec(select(Call).where(Call.attempt == attempt.id)).first()
    talks = call is not None and call.ended_at is None
    return (seen or talks) and now - attempt.created_at < LONGEST


def tries(session: Session, kind: str, ref: int, since: datetime) -> list[datetime]:
    """When the called party may have been rung for this subject: refusals and our own faults do not count."""
    rows = session.execute(
        select(Attempt.created_at).where(
            Attempt.kind == kind,
            Attempt.ref == ref,
            Attempt.created_at >= since,
            col(Attempt.state).not_in(("refused", "claimed", "dialled")),
            col(Attempt.outcome).not_in(("no_agent", "cancelled")),
        )
    )
    return sorted(at for (at,) in rows)


def of(session: Session, kind: str, ref: int) -> list[Attempt]:
    """Every attempt for one subject with what the gate refused, the newest first."""
    found = select(Attempt).where(Attempt.kind == kind, Attempt.ref == ref)
    return list(session.exec(found.order_by(col(Attempt.created_at).desc(), col(Attempt.id).desc())))


def placed(session: Session, kind: str, ref: int, since: datetime) -> int:
    """How many attempts were placed at all."""
    found = select(Attempt.id).where(
        Attempt.kind == kind, Attempt.ref == ref, Attempt.created_at >= since, Attempt.state != "refused"
    )
    return len(session.exec(found).all())


def _told(session: Session, attempt: Attempt, call: Call | None) -> events.AttemptEnded | None:
    keys = (attempt.id, call.id) if call else (attempt.id,)
    row = session.exec(
        select(CallEvent).where(col(CallEvent.call_id).in_(keys), CallEvent.type == "AttemptEnded")
    ).first()
    found = events.public.decode(row.body) if row else None
    return found if isinstance(found, events.AttemptEnded) and found.attempt == attempt.id else None
