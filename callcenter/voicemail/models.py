"""A message of a caller, as the queue's work."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from callcenter.db import UtcDateTime

STATES = ("new", "taken", "done")


class Message(SQLModel, table=True):
    """`state`: new | taken (`owner_id` is responsible) | done. Its sound is the recording, under that one's rules.

    `number` is E.164 or as received, empty when withheld: then nobody can be rung back.
    """

    __tablename__ = "message"

    id: int | None = Field(default=None, primary_key=True)
    call_id: str = Field(unique=True)
    recording_id: str = Field(unique=True)
    queue: str = Field(index=True)
    number: str = Field(default="", index=True)
    customer_id: int | None = Field(default=None, foreign_key="customer.id", index=True)
    left_at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(default="new", index=True)
    owner_id: int | None = Field(default=None, foreign_key="user.id")
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    note: str = ""
    version: int = 1
