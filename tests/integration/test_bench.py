"""The benchmarks measure what they say; none of their figures is asserted."""

import shutil
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, func, select

from callcenter.bench import board, calls, pop
from callcenter.bench.crowd import Crowd, fill
from callcenter.calls.models import Call
from callcenter.customers import numbers
from callcenter.customers.models import Customer
from callcenter.screenpop.pop import lookup
from callcenter.screenpop.pop import pop as pop_of
from callcenter.settings import Settings
from callcenter.tickets.models import Ticket

SMALL = Crowd(customers=500, calls=1000, tickets=100)


def test_the_crowd_is_as_large_as_it_says_and_can_be_popped(engine: Engine) -> None:
    fill(engine, SMALL)
    with Session(engine) as session:
        for model, count in ((Customer, 500), (Call, 1000), (Ticket, 100)):
            assert session.exec(select(func.count()).select_from(model)).one() == count
        for customer in (1, 250, 500):
            number = SMALL.number(customer)
            assert numbers.e164(number, "CN") == number
            assert lookup(session, number, "CN").customer == customer
            shown = pop_of(session, number, False, "CN")
            assert shown.customer is not None
            assert shown.last_calls
        kinds = Counter(bool(pop_of(session, SMALL.number(i), False, "CN").complaints) for i in range(1, 501))
        assert kinds[True] > 10


@pytest.mark.needs("chromium")
def test_the_way_of_a_pop_is_measured_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("chromium"):
        monkeypatch.setattr(pop, "BROWSERS", ("chromium",))
    monkeypatch.setattr(pop, "Crowd", lambda: SMALL)
    monkeypatch.setattr(pop, "RINGS", 3)
    monkeypatch.setattr(pop, "FIRST_RINGS", 1)
    monkeypatch.setattr(pop, "QUERIES", 50)
    figures = pop.main(Settings())
    stages: dict[str, Any] = figures["milliseconds"]
    assert stages["invite_to_painted"]["samples"] == 3
    assert stages["invite_to_sse_sent"]["p50"] <= stages["invite_to_painted"]["max"]
    assert stages["pop_query"]["samples"] == 50


def test_whole_cycles_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "AGENTS", 6)
    monkeypatch.setattr(calls, "CALLERS", 12)
    figures = calls.main(Settings(), rate=2, seconds=2)
    assert (figures["begun"], figures["done"], figures["recorded"]) == (4, 4, 4)
    assert figures["failed"] == {}
    assert {"line", "conductor", "web", "load"} <= figures["cpu_ms_per_cycle"].keys()


def test_the_board_stays_full_while_calls_are_offered(settings: Settings) -> None:
    told = board.main(settings, decisions=300)
    assert (told["waiting"], told["decisions"]) == (board.CALLS, 300)
    assert 100 < told["offered"] <= 300
    assert told["step_us"]["samples"] == 300
