"""The call record: one row per conversation, and the append-only ledger of its public events."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from callcenter.db import UtcDateTime


class Call(SQLModel, table=True):
    """Written by the ledger process from public events; durations in seconds.

    `outcome` as in `events.CallFinished`, empty while the call is live. `evidence`: true when an agent and the
    customer really spoke (answered, bridged, talk > 0): only such a call proves a callback.
    """

    # The newest calls of one caller are read backwards, however many there are.
    __table_args__ = (
        Index("ix_call_customer_started", "customer_id", "started_at"),
        Index("ix_call_caller_started", "caller", "started_at"),
    )

    id: str = Field(primary_key=True)
    kind: str = "inbound"
    direction: str = "in"
    caller: str = ""
    caller_name: str = ""
    called: str = ""
    withheld: bool = False
    trunk: str = ""
    queue: str = Field(default="", index=True)
    customer_id: int | None = None
    ticket_id: int | None = Field(default=None, index=True)
    agent: str = Field(default="", index=True)
    """Who answered first."""
    last_agent: str = Field(default="", index=True)
    """Who had it last; the same but for a transfer."""
    transfers: int = 0
    attempt: str = Field(default="", index=True)
    started_at: datetime = Field(sa_type=UtcDateTime, index=True)
    queued_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str = ""
    ended_by: str = ""
    fault: str = ""
    code: int = 0
    waited: float = 0.0
    talk: float = 0.0
    hold: float = 0.0
    wrap_up: float = 0.0
    mos: float = 0.0
    """How the customer's side sounded (ITU-T G.107, 1.0 to 4.5); 0 when it is not known."""
    evidence: bool = False
    disposition: str = ""
    note: str = ""
    imported: bool = False
    """From a file of another system's calls: it counts in history, proves nothing and owes nothing."""


class CallEvent(SQLModel, table=True):
    """A public event of a call as it stood in the stream. `entry` is the stream's id: the same event twice is one row."""

    id: int | None = Field(default=None, primary_key=True)
    entry: str = Field(unique=True)
    call_id: str = Field(index=True)
    type: str
    at: datetime = Field(sa_type=UtcDateTime)
    body: bytes


class BarredCaller(SQLModel, table=True):
    """A number whose calls are refused until `until`, for good without it. Removed rows stay: who barred whom is kept."""

    __tablename__ = "barred_caller"

    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(index=True)
    reason: str
    by: str
    at: datetime = Field(sa_type=UtcDateTime)
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_by: str = ""
