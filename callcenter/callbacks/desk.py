"""Callbacks: owed, dialled when the gate allows it, ended by what the record of calls says.

`follow` is a follower of `tickets.desk.Desk`. All functions take a write session; times are aware.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from callcenter import db, events, timers
from callcenter.callbacks import rules
from callcenter.callbacks.lists import CallbackRow as CallbackRow
from callcenter.callbacks.lists import listing as listing
from callcenter.callbacks.lists import mine as mine
from callcenter.callbacks.models import Callback
from callcenter.calls.models import Call
from callcenter.commands import PlaceCallback
from callcenter.customers import numbers
from callcenter.customers.desk import customer_of
from callcenter.customers.models import Customer
from callcenter.errors import NotFound, Stale, WrongState
from callcenter.events import CallbackChanged
from callcenter.hours.rules import next_day_opening
from callcenter.outbound import attempts
from callcenter.outbound.gate import Verdict, closes, may_call, next_try
from callcenter.outbound.models import Attempt
from callcenter.people import desk as people
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.tickets import journal, queries, timekeeping
from callcenter.tickets.desk import Desk
from callcenter.tickets.models import Ticket
from callcenter.tickets.rules import NotYours

TIMER, KIND = "callback", "callback"
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
        _fulfil(session, ticket, now)
    if ticket.state == "callback_due":
        return
    for callback in _of_ticket(session, ticket):
        state = rules.left(change, callback.state)
        if state:
            callback.outcome = change if callback.state == "talked" else callback.outcome
            _end(session, callback, state, now)


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
    _arm(session, callback, due)
    return callback


def owe_lost(session: Session, settings: Settings, call_id: str, now: datetime) -> Callback | None:
    """A caller whom we lost, or who chose to be rung back, is called by the owner of the open complaint, else by the agent
    who was cut off from the caller, else by whoever serves the queue, at the place that the caller had.

    None when nobody can be called (no number), and when this call or this customer is owed one in this queue already:
    then a number that the customer has chosen since counts.
    """
    call = session.get(Call, call_id, with_for_update=True)
    number = _number_of(call, settings) if call is not None else ""
    if call is None or not number:
        return None
    # A call that we lost before anybody looked at it does not say who rang.
    customer = call.customer_id or customer_of(session, number)
    queue = call.last_queue or call.queue or "default"
    known = _owed(session, call, number, customer, queue)
    if known is not None:
        if call.call_back and known.state == "due" and known.number != number:
            known.number, known.version = number, known.version + 1
            session.add(known)
            _tell(session, known, now)
        return None
    name = (queries.owner_of_open(session, customer) if customer else None) or call.agent
    user = session.exec(select(User).where(User.name == name, User.active)).first() if name else None
    callback = Callback(
        reason="owed",
        call_id=call_id,
        customer_id=customer,
        number=number,
        owner_id=user.id if user else None,
        queue=queue,
        place_at=call.queued_at or call.started_at,
        mode=settings.callback_mode,
        due_at=now,
        counts_from=now,
        created_at=now,
    )
    _arm(session, callback, now)
    return callback


def rang_in(session: Session, event: Any) -> None:
    """A follower of the ledger: who rang in again and was served is not called back for a call before."""
    if not isinstance(event, events.CallFinished) or event.outcome != "answered" or event.kind != "inbound":
        return
    if (
        not (event.caller or event.customer)
        or not event.talk
        or event.owed
        or event.ended_by == event.fault == "us"
    ):
        return
    found = session.exec(
        select(Callback).where(
            _whose(event.caller, event.customer),
            Callback.reason == "owed",
            Callback.state == "due",
            Callback.created_at <= datetime.fromtimestamp(event.answered, UTC),
        )
    )
    for callback in found.all():
        callback.evidence_call = event.call
        _end(session, callback, "fulfilled", datetime.fromtimestamp(event.at, UTC))


def give(session: Session, call_id: str, user: User, now: datetime) -> None:
    """The callback that is owed for a call is this user's to make, while nobody makes it."""
    callback = _owed_for(session, call_id)
    if callback is not None:
        callback.owner_id, callback.version = user.id, callback.version + 1
        session.add(callback)
        _tell(session, callback, now)


def fulfil(session: Session, call_id: str, now: datetime) -> None:
    """What the caller wanted is settled: nobody needs to call any more."""
    callback = _owed_for(session, call_id)
    if callback is not None:
        _end(session, callback, "fulfilled", now)


