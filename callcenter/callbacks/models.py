"""Callbacks that we owe."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from callcenter.db import UtcDateTime


class Callback(SQLModel, table=True):
    """`reason`: settlement (a complaint's answer is reported) | owed (a caller was lost by us) | promised.

    `state`: due | dialling | talked (a conversation took place, its outcome is not noted yet) | done | given_up |
    cancelled | fulfilled (the customer rang in first). `owner_id` speaks with the customer.
    """

    id: int | None = Field(default=None, primary_key=True)
    reason: str
    ticket_id: int | None = Field(default=None, foreign_key="ticket.id", index=True)
    cycle: int = 1
    call_id: str = Field(default="", index=True)
    """The call that it follows from, when one was lost."""
    customer_id: int | None = Field(default=None, foreign_key="customer.id", index=True)
    number: str = Field(index=True)
    owner_id: int | None = Field(default=None, foreign_key="user.id", index=True)
    queue: str = ""
    place_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Since when the caller had waited when we lost the call: the place in the queue that is kept."""
    mode: str = "customer_first"
    due_at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(default="due", index=True)
    attempts: int = 0
    """Placed so far."""
    counts_from: datetime = Field(sa_type=UtcDateTime)
    """Attempts before do not count against the cap: somebody asked for a new round."""
    outcome: str = ""
    evidence_call: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1
