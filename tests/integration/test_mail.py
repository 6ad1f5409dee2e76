"""Mail of a level: sent when the complaint still needs it, once, also behind an outage of the mail server."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import db, stream, timers
from callcenter.settings import Settings
from callcenter.tickets import escalation
from callcenter.tickets.models import Clock, Notice, Ticket
from tests.complaints import House, house
from tests.mailbox import Mailbox, mailbox
from workers import notices, place


@pytest.fixture
def post() -> Iterator[Mailbox]:
    with mailbox() as server:
        yield server


@pytest.fixture
def centre(engine: Engine, settings: Settings, post: Mailbox) -> Iterator[House]:
    mailing = settings.model_copy(update={"smtp": post.url, "mail_from": "hotline@example.com"})
    place.enter(mailing)
    yield house(engine, mailing)
    place.leave()


def escalated(centre: House, severity: int = 2) -> tuple[Ticket, list[Notice]]:
    """A complaint of two days ago, at the instant level 2 of its resolution is due: level 3 is not, at any hour of day."""
    now = db.now()
    ticket = centre.open(now - timedelta(hours=30), severity=severity)
    with db.write(centre.engine) as session:
        clock = session.exec(
            select(Clock).where(Clock.ticket_id == ticket.id, Clock.kind == "resolution")
        ).one()
        made = escalation.fire(session, centre.settings, clock.id or 0, clock.due_at)
    return ticket, [notice for notice in made if notice.channel == "mail"]


def test_urgent_mail_goes_once_to_owner_and_supervisor(centre: House, post: Mailbox) -> None:
    ticket, pending = escalated(centre)
    for notice in pending:
        notices.send(str(notice.id), 1)
        notices.send(str(notice.id), 1)
    assert sorted(str(message["To"]) for message in post.messages) == ["ana@example.com", "sam@example.com"]
    assert all(str(message["Subject"]).startswith(f"{ticket.number}: overdue") for message in post.messages)
    assert "要求退款" in post.messages[0].get_content()


def test_mail_for_a_settled_complaint_is_void(centre: House, post: Mailbox) -> None:
    ticket, pending = escalated(centre)
    with db.write(centre.engine) as session:
        call = session.get(Ticket, ticket.id).call_id or ""  # type: ignore[union-attr]
        centre.desk.withdraw(session, ticket, centre.ana, "no more", call, db.now(), ticket.version)
    notices.send(str(pending[0].id), 1)
    with db.read(centre.engine) as session:
        assert session.get(Notice, pending[0].id).state == "void"  # type: ignore[union-attr]
    assert post.messages == []


def test_a_mail_server_that_is_away_is_tried_again(centre: House, post: Mailbox, store: str) -> None:
    _, pending = escalated(centre)
    deaf = centre.settings.model_copy(update={"smtp": "smtp://127.0.0.1:1"})
    place.enter(deaf)
    for notice in pending:
        notices.send(str(notice.id), 1)
    with db.read(centre.engine) as session:
        assert {session.get(Notice, notice.id).state for notice in pending} == {"pending"}  # type: ignore[union-attr]
        armed = session.exec(
            select(timers.Timer).where(timers.Timer.kind == "notice", timers.Timer.state == "armed")
        ).all()
        assert {timer.ref for timer in armed} == {str(notice.id) for notice in pending}
    with stream.connect(store) as client:
        client.delete(notices.AWAY)
    place.enter(centre.settings)
    for notice in pending:
        notices.send(str(notice.id), 2)
    assert len(post.messages) == len(pending) == 2