def start(session: Session, settings: Settings, callback_id: int, now: datetime) -> PlaceCallback | None:
    """Claim one attempt. None when there is nothing to dial now: moved, done, claimed by another, or refused by the gate
    (which is written down, and tried again when it is allowed)."""
    callback, ticket = _hold(session, callback_id)
    if callback is None or callback.state != "due" or callback.due_at > now + EARLY:
        return None
    if callback.reason == "settlement" and not _still_due(ticket, callback):
        _end(session, callback, "cancelled", now)
        return None
    if callback.reason == "owed" and _served_since(session, callback):
        _end(session, callback, "fulfilled", now)
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
    _tell(session, callback, now)
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
    _arm(session, callback, max(due_at, now))
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
    _end(session, callback, "cancelled", now)
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
        caller=_rang_from(session, callback),
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
        _end(session, callback, "done" if end.talked else "cancelled", now)
    elif end.outcome == "rang_in":
        _end(session, callback, "fulfilled", now)
    elif end.talked:
        callback.evidence_call = end.call_id
        _end(session, callback, "talked" if ticket is not None else "done", now)
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
        _arm(session, callback, now + ALL_BUSY)
        return
    called = attempts.called(session, settings, callback.number, callback.customer_id)
    made = attempts.tries(session, KIND, callback.id, callback.counts_from)
    at = next_try(now, called.zone, attempts.rules(settings), made)
    if at is None or attempts.placed(session, KIND, callback.id, callback.counts_from) >= attempts.MOST:
        _give_up(session, callback, ticket, callback.outcome, now)
        return
    callback.state = "due"
    _arm(session, callback, at)


def _refused(
    session: Session, callback: Callback, ticket: Ticket | None, verdict: Verdict, now: datetime
) -> None:
    assert callback.id is not None
    attempts.refuse(session, KIND, callback.id, callback.number, verdict.reason, now)
    if verdict.at is not None:
        _arm(session, callback, verdict.at)
        return
    _give_up(session, callback, ticket, verdict.reason, now)


def _give_up(
    session: Session, callback: Callback, ticket: Ticket | None, outcome: str, now: datetime
) -> None:
    callback.outcome = outcome
    _end(session, callback, "given_up", now)
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


def _arm(session: Session, callback: Callback, due: datetime) -> None:
    callback.due_at, callback.version = due, callback.version + 1
    session.add(callback)
    session.flush()
    timers.arm(session, TIMER, callback.id or 0, due)
    _tell(session, callback, db.now())


def _end(session: Session, callback: Callback, state: str, now: datetime) -> None:
    callback.state, callback.version = state, callback.version + 1
    callback.ended_at = None if state in rules.WAITING else now
    session.add(callback)
    timers.cancel(session, TIMER, callback.id or 0)
    _tell(session, callback, now)


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


def _owed_for(session: Session, call_id: str) -> Callback | None:
    return session.exec(
        select(Callback)
        .where(Callback.reason == "owed", Callback.call_id == call_id, Callback.state == "due")
        .with_for_update()
    ).first()


def _number_of(call: Call, settings: Settings) -> str:
    """Where the caller is rung back, E.164; empty when that is not known."""
    own = "" if call.withheld else numbers.e164(call.caller, settings.country) or ""
    return call.call_back or own


def _whose(caller: str, customer: int | None, *numbers: str) -> Any:
    """Callbacks of who rang from this number, or is this customer; zero and empty when unknown."""
    found: Any = col(Callback.number).in_([one for one in (caller, *numbers) if one])
    if caller:
        found |= col(Callback.call_id).in_(select(Call.id).where(Call.caller == caller))
    return found | (col(Callback.customer_id) == customer) if customer else found


def _owed(session: Session, call: Call, number: str, customer: int | None, queue: str) -> Callback | None:
    """The callback that is open for this customer in this queue, or was made for this call."""
    whose = _whose("" if call.withheld else call.caller, customer, number)
    waiting = col(Callback.state).in_(("due", "dialling")) & (col(Callback.queue) == queue) & whose
    return session.exec(
        select(Callback)
        .where(Callback.reason == "owed", waiting | (col(Callback.call_id) == call.id))
        .with_for_update()
    ).first()


def _served_since(session: Session, callback: Callback) -> bool:
    """Whether the customer has rung in since, and was spoken with."""
    whose: Any = col(Call.caller).in_(
        [one for one in (callback.number, _rang_from(session, callback)) if one]
    )
    if callback.customer_id:
        whose |= col(Call.customer_id) == callback.customer_id
    found = session.exec(
        select(Call.id).where(
            whose,
            Call.kind == "inbound",
            col(Call.evidence),
            col(Call.answered_at) >= callback.created_at,
            ~((col(Call.ended_by) == "us") & (col(Call.fault) == "us")),
        )
    )
    return found.first() is not None


def _rang_from(session: Session, callback: Callback) -> str:
    """The number of the call that it is owed for; empty when it was withheld."""
    call = session.get(Call, callback.call_id) if callback.call_id else None
    return call.caller if call is not None and not call.withheld else ""


def _fulfil(session: Session, ticket: Ticket, now: datetime) -> None:
    """Who rang in and was heard need not be called back."""
    found = session.exec(
        select(Callback).where(
            Callback.reason == "owed", Callback.state == "due", Callback.number == ticket.contact_number
        )
    )
    for callback in found.all():
        _end(session, callback, "fulfilled", now)


def _tell(session: Session, callback: Callback, now: datetime) -> None:
    assert callback.id is not None
    db.tell(
        session,
        CallbackChanged(
            at=now.timestamp(),
            callback=callback.id,
            ticket=callback.ticket_id or 0,
            owner=journal.name_of(session, callback.owner_id),
            state=callback.state,
            due=callback.due_at.timestamp(),
        ),
    )
