"""The ledger of attempts: every call a machine placed or refused to place, and why."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from callcenter.db import UtcDateTime


class Attempt(SQLModel, table=True):
    """One attempt never dials twice. `kind`: callback | survey; `ref`: the row's id.

    `state`: refused (by the gate, `reason`) | claimed -> dialled -> ended | unknown (its end was never learned).
    """

    id: str = Field(primary_key=True)
    kind: str
    ref: int = Field(index=True)
    number: str = Field(index=True)
    state: str = Field(default="claimed", index=True)
    reason: str = ""
    outcome: str = ""
    fault: str = ""
    code: int = 0
    call_id: str = ""
    talk: float = 0.0
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DoNotCall(SQLModel, table=True):
    """A number that no machine calls."""

    e164: str = Field(primary_key=True)
    reason: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
