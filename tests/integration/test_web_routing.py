"""What administrators set of routing, and what everybody sees of a decision."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from callcenter import db, events
from callcenter.calls import considered, ledger
from callcenter.people.models import AuditEntry
from callcenter.routing import queues
from callcenter.settings import Settings
from tests.pages import Pages, serve

RINGS = [{"until": 60.0, "needs": {"english": 50}}, {"until": 180.0, "needs": {"english": 20, "billing": 1}}]


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("mei", "admin", display_name="Mei")
        running.add_user("li", display_name="Li Na")
        running.add_user("wang", display_name="Wang")
        yield running


def test_skills_are_kept_and_asked_for(pages: Pages) -> None:
    with pages.program("admin", name="boss") as boss:
        asked = {
            "version": 1,
            "needs": RINGS,
            "strategy": "fewest_calls",
            "tiers": {"gold": 10},
            "order": "li, wang",
        }
        answer = boss.put("/queues/default", json=asked)
        assert answer.json()["fields"]["needs"] == "no agent has the skill billing, english"
        given = boss.put("/agents/li/skills", json={"version": 1, "skills": {"english": 80, "billing": 5}})
        assert (given.status_code, given.json()["skills"]) == (200, {"english": 80, "billing": 5})
        told = boss.put("/queues/default", json={**asked, "last_first": 20}).json()
        assert (told["needs"], told["tiers"], told["order"]) == (RINGS, {"gold": 10}, "li wang")
        assert boss.put("/agents/li/skills", json={"version": 2, "skills": "english 70"}).json()[
            "skills"
        ] == {"english": 70}
        assert boss.get("/agents/li").json()["agent"]["skills"] == {"english": 70}
        assert boss.get("/agents/li").json()["known"] == ["billing", "english"]
    assert {one["type"] for one in pages.asked()} == {"ReloadDirectory"}
    with pages.session() as session:
        kept = [row.detail for row in session.exec(select(AuditEntry)) if row.action == "user.skills"]
    assert kept == ["billing 5, english 80", "english 70"]


def test_the_form_shows_what_it_takes(pages: Pages) -> None:
    with pages.browser("mei") as mei:
        mei.put("/agents/li/skills", data={"version": "1", "skills": "english 80, billing 5"})
        form = {
            "version": "1",
            "needs": "60: english 50\r\n180: english 20, billing 1\r\n",
            "tiers": "gold 10, silver -5",
        }
        assert mei.put("/queues/default", data=form).status_code in (200, 303)
        page = mei.get("/queues/default").text
        assert "60: english 50\n180: english 20, billing 1</textarea>" in page
        assert 'value="gold 10, silver -5"' in page
        assert [name for name in queues.CHECKS if f'name="{name}"' not in page] == []
        assert (
            "english 80, billing 5" in mei.get("/agents/li").text
            or "billing 5, english 80" in mei.get("/agents/li").text
        )
    with pages.browser("li") as li:
        assert "Longest idle" in li.get("/queues/default").text
        assert li.put("/agents/li/skills", data={"skills": "english 100"}).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("strategy", "loudest"),
        ("order", "nobody_here"),
        ("needs", "60: english"),
        ("needs", "60 english 50"),
        ("needs", "60: english 500"),
        ("needs", "90: english 50\n60: english 20"),
        ("needs", "english 50\n60: english 20"),
        ("needs", [{"until": 60, "needs": ["english"]}]),
        ("needs", 5),
        ("needs", "[1"),
        ("tiers", "gold"),
        ("tiers", {"gold": "much"}),
        ("tiers", [1]),
        ("last_first", -1),
    ],
)
def test_a_wrong_rule_is_named(pages: Pages, field: str, value: object) -> None:
    with pages.program("admin", name="boss") as boss:
        boss.put("/agents/li/skills", json={"version": 1, "skills": {"english": 80}})
        answer = boss.put("/queues/default", json={"version": 1, field: value})
        assert answer.status_code == 422, answer.text
        assert list(answer.json()["fields"]) == [field]


@pytest.mark.parametrize(
    "skills", ["english", {"english": 0}, {"english": 101}, {"a b": 50}, {"english": "good"}, 5]
)
def test_a_wrong_skill_is_named(pages: Pages, skills: object) -> None:
    with pages.program("admin", name="boss") as boss:
        answer = boss.put("/agents/li/skills", json={"version": 1, "skills": skills})
        assert (answer.status_code, list(answer.json()["fields"])) == (422, ["skills"])
        assert boss.put("/agents/nobody/skills", json={"version": 1, "skills": {}}).status_code == 404
        assert boss.get("/agents/nobody").status_code == 404


def test_who_was_considered_stands_on_the_calls_page_in_plain_words(pages: Pages) -> None:
    now = db.now()
    at, later = now.timestamp(), (now + timedelta(seconds=60)).timestamp()
    told = [
        events.CallStarted(at, "c1", "inbound", "in", "+8613800000001", "hotline"),
        events.RoutingDecided(
            at,
            "c1",
            "default",
            "",
            "nobody",
            ("li wrap_up", "wang lacks:english:50"),
            0,
            relaxes=later,
            before=2,
            places=1,
        ),
        events.RoutingDecided(
            at + 5,
            "c1",
            "default",
            "li",
            "longest_idle",
            ("li ", "wang behind"),
            3,
            ("behind 1", "talking 3"),
            considered.pack({"": ["li"], "behind": ["wang"], "talking": ["p1", "p2", "p3"]}),
        ),
    ]
    with pages.session() as session:
        ledger.record(session, [(f"{place}-0", event) for place, event in enumerate(told, 1)])
    with pages.browser("mei") as mei:
        data = mei.get("/calls/c1", headers={"accept": "application/json"}).json()
        assert [(one["agent"], one["why"]) for one in data["decisions"]] == [
            ("", "nobody"),
            ("li", "longest_idle"),
        ]
        lacking = data["decisions"][0]["considered"][1]
        assert (lacking["agent"], lacking["why"], lacking["skill"], lacking["level"]) == (
            "wang",
            "lacks",
            "english",
            50,
        )
        page = mei.get("/calls/c1").text
        for words in (
            "nobody could take it",
            "Li Na: in wrap-up",
            "Wang: lacks english 50 until ",
            "the longest idle",
            "Wang: could have taken it, came behind",
            "callers before: 2 · kept places before: 1",
            "could have taken it, came behind 1; in a conversation 3",
            "All 5, in order",
            "3 more",
            "<dt>in a conversation (3)</dt><dd>p1; p2; p3</dd>",
        ):
            assert words in page, words
