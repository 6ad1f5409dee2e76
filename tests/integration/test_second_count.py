"""Every figure of a generated week, with the night in which clocks change, agrees exactly with a second count that is
made from the raw events alone (`tests.obvious`)."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from callcenter import events, stream
from callcenter import ledger as door
from callcenter.calls import ledger
from callcenter.people.models import User
from callcenter.reports.queries import BY
from callcenter.settings import Settings
from tests import obvious
from tests.busy import AGENTS, QUEUES, Week
from tests.pages import Pages, serve

BERLIN = ZoneInfo("Europe/Berlin")
WEEKS = {"back": date(2026, 10, 19), "forward": date(2026, 3, 23)}
"""How clocks are set in the night before its Sunday -> the week's Monday."""
COUNTS = ("handled", "transfers")
QUEUE_COUNTS = ("offered", *obvious.OUTCOMES, "waiting", *COUNTS)
AGENT_COUNTS = ("offers", *(f"offers_{how}" for how in obvious.OFFERS), *COUNTS)


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings.model_copy(update={"zone": "Europe/Berlin"})) as running:
        yield running


@cache
def told(week: str) -> list[Any]:
    """What the conductor told in that week."""
    monday = WEEKS[week]
    return Week(20, datetime(monday.year, monday.month, monday.day, tzinfo=BERLIN)).run()


def taken(pages: Pages, of: list[Any]) -> list[Any]:
    """The ledger process has written them all; the raw events as they stand in the stream."""
    for event in of:
        pages.tell(event)
    position = ledger.resume(pages._engine, pages.store)
    while entries := [one for one in ledger.read(pages.store, position, 1) if one[0] != position]:
        position = ledger.take_all(pages._engine, pages.store, position, entries, door.FOLLOWERS)
    raw = pages.store.xrange(stream.PUBLIC)
    return [events.public.decode(fields[b"body"]) for _, fields in raw]


def asked(week: str, **words: str) -> dict[str, str]:
    monday = WEEKS[week]
    return {"first": monday.isoformat(), "last": (monday + timedelta(days=9)).isoformat(), **words}


def report(client: httpx.Client, about: str, by: str, words: dict[str, str]) -> dict[str, Any]:
    """Row -> figure -> value, and the total, as the pages have them."""
    answer = client.get("/reports", params={"about": about, "by": by, **words})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return {row.pop(by): row for row in found["rows"]} | {"total": found["total"]}


def differences(ours: dict[str, Any], again: dict[str, Any]) -> list[Any]:
    """Row, figure, what the pages have, what the second count has."""
    return [
        (row, figure, ours.get(row, {}).get(figure, "-"), again.get(row, {}).get(figure, "-"))
        for row in sorted({*ours, *again})
        for figure in sorted({*ours.get(row, {}), *again.get(row, {})})
        if ours.get(row, {}).get(figure, "-") != again.get(row, {}).get(figure, "-")
    ]


@pytest.mark.parametrize("week", WEEKS)
def test_a_second_count_from_the_raw_events_agrees_in_every_interval(pages: Pages, week: str) -> None:
    sue = pages.add_user("sue", "supervisor")
    for name in AGENTS:
        user = pages.add_user(name)
        if name in ("ann", "ben"):
            with pages.session() as session:
                session.get_one(User, user.id).supervisor_id = sue.id
    seen = obvious.look(taken(pages, told(week)))
    teams = {"ann": "sue", "ben": "sue"}
    centre = obvious.Centre({queue.name: queue.service_level for queue in QUEUES}, teams, BERLIN)
    changed = (WEEKS[week] + timedelta(days=6)).isoformat()
    with pages.program() as client:
        for about, bys in BY.items():
            for by in bys:
                for queue in ("", "sales"):
                    words = {"queue": queue} if queue else {}
                    ours = report(client, about, by, asked(week, **words))
                    again = obvious.table(seen, centre, about, by, queue=queue)
                    assert differences(ours, again) == [], (about, by, queue)
                ours = report(client, about, by, {"first": changed})
                again = obvious.table(seen, centre, about, by, day=changed)
                assert differences(ours, again) == [], (about, by, changed)
            halves = obvious.table(seen, centre, about, "half_hour", day=changed)
            total = obvious.table(seen, centre, about, "day")["total"]
            figures = QUEUE_COUNTS if about == "queues" else AGENT_COUNTS
            for figure in figures:
                lists = [(total, asked(week))]
                lists += [
                    (row, {"first": changed, "at": at})
                    for at, row in halves.items()
                    if row[figure] and at != "total"
                ]
                for row, words in lists:
                    listed = client.get("/reports/calls", params={"about": about, "figure": figure, **words})
                    assert listed.json()["total"] == row[figure], (figure, words)


@pytest.mark.parametrize("week", WEEKS)
def test_the_week_has_all_that_can_be_counted_wrongly(week: str) -> None:
    """Lest the agreement be one about nothing."""
    of = told(week)
    seen = obvious.look(of)
    outcomes = Counter(visit.outcome for visit in seen.visits)
    assert set(outcomes) == set(obvious.OUTCOMES)
    assert min(outcomes.values()) >= 2
    assert {offer.outcome for offer in seen.offers.values()} == set(obvious.OFFERS)
    given = {(event.kind, event.how) for event in of if isinstance(event, events.CallTransferred)}
    assert given >= {("queue", "blind"), ("agent", "attended"), ("number", "attended")}
    assert any(
        isinstance(event, events.CallFinished) and event.kind == "callback" and event.talk for event in of
    )
    assert any(isinstance(event, events.SupervisorActed) and event.act == "move" for event in of)

    def local(at: float) -> datetime:
        return datetime.fromtimestamp(at, BERLIN)

    finished = [event for event in of if isinstance(event, events.CallFinished) and event.talk]
    assert any(local(event.started).date() < local(event.at).date() for event in finished)
    breaks = [one for one in seen.spells if one.state == "break"]
    assert any(one.begin // 1800 < one.end // 1800 for one in breaks)
    night = WEEKS[week] + timedelta(days=6)
    hours = {local(one.offered).utcoffset() for one in seen.visits if local(one.offered).date() == night}
    assert len(hours) == 2
    if week == "back":
        twice = {local(one.offered).fold for one in seen.visits if local(one.offered).date() == night}
        assert twice == {0, 1}
