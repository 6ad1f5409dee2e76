"""Complaints and their clocks."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import JSON, Field, SQLModel, UniqueConstraint

from callcenter.db import UtcDateTime
from callcenter.tickets.rules import OPEN as OPEN  # read with the rows by other slices

_IS_OPEN = text(f"state IN ({', '.join(repr(state) for state in OPEN)})")


class Numbering(SQLModel, table=True):
    """The last number given out, by name. Its row's lock makes numbers unique under concurrency on either database."""

    name: str = Field(primary_key=True)
    last: int


class Ticket(SQLModel, table=True):
    """A complaint. `first_responder_id` never changes; `owner_id` is the one accountable user while it is open."""

    # With the state inside, a planner without statistics does not walk every open complaint for one caller.
    __table_args__ = (
        Index("ix_ticket_customer_state", "customer_id", "state"),
        Index("ix_ticket_contact_state", "contact_number", "state"),
        Index("ix_ticket_owner_state", "owner_id", "state"),
        Index("ix_ticket_open_due", "due_at", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
    )

    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(unique=True)
    kind: str = "complaint"
    type: str = ""
    region: str = ""
    severity: int = 3
    """1 emergency, 2 severe, 3 normal, 4 low."""
    what_happened: str = ""
    wants: str = ""
    state: str = Field(default="registered", index=True)
    cycle: int = 1
    customer_id: int | None = Field(default=None, foreign_key="customer.id")
    contact_number: str = ""
    call_id: str | None = Field(default=None, index=True)
    """The call in which it was logged; at most one complaint is logged twice by mistake: see `token`."""
    token: str | None = Field(default=None, unique=True)
    """Chosen by the form: sending it twice opens one complaint."""
    first_responder_id: int = Field(foreign_key="user.id")
    owner_id: int = Field(foreign_key="user.id")
    acting_id: int | None = Field(default=None, foreign_key="user.id", index=True)
    acting_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer: str = ""
    """The settlement that is proposed to the customer."""
    cosigned_by_id: int | None = Field(default=None, foreign_key="user.id")
    """The supervisor who agreed to the answer of a severe one."""
    reported_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the owner reported back in this cycle: only a later conversation is evidence."""
    received_at: datetime = Field(sa_type=UtcDateTime, index=True)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Of the running resolution clock; empty while it is paused and behind the end."""
    wake_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    evidence_call: str = ""
    level: int = 0
    """Highest escalation level of this cycle, 0-4."""
    score: int = 0
    """Of the last survey; 0 when none was answered."""
    linked_to: int | None = Field(default=None, foreign_key="ticket.id")
    """The complaint that came back as this one when it was too old to be reopened."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class TicketWord(SQLModel, table=True):
    """The search index: one row for each word or pair of Chinese characters in a complaint (see `search`)."""

    __table_args__ = {"sqlite_with_rowid": False}

    word: str = Field(primary_key=True)
    ticket_id: int = Field(primary_key=True, foreign_key="ticket.id")


class TicketEntry(SQLModel, table=True):
    """The timeline; append only. `kind`: opened, note, call, state, notice, callback, survey, promise, reopened ..."""

    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = Field(foreign_key="ticket.id", index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = ""
    kind: str
    text: str = ""
    call_id: str = ""
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Promise(SQLModel, table=True):
    """Something told to the customer with a time. `state`: open | kept | broken."""

    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = Field(foreign_key="ticket.id", index=True)
    text: str
    due_at: datetime = Field(sa_type=UtcDateTime)
    state: str = "open"
    created_at: datetime = Field(sa_type=UtcDateTime)


class Policy(SQLModel, table=True):
    """Targets in seconds of working time of `calendar` for one severity."""

    severity: int = Field(primary_key=True)
    first_response: float
    keep_informed: float
    resolution: float
    calendar: str = "always"
    version: int = 1


class Clock(SQLModel, table=True):
    """`kind`: first_response | keep_informed | resolution. `state`: running | paused | met | breached | cancelled.

    `epoch` grows when the target moves. A finished clock is immutable; `policy` is its snapshot. `elapsed_before`:
    seconds carried over from earlier cycles.
    """

    __table_args__ = (UniqueConstraint("ticket_id", "cycle", "kind"),)

    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = Field(foreign_key="ticket.id", index=True)
    cycle: int = 1
    kind: str
    state: str = "running"
    epoch: int = 1
    level: int = 0
    """Highest level fired in this epoch."""
    started_at: datetime = Field(sa_type=UtcDateTime)
    target: float
    due_at: datetime = Field(sa_type=UtcDateTime)
    provisional: bool = False
    elapsed_before: float = 0.0
    met_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    breached_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    breach_reason: str = ""
    policy: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class ClockSegment(SQLModel, table=True):
    """A stretch of a clock's life: running or paused, with the reason. The elapsed time is derived from these."""

    id: int | None = Field(default=None, primary_key=True)
    clock_id: int = Field(foreign_key="clock.id", index=True)
    state: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""


class Notice(SQLModel, table=True):
    """To one recipient, once. `due_at` is when it should have gone, `detected_at` when the sweep saw it."""

    __table_args__ = (UniqueConstraint("clock_id", "epoch", "level", "recipient_id", "channel"),)

    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = Field(foreign_key="ticket.id", index=True)
    clock_id: int | None = Field(default=None, foreign_key="clock.id")
    """Empty for a notice that no clock caused: `kind` says what did."""
    kind: str = "clock"
    """clock | callback (given up) | survey (a low score) | wake (the waiting is over)."""
    epoch: int
    level: int
    recipient_id: int = Field(foreign_key="user.id", index=True)
    channel: str
    """page | mail."""
    state: str = "pending"
    """pending | sent | read | coalesced | failed | void (the complaint was settled meanwhile)."""
    due_at: datetime = Field(sa_type=UtcDateTime)
    detected_at: datetime = Field(sa_type=UtcDateTime)
    late_by: float = 0.0
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str = ""
