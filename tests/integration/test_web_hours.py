"""Hours by page and JSON: checked, by version, put back; a change reaches the conductor."""

from collections.abc import Iterator

import httpx
import pytest

from callcenter.hours import calendars
from callcenter.people import desk as people
from callcenter.settings import Settings
from tests.pages import Pages, serve

WEEK = ["9:00-12:00 13:00-18:00"] * 5 + ["", ""]


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        yield running


@pytest.fixture
def admin(pages: Pages) -> Iterator[httpx.Client]:
    pages.add_user("root", "admin", queues=())
    with pages.browser("root") as client:
        client.headers["accept"] = "application/json"
        yield client


def test_a_calendar_is_made_changed_and_put_back(pages: Pages, admin: httpx.Client) -> None:
    form = {
        "name": "shop",
        "zone": "Asia/Shanghai",
        **{f"day_{place}": text for place, text in enumerate(WEEK)},
    }
    made = admin.post("/hours", data=form)
    assert made.status_code == 201, made.text
    assert made.json()["windows"][0] == [["09:00", "12:00"], ["13:00", "18:00"]]
    holidays = "2026-10-01\n2026-10-10 09:00-24:00\n"
    change = {"version": 1, "exceptions": holidays, "covers_until": "2026-12-31"}
    assert admin.put("/hours/shop", json=change).json()["changed"] == ["exceptions", "covers_until"]
    late = admin.put(
        "/hours/shop", json={"version": 1, "zone": "Europe/Berlin", "covers_until": "2027-12-31"}
    )
    assert (late.status_code, late.json()["fields"]["covers_until"]) == (409, "is '2026-12-31' now, by root")
    assert admin.put("/hours/shop", json={"version": 2, "exceptions": {}}).status_code == 200
    _, filled, _ = admin.get("/history?noun=calendar&name=shop").json()["changes"]
    assert admin.put(f"/history/{filled['id']}/restoration", json={}).json()["changed"] == ["exceptions"]
    kept = admin.get("/hours/shop").json()["calendar"]
    assert kept["exceptions"] == {"2026-10-01": [], "2026-10-10": [["09:00", "24:00"]]}
    with pages.session() as session:
        assert calendars.load(session, "shop").covers_until is not None
    assert len(pages.asked()) == 4


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"zone": "Asia/Nowhere"}, "zone"),
        ({"windows": [[]] * 7}, "windows"),
        ({"windows": [[]] * 6}, "windows"),
        ({"windows": ["18:00-09:00", *WEEK[1:]]}, "windows"),
        ({"windows": ["09:00-12:00 11:00-18:00", *WEEK[1:]]}, "windows"),
        ({"windows": ["25:00-26:00", *WEEK[1:]]}, "windows"),
        ({"windows": [[1], *WEEK[1:]]}, "windows"),
        ({"exceptions": "tomorrow"}, "exceptions"),
        ({"covers_until": "soon"}, "covers_until"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(admin: httpx.Client, given: dict[str, object], field: str) -> None:
    answer = admin.put("/hours/office", json={"version": 1, **given})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])
    assert admin.get("/hours/office").json()["calendar"]["version"] == 1


@pytest.mark.parametrize("language", ["en", "zh_Hans", "zh_Hant"])
def test_the_pages_show_in_every_language(pages: Pages, admin: httpx.Client, language: str) -> None:
    change = {"version": 1, "exceptions": "2026-10-01\n2026-10-10 09:00-18:00"}
    assert admin.put("/hours/office", json=change).status_code == 200
    pages.add_user("wu")
    with pages.session() as session:
        for name in ("root", "wu"):
            user = people.by_name(session, name)
            assert user
            user.language = language
            session.add(user)
    admin.headers["accept"] = "text/html"
    with pages.browser("wu") as agent:
        for client in (admin, agent):
            for path in ("/hours", "/hours/office"):
                assert client.get(path).status_code == 200
            assert "2026-10-10" in client.get("/hours/office").text
    assert "2026-10-10 09:00-18:00" in admin.get("/history").text
