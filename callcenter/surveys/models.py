"""Satisfaction surveys."""

from datetime import datetime

from sqlmodel import Field, SQLModel, UniqueConstraint

from callcenter.db import UtcDateTime


class Survey(SQLModel, table=True):
    """One per complaint and cycle. `score` 1-5, 0 while none. `state`: due | dialling | answered | given_up | cancelled."""

    __table_args__ = (UniqueConstraint("ticket_id", "cycle"),)

    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = Field(foreign_key="ticket.id", index=True)
    cycle: int = 1
    closing_call: str = ""
    agent_id: int | None = Field(default=None, foreign_key="user.id")
    customer_id: int | None = Field(default=None, foreign_key="customer.id")
    number: str
    language: str = "en"
    due_at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(default="due", index=True)
    attempts: int = 0
    outcome: str = ""
    """Why it was given up or cancelled."""
    score: int = 0
    call_id: str = ""
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1
