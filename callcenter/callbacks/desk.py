"""Callbacks: owed, dialled when the gate allows it, ended by what the record of calls says.

`follow` is a follower of `tickets.desk.Desk`. All functions take a write session; times are aware.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from callcenter.callbacks import owed, rules, states
from callcenter.callbacks.lists import CallbackRow as CallbackRow
from callcenter.callbacks.lists import listing as listing
from callcenter.callbacks.lists import mine as mine
from callcenter.callbacks.models import Callback
from callcenter.commands import PlaceCallback
from callcenter.customers.models import Customer
from callcenter.errors import NotFound, Stale, WrongState
from callcenter.hours.rules import next_day_opening
from callcenter.outbound import attempts
from callcenter.outbound.gate import Verdict, closes, may_call, next_try
from callcenter.outbound.models import Attempt
from callcenter.people import desk as people
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.tickets import journal, timekeeping
from callcenter.tickets.desk import Desk
from callcenter.tickets.models import Ticket
from callcenter.tickets.rules import NotYours

KIND = "callback"
ALL_BUSY = timedelta(seconds=30)
"""Until a caller who is owed a callback stands in the queue again, when all agents were busy."""
AGENTS_WITHIN = timedelta(days=1)
"""After which an owed callback that no agent took follows the usual rule."""
EARLY = timedelta(seconds=1)
"""A job that comes before its callback is due belongs to a time that was moved."""


def follow(session: Session, settings: Settings, ticket: Ticket, change: str, now: datetime) -> None:
    """What a change of a complaint means here: an answer is reported, or there is nothing left to call about."""
    if change == "reported":
        owe_settlement(session, settings, ticket, now)
        return
    if change == "opened" and ticket.contact_number:
        owed.heard(session, ticket, now)
    if ticket.state == "callback_due":
        return
    for callback in _of_ticket(session, ticket):
        state = rules.left(change, callback.state)
        if state:
            callback.outcome = change if callback.state == "talked" else callback.outcome
            states.end(session, callback, state, now)


def owe_settlement(session: Session, settings: Settings, ticket: Ticket, now: datetime) -> Callback:
    """The answer is to be told: the next working day at opening, or after `callback_delay` seconds when that is set."""
    if settings.callback_delay > 0:
        due = now + timedelta(seconds=settings.callback_delay)
    else:
        due = next_day_opening(timekeeping.hours_of(session, settings, "office"), now)
    callback = Callback(
        reason="settlement",
        ticket_id=ticket.id,
        cycle=ticket.cycle,
        customer_id=ticket.customer_id,
        number=ticket.contact_number,
        owner_id=ticket.owner_id,
        mode=settings.callback_mode,
        due_at=due,
        counts_from=now,
        created_at=now,
    )
    states.arm(session, callback, due)
    return callback


def start(session: Session, settings: Settings, callback_id: int, now: datetime) -> PlaceCallback | None:
    """Claim one attempt. None when there is nothing to dial now: moved, done, claimed by another, or refused by the gate
    (which is written down, and tried again when it is allowed)."""
    callback, ticket = _hold(session, callback_id)
    if callback is None or callback.state != "due" or callback.due_at > now + EARLY:
        return None
    if callback.reason == "settlement" and not _still_due(ticket, callback):
        states.end(session, callback, "cancelled", now)
        return None
    if callback.reason == "owed" and owed.served_since(session, callback):
        states.end(session, callback, "fulfilled", now)
        return None
    called = attempts.called(session, settings, callback.number, callback.customer_id)
    made = attempts.tries(session, KIND, callback_id, callback.counts_from)
    verdict = may_call(
        callback.number,
        now,
        called.zone,
        attempts.rules(settings),
        do_not_call=called.do_not_call,
        attempts=len(made),
    )
    if not verdict.allowed:
        _refused(session, callback, ticket, verdict, now)
        return None
    attempt = attempts.claim(session, KIND, callback_id, callback.number, now)
    callback.state, callback.attempts = "dialling", callback.attempts + 1
    states.tell(session, callback, now)
    return _command(session, settings, callback, attempt, called, now)


def ended(session: Session, desk: Desk, attempt_id: str, now: datetime) -> bool:
    """Settle what an attempt led to; whether it was settled now. False while its end is not known, and behind it."""
    attempt = attempts.hold(session, attempt_id)
    end = attempts.ending(session, attempt) if attempt else None
    if attempt is None or end is None:
        return False
    attempts.finish(session, attempt, end, now)
    _settle(session, desk, attempt, end, now)
    return True


def lost(session: Session, desk: Desk, attempt_id: str, now: datetime) -> None:
    """The end of an attempt was never learned: another one follows behind the gap."""
    attempt = attempts.hold(session, attempt_id)
    if attempt is not None:
        attempts.forget(session, attempt, now)
        _settle(session, desk, attempt, attempts.Ending("unknown", "", 0.0, False, "us"), now)


def reschedule(
    session: Session,
    callback_id: int,
    by: User,
    due_at: datetime,
    now: datetime,
    version: int | None,
) -> Callback:
    """Another time, chosen with the customer; in the past: now. One that was given up begins a new round."""
    callback = _take(session, callback_id, by, version)
    if callback.state == "given_up":
        callback.counts_from = now
    callback.state, callback.ended_at, callback.outcome = "due", None, ""
    states.arm(session, callback, max(due_at, now))
    return callback


def under_way(session: Session, callback_id: int, by: User, version: int | None) -> str:
    """The attempt that is to be called off before a callback is moved or cancelled; empty when none is under way.

    Raises NotFound, Stale, NotYours, WrongState.
    """
    _take(session, callback_id, by, version)
    live = attempts.live(session, KIND, callback_id)
    return live.id if live is not None else ""


def cancel(session: Session, callback_id: int, by: User, now: datetime, version: int | None) -> Callback:
    """No call after all; a complaint whose answer was reported stays CALLBACK_DUE until its owner decides.

    One that is under way is called off by the conductor (`commands.CancelAttempt`); a conversation goes on, and counts.
    """
    callback = _take(session, callback_id, by, version)
    states.end(session, callback, "cancelled", now)
    return callback


def _command(
    session: Session,
    settings: Settings,
    callback: Callback,
    attempt: Attempt,
    called: attempts.Called,
    now: datetime,
) -> PlaceCallback:
    """A settlement is its owner's to tell; who is owed a callback stands in the queue, and goes to the owner first."""
    owner = session.get(User, callback.owner_id) if callback.owner_id else None
    name = owner.name if owner and owner.active else ""
    stands = callback.place_at is not None
    customer = session.get(Customer, callback.customer_id) if callback.customer_id else None
    return PlaceCallback(
        attempt=attempt.id,
        callback=attempt.ref,
        number=callback.number,
        agent="" if stands else name,
        mode=callback.mode,
        ticket=callback.ticket_id or 0,
        customer=callback.customer_id or 0,
        language=called.language,
        queue=callback.queue or "default",
        since=callback.place_at.timestamp() if callback.place_at else 0.0,
        owner=name if stands else "",
        caller=owed.rang_from(session, callback),
        tier=customer.tier if customer else "",
        until=closes(now, called.zone, attempts.rules(settings)).timestamp(),
    )


