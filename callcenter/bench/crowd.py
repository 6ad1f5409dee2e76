"""A record as large as a hotline's after years: a million customers with their calls and complaints."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, text
from sqlmodel import SQLModel

from callcenter.calls.models import Call
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.people.models import User
from callcenter.tickets.models import Clock, Promise, Ticket, TicketEntry

OWNERS = 200
"""Agents who own the complaints."""
_MOMENT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', 'now', '-' || (i * 7) || ' seconds')",
    "postgresql": "now() - i * interval '7 seconds'",
}


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many rows. Every fourth complaint is open; each has a clock, a promise and two entries."""

    customers: int = 1_000_000
    calls: int = 2_000_000
    tickets: int = 200_000

    def number(self, customer: int) -> str:
        """E.164 of the customer with this id, 1 to `customers`."""
        return f"+8613{100_000_000 + customer}"


def fill(engine: Engine, crowd: Crowd) -> None:
    """Fill an empty record, by statements that the database runs by itself."""
    with engine.connect().execution_options(write=True) as connection:
        moment = _MOMENT[connection.dialect.name]
        customer = f"(i * 7919) % {crowd.customers} + 1"
        _rows(connection, User, OWNERS, {"name": "'crowd' || i", "created_at": moment, "active": "false"})
        _rows(
            connection,
            Customer,
            crowd.customers,
            {
                "id": "i",
                "external_id": "'C' || i",
                "name": "'Customer ' || i",
                "tier": "'B'",
                "created_at": moment,
            },
        )
        _rows(
            connection,
            CustomerNumber,
            crowd.customers,
            {"customer_id": "i", "e164": "'+8613' || (100000000 + i)", "tail": "'' || (i + 0)"},
        )
        _rows(
            connection,
            Call,
            crowd.calls,
            {
                "id": "'crowd' || i",
                "caller": f"'+8613' || (100000000 + {customer})",
                "customer_id": customer,
                "started_at": moment,
                "outcome": "'answered'",
            },
        )
        _complaints(connection, crowd, moment, customer)
        connection.commit()
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def _complaints(connection: Connection, crowd: Crowd, moment: str, customer: str) -> None:
    user = f"(SELECT min(id) FROM \"user\" WHERE name LIKE 'crowd%') + i % {OWNERS}"  # noqa: S608
    _rows(
        connection,
        Ticket,
        crowd.tickets,
        {
            "id": "i",
            "number": "'CROWD-' || i",
            "customer_id": customer,
            "state": "CASE WHEN i % 4 = 0 THEN 'in_progress' ELSE 'closed' END",
            "first_responder_id": user,
            "owner_id": user,
            "received_at": moment,
            "created_at": moment,
            "closed_at": f"CASE WHEN i % 4 = 0 THEN NULL ELSE {moment} END",
        },
    )
    due = {"ticket_id": "i", "due_at": moment, "created_at": moment}
    _rows(connection, Promise, crowd.tickets, {**due, "text": "'A part is sent'"})
    clock = {
        "kind": "'resolution'",
        "target": "86400",
        "started_at": moment,
        "ticket_id": "i",
        "due_at": moment,
    }
    _rows(connection, Clock, crowd.tickets, clock)
    entry = {"ticket_id": "(i + 1) / 2", "at": moment, "kind": "'note'", "text": "'Was rung back'"}
    _rows(connection, TicketEntry, 2 * crowd.tickets, entry)


def _rows(connection: Connection, model: type[SQLModel], count: int, values: dict[str, str]) -> None:
    """`count` rows from expressions over `i`; what is not given gets the model's default."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    given = {
        column.name: values[column.name] if column.name in values else _default(column.default)
        for column in table.columns
        if column.name in values or column.default is not None
    }
    names = ", ".join(f'"{name}"' for name in given)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "  # noqa: S608
    made = f'INSERT INTO "{table.name}" ({names}) SELECT {", ".join(given.values())} FROM n'  # noqa: S608
    # A colon would begin a parameter.
    connection.execute(text((numbers + made).replace(":", r"\:")))


def _default(default: Any) -> str:
    value = default.arg if default.is_scalar else {}
    if isinstance(value, dict | list):
        return "'{}'"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
