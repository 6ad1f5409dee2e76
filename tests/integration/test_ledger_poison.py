"""An event that the record refuses must not stop the record of all later calls."""

import redis
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import db, events, stream
from callcenter.calls import ledger
from callcenter.calls.models import Call, CallEvent


def started(call: str, customer: int = 0) -> bytes:
    return events.public.encode(
        events.CallStarted(1.7e9, call, "inbound", "in", "+8613800000001", "hotline", customer=customer)
    )


def test_what_cannot_be_written_is_left_out_alone(engine: Engine, store: str) -> None:
    client = redis.Redis.from_url(store)
    # PostgreSQL refuses what is no 32-bit id; SQLite takes it.
    for body in (started("one"), started("two", customer=2**40), started("three")):
        stream.append(client, stream.PUBLIC, body)
    entries = ledger.read(client, "0-0", 0)
    assert ledger.take_all(engine, client, ledger.resume(engine, client), entries) == entries[-1][0]
    with db.read(engine) as session:
        kept = set(session.exec(select(Call.id)))
    assert kept == ({"one", "three"} if engine.dialect.name == "postgresql" else {"one", "two", "three"})


def test_what_was_asked_of_no_call_makes_none(engine: Engine, store: str) -> None:
    client = redis.Redis.from_url(store)
    refused = [
        events.DeskCommandRefused(1.7e9, "anna", "HoldCall", "not-found", call)
        for call in ("one", "none", "x" * 4000)
    ]
    for body in (started("one"), *map(events.public.encode, refused)):
        stream.append(client, stream.PUBLIC, body)
    entries = ledger.read(client, "0-0", 0)
    assert ledger.take_all(engine, client, ledger.resume(engine, client), entries) == entries[-1][0]
    with db.read(engine) as session:
        assert list(session.exec(select(Call.id))) == ["one"]
        told = list(session.exec(select(CallEvent.type).where(CallEvent.call_id == "one")))
        assert sorted(told) == ["CallStarted", "DeskCommandRefused"]
        assert len(list(session.exec(select(CallEvent.id)))) == 2
