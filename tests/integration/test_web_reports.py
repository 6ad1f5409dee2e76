"""Figures by page, JSON and file: every outcome, each figure with its formula and its calls, by the centre's clock."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import openpyxl
import pytest

from callcenter import events
from callcenter.calls import ledger, life
from callcenter.settings import Settings
from callcenter.web.respond import KINDS
from callcenter.whatif.past import import_calls
from tests.pages import Pages, serve

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN)
"""The first of the two ten past two of the night in which clocks are put back."""


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings.model_copy(update={"zone": "Europe/Berlin"})) as running:
        yield running


@pytest.fixture
def robot(pages: Pages) -> Iterator[httpx.Client]:
    with pages.program() as client:
        yield client


def tell(pages: Pages, *told: Any) -> None:
    """The ledger takes these events."""
    position = ledger.resume(pages._engine, pages.store)
    behind = int(position.partition("-")[0]) + 1
    entries = [(f"{number}-0", events.public.encode(event)) for number, event in enumerate(told, behind)]
    assert ledger.take(pages._engine, pages.store, position, entries)


def left(
    call: str, at: datetime, outcome: str, waited: float = 30.0, queue: str = "default", agent: str = ""
) -> Any:
    entered = at.timestamp()
    return events.QueueLeft(entered + waited, call, queue, entered, outcome, waited, 20.0, agent)


def handled(
    call: str, agent: str, at: datetime, talk: float, hold: float = 0.0, queue: str = "default"
) -> Any:
    end = at.timestamp() + talk + hold
    return events.CallHandled(end, call, agent, queue, at.timestamp(), talk, hold)


def report(client: httpx.Client, **words: str) -> dict[str, Any]:
    answer = client.get("/reports", params={"first": "2026-10-25", **words})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_offered_is_the_sum_of_outcomes_and_each_figure_leads_to_its_calls(
    pages: Pages, robot: httpx.Client
) -> None:
    day = NIGHT.replace(hour=9)
    outcomes = [one for number, one in enumerate(life.OUTCOMES, 1) for _ in range(number)]
    told = [left(f"call{number}", day, one, 10.0 + 20 * (number % 2), agent="ann" if one == "answered" else "")
            for number, one in enumerate(outcomes)]  # fmt: skip
    tell(pages, *told, events.CallQueued(day.timestamp(), "call-last", "default", 1))
    total = report(robot, by="queue")["total"]
    assert total["offered"] == 37 == sum(total[one] for one in life.OUTCOMES) + total["waiting"]
    assert [total[one] for one in life.OUTCOMES] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert total["level"] == 1 / 3
    for figure, level in (("answered", 1.0), ("offered", 1 / 37)):
        assert report(robot, by="day", level=figure)["total"]["level"] == level
    for figure in (*life.OUTCOMES, "offered", "waiting"):
        listed = robot.get(
            "/reports/calls", params={"first": "2026-10-25", "figure": figure, "limit": "3"}
        ).json()
        assert listed["total"] == total[figure]
        if listed["next"]:
            again = {"first": "2026-10-25", "figure": figure, "limit": "100", "after": listed["next"]}
            rest = robot.get("/reports/calls", params=again).json()
            names = {one["call"] for one in listed["calls"] + rest["calls"]}
            assert len(names) == total[figure]


def test_the_hour_that_comes_twice_is_two_rows_and_leads_to_its_own_calls(
    pages: Pages, robot: httpx.Client
) -> None:
    later = NIGHT.replace(fold=1)
    tell(
        pages,
        left("early", NIGHT, "answered", 4.0),
        left("late", later, "abandoned"),
        left("late2", later, "answered"),
    )
    rows = report(robot)["rows"]
    assert [row["half_hour"] for row in rows] == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]
    assert [(row["offered"], row["asa"], row["level"]) for row in rows] == [(1, 4.0, 1.0), (2, 30.0, 0.0)]
    for row in rows:
        asked = {"first": "2026-10-25", "figure": "offered", "at": row["half_hour"]}
        assert robot.get("/reports/calls", params=asked).json()["total"] == row["offered"]


def test_a_call_that_comes_back_is_one_conversation_of_its_agent(pages: Pages, robot: httpx.Client) -> None:
    day = NIGHT.replace(hour=9)
    end = day.timestamp() + 100
    tell(
        pages,
        left("c", day, "answered", agent="ann"),
        handled("c", "ann", day, 60.0, 10.0),
        events.CallTransferred(end, "c", "ann", "agent", "ben", "blind", "", "default", day.timestamp()),
        handled("c", "ben", day, 90.0),
        events.CallTransferred(end + 90, "c", "ben", "agent", "ann", "blind", "", "default", day.timestamp()),
        handled("c", "ann", day + timedelta(seconds=120), 50.0),
        events.WrapUpEnded(end + 300, "c", "ann", 30.0, "", "", "default", day.timestamp()),
        events.WrapUpEnded(end + 300, "c", "cao", 30.0),
    )
    total = report(robot, by="queue")["total"]
    assert (total["answered"], total["handled"], total["transfers"], total["transfer_rate"]) == (1, 2, 2, 1.0)
    assert (total["aht"], total["acw"]) == (120.0, 15.0)
    rows = {row["agent"]: row for row in report(robot, about="agents", by="agent")["rows"]}
    assert sorted(rows) == ["ann", "ben"]
    assert (rows["ann"]["handled"], rows["ann"]["talk"], rows["ann"]["hold"], rows["ann"]["wrap_up"]) == (
        1,
        110.0,
        10.0,
        30.0,
    )
    listed = robot.get(
        "/reports/calls", params={"first": "2026-10-25", "about": "agents", "figure": "handled"}
    ).json()
    assert [one["agent"] for one in listed["calls"]] == ["ben", "ann"]


def test_time_between_calls_passes_where_it_passes_and_to_this_moment(
    pages: Pages, robot: httpx.Client
) -> None:
    def changed(at: datetime, status: str, activity: str = "idle", **more: Any) -> Any:
        return events.AgentChanged(
            at.timestamp(), "ann", status, more.get("reason", ""), activity, True, more.get("paused", "")
        )

    nine = NIGHT.replace(hour=9, minute=0)
    tell(
        pages,
        changed(nine, "not_ready"),
        changed(nine + timedelta(minutes=10), "available"),
        changed(nine + timedelta(minutes=40), "available", "offered"),
        changed(nine + timedelta(minutes=41), "available", "talking"),
        changed(nine + timedelta(minutes=45), "break", reason="meal"),
        changed(nine + timedelta(minutes=60), "available", paused="missed_calls"),
        changed(nine + timedelta(minutes=61), "signed_out"),
        left("c", nine, "answered", agent="ann"),
        handled("c", "ann", nine, 240.0),
    )  # fmt: skip
    rows = report(robot, about="agents")["rows"]
    spent = [[row[one] for one in ("available", "break", "paused", "not_ready")] for row in rows]
    assert spent == [[1200.0, 0.0, 0.0, 600.0], [600.0, 900.0, 0.0, 0.0], [0.0, 0.0, 60.0, 0.0]]
    total = report(robot, about="agents", by="agent")["total"]
    assert total["occupancy"] == 240 / (240 + 1800)
    assert (total["break"], total["break_meal"]) == (900.0, 900.0)
    assert "occupancy" not in report(robot, about="agents", by="agent", queue="default")["total"]
    today = datetime.now(BERLIN)
    tell_again = events.AgentChanged(today.timestamp() - 5, "ann", "available", "", "idle", True, "")
    tell(pages, tell_again)
    running = report(robot, about="agents", by="agent", first=f"{today:%Y-%m-%d}")["total"]["available"]
    assert 0 < running < 600


def test_imported_calls_are_history_on_day_one(pages: Pages, robot: httpx.Client, tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    for waited in (25, 12):  # corrected, and imported again
        path.write_text(
            "arrived,queue,customer,waited,outcome,agent,talked\n"
            f"2026-10-25 09:10:00,sales,1,{waited},answered,mei,2:00\n"
            "2026-10-25 09:40:00,sales,2,3,abandoned,,\n"
        )
        import_calls(pages._engine, path, "DE", BERLIN)
    found = report(robot, by="half_hour", queue="sales")
    assert [(row["offered"], row["answered"], row["short_abandon"]) for row in found["rows"]] == [
        (1, 1, 0),
        (1, 0, 1),
    ]
    assert (found["total"]["asa"], found["total"]["level"], found["total"]["aht"]) == (12.0, 1.0, 120.0)
    agents = report(robot, about="agents", by="agent")["total"]
    assert (agents["handled"], agents["talk"], agents["occupancy"]) == (1, 120.0, None)


def test_csv(pages: Pages, robot: httpx.Client) -> None:
    tell(pages, left("c", NIGHT, "answered", queue="=1+1"))
    answer = robot.get("/reports.csv", params={"first": "2026-10-25", "by": "queue"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "queues-2026-10-25-2026-10-25.csv" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:3] == ["Queue", "Offered", "Answered"]
    assert rows[1][:3] == ["'=1+1", "1", "1"]
    assert rows[2][:3] == ["Total", "1", "1"]


def sheet(client: httpx.Client, **words: str) -> list[tuple[Any, ...]]:
    """The cells of the Excel file, as another library reads them."""
    answer = client.get("/reports.xlsx", params={"first": "2026-10-25", **words})
    assert answer.headers["content-type"] == KINDS["xlsx"], answer.text
    assert '.xlsx"' in answer.headers["content-disposition"]
    return list(openpyxl.load_workbook(io.BytesIO(answer.content)).active.iter_rows())  # type: ignore[union-attr]


def test_excel_has_times_of_the_centre_and_durations_that_add_up(pages: Pages, robot: httpx.Client) -> None:
    nine = NIGHT.replace(hour=9, minute=0)
    tell(
        pages,
        left("c", nine, "answered", 41.0, agent="ann"),
        left("d", NIGHT, "abandoned"),
        handled("c", "ann", nine, 90_061.0),
    )
    heads, formulas, twice, half, total = sheet(robot)
    named = {cell.value: place for place, cell in enumerate(heads)}
    assert formulas[named["Service level"]].value == "answered within T / (answered + abandoned)"
    assert twice[0].value == "2026-10-25 02:00 +0200"
    assert (half[0].value, half[0].is_date) == (nine.replace(tzinfo=None), True)
    assert (half[named["ASA"]].value, half[named["ASA"]].number_format) == (
        timedelta(seconds=41),
        "[h]:mm:ss",
    )
    assert total[named["AHT"]].value == timedelta(days=1, hours=1, minutes=1, seconds=1)
    assert (total[named["Service level"]].value, total[named["Service level"]].number_format) == (0.0, "0.0%")
    assert twice[named["ASA"]].value is None
    assert (total[0].value, total[named["Offered"]].value) == ("Total", 2)
    (_, _, day, _) = sheet(robot, by="day")
    assert (day[0].value, day[0].number_format) == (nine.replace(tzinfo=None, hour=0), "yyyy-mm-dd")


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", "http://evil"]
)
def test_no_name_becomes_a_formula_in_excel(pages: Pages, robot: httpx.Client, name: str) -> None:
    tell(pages, left("c", NIGHT, "answered", queue=name))
    cell = sheet(robot, by="queue")[2][0]
    assert (cell.data_type, cell.value, cell.hyperlink) == ("s", name, None)


def test_figures_end_where_the_rights_over_queues_do(pages: Pages) -> None:
    pages.add_user("sue", "supervisor", oversees="sales", display_name="Sue")
    at = NIGHT.replace(hour=9)
    tell(
        pages,
        left("c1", at, "answered", 11.0, "sales", "ann"),
        left("c2", at, "abandoned", 12.0, "billing"),
        left("c3", at, "answered", 13.0, "billing", "ann"),
        handled("c1", "ann", at, 100.0, queue="sales"),
        handled("c3", "ann", at, 700.0, queue="billing"),
        handled("c4", "ann", at, 900.0, queue=""),
        events.AgentChanged(at.timestamp(), "ann", "available", "", "idle", True),
        events.AgentChanged(at.timestamp() + 60, "ann", "signed_out", "", "idle", False),
    )
    with pages.browser("sue") as client:
        page = client.get("/reports", params={"first": "2026-10-25", "by": "queue"}).text
        assert ">sales<" in page
        assert "billing" not in page
        client.headers["accept"] = "application/json"
        assert [row["queue"] for row in report(client, by="queue")["rows"]] == ["sales"]
        assert report(client)["total"]["offered"] == 1
        own = report(client, about="agents", by="agent")["total"]
        assert (own["talk"], own["handled"], "available" in own) == (100.0, 1, False)
        file = client.get("/reports.csv", params={"first": "2026-10-25", "by": "queue"}).text
        assert "sales,1," in file
        assert "billing" not in file
        assert [row[0].value for row in sheet(client, by="queue")[2:]] == ["sales", "Total"]
        for about, figure, number in (
            ("queues", "offered", 1),
            ("agents", "talk", 1),
            ("agents", "handled", 1),
        ):
            asked = {"first": "2026-10-25", "about": about, "figure": figure}
            listed = client.get("/reports/calls", params=asked).json()
            assert listed["total"] == number == len(listed["calls"])
        for path in ("/reports", "/reports.csv", "/reports.xlsx", "/reports/calls"):
            asked = {"queue": "billing"} | ({"figure": "offered"} if path.endswith("calls") else {})
            assert client.get(path, params=asked).status_code == 403


@pytest.mark.parametrize("role", ["agent", "lead"])
def test_who_may_not_see_figures_sees_none_not_even_the_own(pages: Pages, role: str) -> None:
    pages.add_user("ann", role)
    with pages.browser("ann") as client:
        for path in ("/reports", "/reports.csv", "/reports.xlsx", "/reports/calls?figure=offered"):
            assert client.get(path).status_code == 403


def test_pages_in_every_language_for_supervisors(pages: Pages) -> None:
    tell(pages, left("c", NIGHT, "answered", agent="ann"), handled("c", "ann", NIGHT, 90.0))
    pages.add_user("sue", "supervisor", display_name="Sue")
    pages.add_user("ann", "agent", display_name="Ann")
    with pages.browser("ann") as client:
        assert client.get("/reports").status_code == 403
    with pages.browser("sue") as client:
        page = client.get("/reports", params={"first": "2026-10-25"}).text
        assert "answered within T / (answered + abandoned)" in page
        assert "02:00 +0200" in page
        assert "figure=offered" in page
        for about, by in (
            ("agents", "agent"),
            ("agents", "team"),
            ("queues", "day"),
            ("agents", "half_hour"),
        ):
            assert (
                client.get("/reports", params={"about": about, "by": by, "first": "2026-10-25"}).status_code
                == 200
            )
        shown = client.get("/reports/calls", params={"first": "2026-10-25", "figure": "handled"}).text
        assert 'href="/calls/c"' in shown
        assert "Ann" in shown


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"by": "week"}, "by"),
        ({"about": "cats"}, "about"),
        ({"by": "agent"}, "by"),
        ({"agent": "ann"}, "agent"),
        ({"level": "best"}, "level"),
        ({"first": "soon"}, "first"),
        ({"first": "0001-01-01"}, "first"),
        ({"first": "2026-03-02", "last": "2026-03-01"}, "last"),
        ({"first": "2026-01-01", "last": "2026-03-01"}, "last"),
        ({"by": "day", "first": "2020-01-01", "last": "2026-03-01"}, "last"),
        ({"quene": "x"}, "quene"),
    ],
)
def test_wrong_words_are_named(robot: httpx.Client, words: dict[str, str], field: str) -> None:
    answer = robot.get("/reports", params=words)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])


@pytest.mark.parametrize(
    "words", [{"figure": "luck"}, {"figure": "offered", "at": "noon"}, {"figure": "offered", "after": "x"}]
)
def test_wrong_words_of_a_figures_calls(robot: httpx.Client, words: dict[str, str]) -> None:
    assert robot.get("/reports/calls", params=words).status_code == 422
