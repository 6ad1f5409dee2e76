"""Mail: one notice, one message, sent when its complaint still needs it.

In plain English with the complaint's number and the page's address; the page speaks the reader's language.
"""

import smtplib
import ssl
from datetime import datetime, timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import structlog
from sqlmodel import Session

from callcenter import db, timers
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.tickets.models import Clock, Notice, Ticket
from callcenter.tickets.rules import OPEN
from workers.place import here

log = structlog.get_logger()

TIMEOUT = 4
"""Seconds for each step of the SMTP dialogue."""
AWAY = "mail:away"
"""Store key that lives a while behind a failed connection: other mail does not queue up before the same wall."""
PAUSE = 30
GIVE_UP = timedelta(days=1)
SUBJECTS = {
    1: "three quarters of its time are gone",
    2: "overdue",
    3: "written reminder (催办通知书)",
    4: "under supervision (督办)",
}


def send(notice_id: str, epoch: int) -> None:
    """Send a pending mail; what was settled meanwhile is void. A server that is away is tried again for a day.

    Killed between the server's answer and our commit, the same mail goes out twice: its Message-ID is the same.
    """
    place, now = here(), db.now()
    with db.read(place.engine) as session:
        notice = session.get(Notice, int(notice_id))
        message = _message(session, place.settings, notice) if notice and notice.state == "pending" else None
    if notice is None or notice.state != "pending":
        return
    if message is None:
        _set(notice.id or 0, "void", "", now)
        return
    if place.store.exists(AWAY):
        _later(notice, "the mail server is away", now)
        return
    try:
        _deliver(place.settings, message)
    except smtplib.SMTPRecipientsRefused as error:
        _set(notice.id or 0, "failed", str(error)[:300], now)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("mail waits", error=str(error))
        place.store.set(AWAY, "1", ex=PAUSE)
        _later(notice, str(error)[:300], now)
    else:
        _set(notice.id or 0, "sent", "", now)


def _message(session: Session, settings: Settings, notice: Notice) -> EmailMessage | None:
    """The mail, None when nobody needs it any more: read at the moment of sending."""
    ticket, user = session.get(Ticket, notice.ticket_id), session.get(User, notice.recipient_id)
    clock = session.get(Clock, notice.clock_id) if notice.clock_id else None
    if ticket is None or ticket.state not in OPEN or user is None or not user.active or not user.email:
        return None
    if clock is not None and (clock.state != "running" or clock.epoch != notice.epoch):
        return None
    message = EmailMessage()
    message["Subject"] = f"{ticket.number}: {SUBJECTS.get(notice.level, 'notice')}"
    message["From"], message["To"] = settings.mail_from, user.email
    message["Message-ID"] = f"<notice-{notice.id}@{settings.mail_from.rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no mail loops
    zone = settings.home_zone
    lines = [
        f"{ticket.number} {ticket.type} severity {ticket.severity}",
        ticket.wants or ticket.what_happened,
        "",
        f"Clock: {clock.kind if clock else notice.kind}",
        f"Due: {(clock.due_at if clock else notice.due_at).astimezone(zone).isoformat(timespec='minutes')}",
        f"{settings.pages}/tickets/{ticket.id}",
    ]
    message.set_content("\n".join(lines))
    return message


def _deliver(settings: Settings, message: EmailMessage) -> None:
    """By `smtp://` with STARTTLS when offered, or `smtps://`. Raises OSError, smtplib.SMTPException."""
    url = urlsplit(settings.smtp)
    host, secure = url.hostname or "localhost", url.scheme == "smtps"
    context = ssl.create_default_context()
    server = (
        smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT, context=context)
        if secure
        else smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT)
    )
    with server:
        server.ehlo()
        if not secure and server.has_extn("starttls"):
            server.starttls(context=context)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


def _set(notice_id: int, state: str, error: str, now: datetime) -> None:
    with db.write(here().engine) as session:
        notice = session.get(Notice, notice_id, with_for_update=True)
        if notice is not None and notice.state == "pending":
            notice.state, notice.error = state, error
            notice.sent_at = now if state == "sent" else None
            session.add(notice)


def _later(notice: Notice, error: str, now: datetime) -> None:
    if now - notice.detected_at > GIVE_UP:
        _set(notice.id or 0, "failed", error, now)
        return
    with db.write(here().engine) as session:
        timers.arm(session, "notice", notice.id or 0, now + timedelta(seconds=2 * PAUSE))
