"""The ledger: filters, keys instead of offsets, Chinese, one file; and numbers under concurrency."""

import csv
import io
import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from callcenter import db
from callcenter.errors import InvalidInput, Stale
from callcenter.settings import Settings
from callcenter.tickets import queries
from callcenter.tickets.form import TicketForm
from callcenter.tickets.ledger import Filters, count, rows_csv, search
from callcenter.tickets.models import Ticket
from tests.complaints import MONDAY, House, house

HOUR = timedelta(hours=1)


@pytest.fixture
def centre(engine: Engine, settings: Settings) -> House:
    return house(engine, settings)


def found(centre: House, **filters: object) -> list[str]:
    with db.read(centre.engine) as session:
        return [row.number for row in search(session, Filters(**filters), MONDAY + 2 * HOUR).rows]  # type: ignore[arg-type]


def test_filters_each_and_together(centre: House) -> None:
    first = centre.open(wants="全额退款")
    centre.open(MONDAY + HOUR, severity=2, type="delivery", region="上海", wants="Lieferung late")
    third = centre.open(MONDAY - timedelta(days=2), severity=1, wants="换货")
    assert found(centre) == ["C-1002", "C-1001", "C-1003"]
    assert found(centre, text="退款") == ["C-1001"]
    assert found(centre, text="王芳 换货") == ["C-1003"]
    assert found(centre, text="LATE") == ["C-1002"]
    assert found(centre, text="款退") == []
    assert len(found(centre, text="13800138000")) == len(found(centre, text="00138000")) == 3
    assert found(centre, text="C-1002") == ["C-1002"]
    assert found(centre, severity=2, type="delivery", region="上海") == ["C-1002"]
    assert found(centre, overdue=True) == ["C-1003"]
    assert found(centre, owner="ana", first_responder="ana", state="open") == ["C-1002", "C-1001", "C-1003"]
    assert found(centre, owner="sam") == []
    assert found(centre, since=MONDAY, until=MONDAY + HOUR) == ["C-1001"]
    with db.write(centre.engine) as session:
        centre.desk.note(session, first, centre.ana, "发票号 88123", MONDAY, first.version)
    assert found(centre, text="发票 88123") == ["C-1001"]
    assert third.id
    with pytest.raises(InvalidInput):
        found(centre, state="gone")


@pytest.mark.parametrize("sort", ["received", "due", "severity", "number"])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_by_key_show_each_once(centre: House, sort: str, descending: bool) -> None:
    for number in range(7):
        centre.open(MONDAY + (number % 3) * HOUR, severity=1 + number % 4)
    filters = Filters.model_validate({"sort": sort, "descending": descending})
    with db.read(centre.engine) as session:
        whole = [row.id for row in search(session, filters, MONDAY).rows]
        seen: list[int] = []
        after = ""
        while True:
            page = search(session, filters, MONDAY, after, 2)
            seen += [row.id for row in page.rows]
            after = page.next
            if not after:
                break
        assert seen == whole
        assert count(session, filters, MONDAY) == len(whole) == 7
        with pytest.raises(InvalidInput):
            search(session, filters, MONDAY, "nonsense")


def test_one_file_for_a_spreadsheet(centre: House) -> None:
    centre.open(wants='=HYPERLINK("http://x")')
    with db.read(centre.engine) as session:
        text = "".join(rows_csv(session, Filters(), MONDAY, centre.settings.home_zone))
    assert text.startswith("\ufeffid,number,")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row["wants"].startswith("'=")
    assert (row["region"], row["received_at"]) == ("北京", "2026-03-02T10:00:00+08:00")


def test_numbers_are_unique_and_a_form_sent_twice_opens_one(centre: House) -> None:
    numbers: list[str] = []
    start = threading.Barrier(6)

    def one(token: str) -> None:
        start.wait()
        for turn in range(5):
            with db.write(centre.engine) as session:
                form = TicketForm(wants="x", contact_number="+8613800138000", token=token or None)
                opened = centre.desk.open_ticket(session, centre.ana, form, MONDAY)
            numbers.append(opened.number)
            assert turn < 5

    threads = [threading.Thread(target=one, args=(token,)) for token in ("", "", "", "", "a", "a")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 30
    assert len(set(numbers)) == 21


def test_who_comes_second_looks_again(centre: House) -> None:
    ticket = centre.open()
    with db.write(centre.engine) as session:
        centre.desk.note(session, ticket, centre.ana, "one", MONDAY, ticket.version)
    stale = Ticket.model_validate(ticket)
    with pytest.raises(Stale), db.write(centre.engine) as session:
        centre.desk.propose(session, stale, centre.ana, "two", MONDAY, 1)


def test_lists_of_the_desk(centre: House) -> None:
    ticket = centre.open()
    with db.read(centre.engine) as session:
        (mine,) = queries.mine(session, centre.ana.id or 0, MONDAY)
        assert (mine.number, mine.customer_name, mine.overdue) == (ticket.number, "王芳", False)
        assert queries.owner_and_ticket(session, centre.customer) == ("ana", ticket.id)
        assert queries.owner_of_open(session, centre.customer) == "ana"
        assert [one.number for one in queries.open_of_customer(session, centre.customer)] == [ticket.number]
        assert [one.number for one in queries.open_of_number(session, ticket.contact_number)] == [
            ticket.number
        ]
        assert queries.find(session, "c-1001").id == queries.find(session, ticket.id or 0).id
        seen = queries.view(session, centre.settings, ticket, MONDAY + HOUR)
        assert {clock.clock.kind: clock.clock.state for clock in seen.clocks} == {
            "first_response": "met",
            "keep_informed": "running",
            "resolution": "running",
        }
        assert [entry.kind for entry in seen.entries] == ["opened"]
        assert queries.counts(session, MONDAY) == {"open": 1, "overdue": 0, "escalated": 0}
