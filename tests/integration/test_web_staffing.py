"""Staffing: what a recorded day's half hours need, beside who was there; page, JSON and CSV of a described day."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from callcenter import db
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.whatif import halfhours
from callcenter.whatif.erlang import agents_needed, erlang_a, erlang_c
from callcenter.whatif.past import import_calls
from tests.pages import Pages, serve

ZONE = ZoneInfo("Asia/Shanghai")


def day(path: Path, of: str, queue: str = "desk") -> Path:
    """From 9:00 on 100 calls in each of two half hours, one each 18 s, of 180 s; every tenth gives up behind 30 s, and
    each second one of the others waits for 40 s. Twelve agents take turns, none lets anybody wait longer than that."""
    lines = ["arrived,queue,customer,waited,outcome,agent,talked"]
    for number in range(200):
        seconds = number * 18
        clock = f"{of} {9 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        if number % 10 == 9:
            lines.append(f"{clock},{queue},,30,abandoned,,")
        else:
            lines.append(f"{clock},{queue},,{40 * (number % 2)},answered,agent{number % 12},180")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def pages(settings: Settings, tmp_path: Path) -> Iterator[Pages]:
    with serve(settings) as running:
        engine = db.connect(settings.sql)
        for of in ("2026-03-02", "2026-03-09"):
            assert not import_calls(engine, day(tmp_path / "past.csv", of), "CN", ZONE).rejections
        engine.dispose()
        running.add_user("sun", role="supervisor", display_name="Sun")
        running.add_user("mei", display_name="Mei")
        yield running


ASKED = "/staffing?queue=desk&day=2026-03-09&level=80&within=20&occupancy=100&shrinkage=30"


def test_a_day_is_told_with_what_both_formulas_ask_for(pages: Pages) -> None:
    with pages.program() as robot:
        told = robot.get(ASKED).json()
    assert told["days"] == ["2026-03-09"]
    nine, half_past = told["periods"][:2]
    rate, patience = 100 / 1800, told["patience"]["mean"]
    assert patience == pytest.approx((20 * 30 + 80 * 40) / 20)  # seconds waited / who left
    needed = agents_needed(lambda count: erlang_c(count, rate, 180, 20), rate * 180, 0.8)
    impatient = agents_needed(lambda count: erlang_a(count, rate, 180, 20, patience), rate * 180, 0.8)
    assert needed
    assert impatient
    assert (nine["begins"], half_past["begins"]) == ("09:00", "09:30")
    assert (nine["calls"], nine["handling"], nine["load"]) == (100, 180, pytest.approx(10))
    assert nine["erlang_c"]["agents"] == needed.agents == 14
    assert nine["erlang_c"]["rostered"] == 20
    assert nine["erlang_a"]["agents"] == impatient.agents < 14
    assert nine["erlang_a"]["figures"]["level"] == pytest.approx(impatient.level, rel=1e-5)
    assert nine["level"] == pytest.approx(50 / 100)  # 90 answered, half of them within 20 s; 10 abandoned
    assert half_past["there"] == pytest.approx(9)  # 90 calls of 180 s: whoever was free let somebody wait
    assert half_past["expected"]["agents"] == round(half_past["there"])


def test_more_agents_weeks_and_bounds_change_what_is_expected(pages: Pages) -> None:
    with pages.program() as robot:
        usual = robot.get(ASKED).json()
        more = robot.get(f"{ASKED}&more=3").json()
        weeks = robot.get(f"{ASKED}&weeks=4").json()
        calm = robot.get(ASKED.replace("occupancy=100", "occupancy=60")).json()
        hasty = robot.get(f"{ASKED}&patience=20").json()
    for formula in ("erlang_c", "erlang_a"):
        before, now = (told["periods"][1]["expected"][formula]["level"] for told in (usual, more))
        assert now > before
    assert more["periods"][1]["expected"]["agents"] == usual["periods"][1]["expected"]["agents"] + 3
    assert weeks["days"] == ["2026-03-02", "2026-03-09"]  # the others had no call
    assert weeks["periods"] == usual["periods"]
    assert weeks["total"]["calls"] == usual["total"]["calls"] == 200
    assert calm["periods"][0]["erlang_c"]["agents"] == 17  # 10 erlangs at 60 % of the time
    assert hasty["patience"]["mean"] == 20
    assert hasty["periods"][0]["erlang_a"]["agents"] < usual["periods"][0]["erlang_a"]["agents"]


def test_the_file_has_the_same_half_hours(pages: Pages) -> None:
    with pages.program() as robot:
        told = robot.get(ASKED).json()["periods"]
        answer = robot.get(ASKED.replace("/staffing", "/staffing.csv"))
    assert "staffing-2026-03-09.csv" in answer.headers["content-disposition"]
    head, *rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert head[0] == "Half hour"
    assert [(row[0], float(row[1]), int(row[6]), int(row[10])) for row in rows] == [
        (one["begins"], one["calls"], one["erlang_c"]["agents"], one["erlang_a"]["agents"]) for one in told
    ]


def test_a_person_reads_it_and_an_agent_does_not(pages: Pages) -> None:
    with pages.browser("sun") as sun:
        page = sun.get(f"{ASKED}&more=2").text
        assert "With +2 agents" in page
        assert page.count('scope="row"') == 3
        usual = sun.get("/staffing?queue=desk")  # the last day with a call, the usual target
        assert "2026-03-09" in usual.text
        assert "No call entered this queue" in sun.get("/staffing?queue=default&day=2026-03-09").text
    with pages.browser("mei") as mei:
        assert mei.get("/staffing").status_code == 403
        assert mei.get("/staffing.csv").status_code == 403


def test_who_is_confined_to_queues_sees_theirs_alone(pages: Pages) -> None:
    lin_id = pages.add_user("lin", role="supervisor").id
    with pages.session() as session:
        row = session.get(User, lin_id)
        assert row
        row.oversees = "default"
        session.add(row)
    with pages.browser("lin") as lin:
        assert ">desk</option>" not in lin.get("/staffing").text
        assert lin.get("/staffing?queue=desk").status_code == 422


def test_wrong_words_are_named(pages: Pages) -> None:
    with pages.program() as robot:
        for wrong in (
            "queue=no", "day=yesterday", "weeks=0", "weeks=14", "weeks=1.5", "level=nan", "occupancy=101",
            "shrinkage=100", "patience=-3", "more=x", "within=inf",
        ):  # fmt: skip
            answer = robot.get(f"/staffing?{wrong}")
            assert (answer.status_code, list(answer.json()["fields"])) == (422, [wrong.partition("=")[0]])


def test_half_hours_of_the_nights_in_which_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring, autumn = halfhours.clocks(date(2026, 3, 29), berlin), halfhours.clocks(date(2026, 10, 25), berlin)
    assert (len(spring), "02:00" in spring, spring[4]) == (46, False, "03:00")
    assert (len(autumn), autumn.count("02:00")) == (50, 2)


def test_a_doubled_half_hour_counts_by_the_time_it_lasts(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    path.write_text(
        "arrived,queue,customer,waited,outcome,agent,talked\n"
        "2026-10-25T02:05:00+02:00,desk,,0,answered,ann,1500\n"
        "2026-10-25T02:05:00+01:00,desk,,0,answered,ann,1500\n"
    )
    berlin = ZoneInfo("Europe/Berlin")
    assert not import_calls(engine, path, "DE", berlin).rejections
    with db.read(engine) as session:
        seen = halfhours.seen(session, "desk", [date(2026, 10, 25)], berlin, 20)
    two = seen.halves["02:00"]
    assert (two.calls, two.seconds) == (2, 3600)
    assert sum(half.present for half in seen.halves.values()) == 3600 + 1500
