"""What is asked for when a complaint is logged."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from callcenter.errors import InvalidInput
from callcenter.tickets.rules import KINDS, TYPES

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class TicketForm(BaseModel):
    """`call_id`: the call in which it is logged; its number and customer are taken when the form names none.

    `token` is chosen by the page when it shows the form: sending it twice opens one complaint.
    """

    model_config = ConfigDict(extra="forbid")

    call_id: Short = ""
    customer_id: int | None = None
    contact_number: Short = ""
    kind: Short = "complaint"
    type: Short = ""
    region: Short = ""
    severity: int = Field(default=3, ge=1, le=4)
    what_happened: Text = ""
    wants: Text = ""
    promise: Text = ""
    promise_due: AwareDatetime | None = None
    token: Short | None = None

    @field_validator("kind")
    @classmethod
    def _kind(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"choose from {', '.join(KINDS)}")
        return value

    @field_validator("type")
    @classmethod
    def _type(cls, value: str) -> str:
        check_type(value)
        return value

    @field_validator("token")
    @classmethod
    def _token(cls, value: str | None) -> str | None:
        return value or None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not (self.what_happened or self.wants):
            raise ValueError("say what happened, or what the customer wants")
        if bool(self.promise) != (self.promise_due is not None):
            raise ValueError("a promise has a text and a time")
        return self


def check_type(value: str) -> None:
    """ValueError for a type that nobody knows; empty is not assessed yet."""
    if value and value not in TYPES:
        raise ValueError(f"choose from {', '.join(TYPES)}")


def wanted(field: str, text: str) -> str:
    """The text without space around it. Raises InvalidInput when nothing is left."""
    if not text.strip():
        raise InvalidInput(**{field: "is missing"})
    return text.strip()


def later(field: str, at: datetime, now: datetime) -> datetime:
    """A time to come. Raises InvalidInput."""
    if at <= now:
        raise InvalidInput(**{field: "lies in the past"})
    return at