def _settle(session: Session, desk: Desk, attempt: Attempt, end: attempts.Ending, now: datetime) -> None:
    callback, ticket = _hold(session, attempt.ref)
    if callback is None:
        return
    if ticket is not None and ticket.id is not None:
        data = {"outcome": end.outcome, "attempt": attempt.id, "callback": callback.id, "talk": end.talk}
        desk.record(session, ticket.id, "callback", now, call_id=end.call_id, data=data, informed=end.talked)
    if callback.state != "dialling" and not (end.talked and callback.state in ("due", "cancelled")):
        return  # (Who was put off, or needed no call any more, while somebody was through already, was spoken with.)
    callback.outcome = end.outcome
    if callback.reason == "settlement" and not _still_due(ticket, callback):
        states.end(session, callback, "done" if end.talked else "cancelled", now)
    elif end.outcome == "rang_in":
        states.end(session, callback, "fulfilled", now)
    elif end.talked:
        callback.evidence_call = end.call_id
        states.end(session, callback, "talked" if ticket is not None else "done", now)
    else:
        _again(session, desk.settings, callback, ticket, now)


def _again(
    session: Session, settings: Settings, callback: Callback, ticket: Ticket | None, now: datetime
) -> None:
    """Retry by rule, or give up: then it is the owner's again."""
    assert callback.id is not None
    if (
        callback.reason == "owed"
        and callback.outcome == "no_agent"
        and now < callback.created_at + AGENTS_WITHIN
    ):
        callback.state = "due"
        states.arm(session, callback, now + ALL_BUSY)
        return
    called = attempts.called(session, settings, callback.number, callback.customer_id)
    made = attempts.tries(session, KIND, callback.id, callback.counts_from)
    at = next_try(now, called.zone, attempts.rules(settings), made)
    if at is None or attempts.placed(session, KIND, callback.id, callback.counts_from) >= attempts.MOST:
        _give_up(session, callback, ticket, callback.outcome, now)
        return
    callback.state = "due"
    states.arm(session, callback, at)


def _refused(
    session: Session, callback: Callback, ticket: Ticket | None, verdict: Verdict, now: datetime
) -> None:
    assert callback.id is not None
    attempts.refuse(session, KIND, callback.id, callback.number, verdict.reason, now)
    if verdict.at is not None:
        states.arm(session, callback, verdict.at)
        return
    _give_up(session, callback, ticket, verdict.reason, now)


def _give_up(
    session: Session, callback: Callback, ticket: Ticket | None, outcome: str, now: datetime
) -> None:
    callback.outcome = outcome
    states.end(session, callback, "given_up", now)
    if ticket is None:
        return
    journal.write(
        session,
        ticket,
        "callback_given_up",
        "",
        "system",
        now,
        data={"callback": callback.id, "outcome": outcome},
    )
    journal.notify(session, ticket, "callback", {ticket.owner_id}, now)


def _take(session: Session, callback_id: int, by: User, version: int | None) -> Callback:
    callback = session.get(Callback, callback_id, populate_existing=True, with_for_update=True)
    if callback is None:
        raise NotFound
    if version is not None and callback.version != version:
        raise Stale
    if callback.owner_id not in (None, by.id) and not people.steers(
        session, by, "callbacks.steer", callback.queue, callback.owner_id
    ):
        raise NotYours
    if callback.state not in rules.MOVABLE:
        raise WrongState
    return callback


def _hold(session: Session, callback_id: int) -> tuple[Callback | None, Ticket | None]:
    """The callback with its complaint, both locked: the complaint first, as everybody does who changes one."""
    found = session.get(Callback, callback_id)
    if found is None:
        return None, None
    ticket = journal.hold(session, found.ticket_id) if found.ticket_id is not None else None
    return session.get(Callback, callback_id, populate_existing=True, with_for_update=True), ticket


def _still_due(ticket: Ticket | None, callback: Callback) -> bool:
    return ticket is not None and ticket.state == "callback_due" and ticket.cycle == callback.cycle


def _of_ticket(session: Session, ticket: Ticket) -> list[Callback]:
    return list(
        session.exec(
            select(Callback).where(
                Callback.ticket_id == ticket.id,
                Callback.reason == "settlement",
                col(Callback.state).in_(rules.WAITING),
            )
        )
    )
