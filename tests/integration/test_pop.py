"""The pop: who rings, what happened before, on real databases, every query on an index."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from callcenter import db
from callcenter.callbacks.models import Callback
from callcenter.calls.models import Call
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.people.models import User
from callcenter.recordings.models import Recording
from callcenter.screenpop.lookups import Lookups
from callcenter.screenpop.pop import Caller, lookup, pop
from callcenter.surveys.models import Survey
from callcenter.tickets.models import Clock, Promise, Ticket, TicketEntry
from callcenter.voicemail.models import Message

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LI, SHARED, HAN = "+8613812345678", "+861065529988", "+85291234567"


def add(session: Session, row: Any) -> int:
    session.add(row)
    session.flush()
    number: int = row.id
    return number


def customer(session: Session, name: str, *numbers: str, **more: Any) -> int:
    made = add(session, Customer(name=name, created_at=NOW, **more))
    for number in numbers:
        session.add(CustomerNumber(customer_id=made, e164=number, tail=number[-8:]))
    session.flush()
    return made


def ticket(session: Session, owner: int, number: str, **more: Any) -> int:
    values = {"received_at": NOW - timedelta(hours=1), "created_at": NOW, **more}
    return add(session, Ticket(number=number, owner_id=owner, first_responder_id=owner, **values))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with db.write(engine) as made:
        made.add(User(name="ming", display_name="王明", created_at=NOW))
        made.flush()
        yield made


@pytest.fixture
def ming(session: Session) -> int:
    return session.exec(select(User.id)).one()


def test_a_known_caller_comes_with_everything_the_desk_shows(session: Session, ming: int) -> None:
    li = customer(
        session,
        "李雷",
        LI,
        tier="A",
        organisation="Red Star",
        language="zh_Hans",
        warranty_ends=date(2026, 3, 1),
        contract_ends=date(2026, 3, 2),
    )
    one = ticket(
        session, ming, "T-1", customer_id=li, severity=2, state="in_progress", wants="refund", level=1
    )
    old = ticket(
        session,
        ming,
        "T-0",
        customer_id=li,
        state="closed",
        closed_at=NOW,
        received_at=NOW - timedelta(days=30),
    )
    for kind, minutes, state, met in (
        ("resolution", 90, "running", None),
        ("keep_informed", -5, "breached", None),
        ("first_response", -50, "met", NOW),
    ):
        due = NOW + timedelta(minutes=minutes)
        clock = Clock(
            ticket_id=one, kind=kind, started_at=NOW, target=60, due_at=due, state=state, met_at=met
        )
        session.add(clock)
    add(
        session,
        Promise(ticket_id=one, text="Part on Friday", due_at=NOW - timedelta(hours=1), created_at=NOW),
    )
    add(
        session,
        Callback(reason="settlement", ticket_id=one, number=LI, due_at=NOW, created_at=NOW, counts_from=NOW),
    )
    add(
        session,
        Survey(
            ticket_id=old, number=LI, due_at=NOW, state="answered", score=2, answered_at=NOW, created_at=NOW
        ),
    )
    session.add(
        TicketEntry(ticket_id=one, at=NOW - timedelta(minutes=30), actor="ming", kind="note", text="rang")
    )
    session.add(
        Call(id="c1", caller=LI, customer_id=li, started_at=NOW - timedelta(days=1), agent="ming", talk=61)
    )
    session.add(Call(id="c0", caller=LI, started_at=NOW - timedelta(days=8)))

    shown = pop(session, "138-1234-5678", False, "CN", now=NOW, language="zh_Hans")

    assert (shown.match, shown.number, shown.national) == ("known", LI, "138 1234 5678")
    assert shown.customer is not None
    assert (shown.customer.name, shown.customer.tier, shown.spoken) == ("李雷", "A", "cmn")
    assert (shown.customer.warranty_expired, shown.customer.contract_expired) == (True, False)
    assert (shown.region, shown.zone) == ("江苏省连云港市", "Asia/Shanghai")
    [complaint] = shown.complaints
    assert (complaint.number, complaint.owner_name, complaint.clock) == ("T-1", "王明", "keep_informed")
    assert (complaint.due, complaint.overdue) == (NOW - timedelta(minutes=5), True)
    assert [(promise.text, promise.overdue) for promise in shown.promises] == [("Part on Friday", True)]
    assert [callback.reason for callback in shown.callbacks] == ["settlement"]
    assert [call.id for call in shown.last_calls] == ["c1", "c0"]
    assert (shown.calls_7_days, shown.last_survey and shown.last_survey.score) == (1, 2)
    assert [item.kind for item in shown.timeline] == ["note", "call", "call"]
    assert json.loads(orjson.dumps(shown))["complaints"][0]["number"] == "T-1"


def test_the_warranty_ends_by_the_customers_own_day(session: Session) -> None:
    customer(session, "Li", LI, warranty_ends=date(2026, 3, 1))
    late = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)  # the second of March in Shanghai
    card = pop(session, LI, False, "CN", now=late).customer
    assert card is not None
    assert card.warranty_expired


def test_a_shared_number_asks_with_the_open_complaint_first(session: Session, ming: int) -> None:
    customer(session, "Anna", SHARED, tier="A")
    ben = customer(session, "Ben", SHARED)
    ticket(session, ming, "T-1", customer_id=ben, severity=2)
    shown = pop(session, SHARED, False, "CN", now=NOW)
    assert (shown.match, shown.customer) == ("several", None)
    assert [(choice.name, choice.open_complaints) for choice in shown.choices] == [("Ben", 1), ("Anna", 0)]
    bound = pop(session, SHARED, False, "CN", ben, NOW)
    assert bound.match == "known"
    assert [complaint.number for complaint in bound.complaints] == ["T-1"]
    assert lookup(session, SHARED, "CN") == Caller(0, "", "cmn", "ming", 0)


def test_the_same_last_digits_are_a_guess_that_binds_nobody(session: Session, ming: int) -> None:
    guessed = customer(session, "Li", LI)
    ticket(session, ming, "T-1", customer_id=guessed)
    shown = pop(session, "12345678", False, "CN", now=NOW)
    assert (shown.match, shown.customer, shown.complaints) == ("guess", None, ())
    assert [choice.name for choice in shown.choices] == ["Li"]
    assert lookup(session, "12345678", "CN") == Caller(language="cmn")


def test_an_unknown_caller_keeps_what_was_logged_for_the_number(session: Session, ming: int) -> None:
    assert pop(session, HAN, False, "CN", now=NOW).match == "unknown"
    logged = ticket(session, ming, "T-1", contact_number=HAN)
    shown = pop(session, HAN, False, "CN", now=NOW)
    assert (shown.match, shown.spoken, shown.language) == ("unknown", "yue", "zh_Hant")
    assert [complaint.number for complaint in shown.complaints] == ["T-1"]
    assert lookup(session, HAN, "CN") == Caller(0, "", "yue", "ming", logged)


def test_a_withheld_number_shows_nobody_and_can_be_bound(session: Session) -> None:
    li = customer(session, "Li", LI)
    shown = pop(session, "", True, "CN", now=NOW)
    assert (shown.match, shown.number, shown.customer) == ("withheld", "", None)
    assert lookup(session, "", "CN") == Caller(language="cmn")
    bound = pop(session, "", True, "CN", li, NOW)
    assert (bound.match, bound.withheld, bound.number) == ("known", True, "")


def test_a_customer_who_is_gone_is_not_bound(session: Session) -> None:
    assert pop(session, LI, False, "CN", 999, NOW).match == "unknown"


def test_routing_learns_owner_language_and_tier(session: Session, ming: int) -> None:
    li = customer(session, "Li", LI, tier="B", language="zh_Hans", spoken="yue")
    assert lookup(session, LI, "CN") == Caller(li, "B", "yue", "", 0)
    ticket(session, ming, "T-1", customer_id=li, severity=3)
    worst = ticket(session, ming, "T-2", customer_id=li, severity=1)
    ticket(session, ming, "T-3", customer_id=li, severity=1, state="closed")
    assert lookup(session, "0086 138 1234 5678", "GB") == Caller(li, "B", "yue", "ming", worst)


SMALL = {"user", "CONSTANT"}  # people are few; an empty list is a constant row


def test_a_message_that_nobody_has_settled_is_shown_and_every_one_stands_in_the_timeline(
    session: Session, ming: int
) -> None:
    li = customer(session, "Li", LI)
    other = customer(session, "Han", HAN)
    hour = timedelta(hours=1)
    for place, (number, who, state) in enumerate(
        [(LI, li, "new"), ("", li, "taken"), (LI, None, "done"), (HAN, other, "new"), ("", None, "new")]
    ):
        message(
            session, f"c{place}", number, who, state, NOW - place * hour, ming if state == "taken" else None
        )
    session.add(Recording(id="r-c0", call_id="c0", started_at=NOW, keep_until=NOW, seconds=12.5))
    shown = pop(session, LI, False, "CN", now=NOW)
    assert [(one.call, one.state, one.seconds, one.owner) for one in shown.messages] == [
        ("c0", "new", 12.5, ""),
        ("c1", "taken", 0.0, "ming"),
    ]
    left = [(one.call, one.at) for one in shown.timeline if one.kind == "message"]
    assert left == [(f"c{place}", NOW - place * hour) for place in range(3)]
    assert pop(session, "", True, "CN", now=NOW).messages == ()
    assert [one.call for one in pop(session, "", True, "CN", customer_id=li, now=NOW).messages] == [
        "c0",
        "c1",
    ]


def message(
    session: Session, call: str, number: str, customer: int | None, state: str, at: datetime,
    owner: int | None = None,
) -> None:  # fmt: skip
    row = Message(
        call_id=call, recording_id=f"r-{call}", queue="default", number=number, left_at=at, state=state
    )
    row.customer_id, row.owner_id = customer, owner
    add(session, row)


def test_every_query_of_a_pop_uses_an_index(engine: Engine) -> None:
    """Asked of the planner itself, with the very statements and values that a pop sends."""
    with db.write(engine) as session:
        session.add(User(name="ming", created_at=NOW))
        session.flush()
        owner = session.exec(select(User.id)).one()
        for number in range(3000):
            made = customer(session, f"c{number}", f"+861380000{number:04d}")
            if number % 5 == 0:
                one = ticket(session, owner, f"T-{number}", customer_id=made, contact_number="")
                session.add(Promise(ticket_id=one, text="x", due_at=NOW, created_at=NOW))
                session.add(TicketEntry(ticket_id=one, at=NOW, kind="note"))
                session.add(Clock(ticket_id=one, kind="resolution", started_at=NOW, target=1, due_at=NOW))
                session.add(
                    Callback(
                        reason="settlement",
                        ticket_id=one,
                        customer_id=made,
                        call_id=f"c{number}",
                        number=f"+{number}",
                        due_at=NOW,
                        created_at=NOW,
                        counts_from=NOW,
                    )
                )
                session.add(Survey(ticket_id=one, number="", due_at=NOW, created_at=NOW))
            message(session, f"c{number}", f"+861380000{number:04d}", made, "new", NOW)
            session.add(Recording(id=f"r-c{number}", call_id=f"c{number}", started_at=NOW, keep_until=NOW))
            session.add(
                Call(id=f"c{number}", caller=f"+861380000{number:04d}", customer_id=made, started_at=NOW)
            )
    sent: list[tuple[str, Any]] = []
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()

    def note(_connection: Connection, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        sent.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    with db.read(engine) as session:
        for number in ("+8613800000005", "+8613800009999", "80000005"):
            pop(session, number, False, "CN", now=NOW)
            lookup(session, number, "CN")
    event.remove(engine, "before_cursor_execute", note)

    assert len(sent) > 10
    with engine.connect() as connection:
        scans = {scan for statement, values in sent for scan in full_scans(connection, statement, values)}
    assert scans <= SMALL


def full_scans(connection: Connection, statement: str, values: Any) -> set[str]:
    """Tables that the planner would read whole."""
    prefix = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    plan = connection.exec_driver_sql(prefix + statement, values).all()
    text = "\n".join(str(row[-1]) for row in plan)
    return {
        found.strip('"') for found in re.findall(r"(?:^SCAN|Seq Scan on) (\"?\w+\"?)", text, re.MULTILINE)
    } - {"anon_1"}


def test_a_kept_connection_sees_each_commit_and_is_replaced_when_it_breaks(engine: Engine) -> None:
    opened: list[Any] = []
    event.listen(engine, "checkout", lambda connection, *_: opened.append(connection))
    look_up = Lookups(engine, "CN")
    assert look_up(LI) == Caller(language="cmn")
    with db.write(engine) as session:
        li = customer(session, "Li", LI, tier="B")
    assert look_up(LI).customer == li
    opened[0].close()
    with pytest.raises(DBAPIError):
        look_up(LI)
    assert look_up(LI).customer == li
    look_up.close()
    assert engine.pool.checkedout() == 0
