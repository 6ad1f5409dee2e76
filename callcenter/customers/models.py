"""Who calls."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from callcenter.db import UtcDateTime


class Customer(SQLModel, table=True):
    """`tier`: A, B, C or empty. `zone`: IANA, empty = from the number, else the centre's."""

    id: int | None = Field(default=None, primary_key=True)
    external_id: str | None = Field(default=None, unique=True)
    name: str
    tier: str = ""
    organisation: str = ""
    region: str = ""
    language: str = ""
    """Written: en, zh_Hans, zh_Hant."""
    spoken: str = ""
    """Spoken: en, cmn, yue; empty = from `language`."""
    zone: str = ""
    email: str = ""
    address: str = ""
    warranty_ends: date | None = None
    contract_ends: date | None = None
    do_not_call: bool = False
    note: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class CustomerNumber(SQLModel, table=True):
    """One customer may have several numbers, one number several customers. `national`: last 8 digits, for guesses."""

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customer.id", index=True)
    e164: str = Field(index=True)
    tail: str = Field(default="", index=True)
    label: str = ""
