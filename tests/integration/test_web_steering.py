"""The supervisor's hand by JSON and page: who may, what is refused at once, what reaches the conductor and the audit log."""

from collections.abc import Iterator

import pytest
from sqlmodel import select

from callcenter import db
from callcenter.calls.models import Call
from callcenter.people.models import AuditEntry
from callcenter.settings import Settings
from tests.pages import Pages, serve


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("mei", "supervisor", display_name="Mei")
        running.add_user("li", display_name="Li Na")
        for key, name, entry in (
            (
                "calls",
                "c1",
                {"kind": "inbound", "state": "queued", "queue": "default", "caller": "+8613800000001"},
            ),
            ("calls", "c2", {"kind": "inbound", "state": "bridged", "queue": "default", "agent": "wang"}),
            ("agents", "li", {"status": "break", "reachable": True, "queues": ["default"]}),
            ("agents", "wang", {"status": "available", "reachable": True, "activity": "wrap_up"}),
            ("queues", "default", {"waiting": 1}),
            ("queues", "second", {}),
            ("queues", "shut", {"closed": True, "closed_by": "mei"}),
        ):
            running.board(key, name, **{"id" if key == "calls" else "name": name}, **entry)
        yield running


def test_acts_reach_the_conductor_and_the_audit_log(pages: Pages) -> None:
    with pages.program(name="sue") as sue:
        for path, body in (
            ("/calls/c1/agent", {"agent": "li"}),
            ("/calls/c1/queue", {"queue": "second"}),
            ("/calls/c1/priority", {"priority": -3}),
            ("/agents/wang/wrap-up", {}),
            ("/queues/second/closed", {"closed": True, "waiting": "leave"}),
            ("/queues/shut/closed", {"closed": False}),
        ):
            assert sue.put(path, json=body).status_code == 202, path
    asked = [{name: value for name, value in one.items() if name != "by"} for one in pages.asked()]
    assert asked == [
        {"type": "AssignCall", "call": "c1", "agent": "li"},
        {"type": "MoveCall", "call": "c1", "queue": "second"},
        {"type": "RankCall", "call": "c1", "priority": -3},
        {"type": "EndWrapUp", "agent": "wang"},
        {"type": "CloseQueue", "queue": "second", "closed": True, "send_away": True},
        {"type": "CloseQueue", "queue": "shut", "closed": False, "send_away": False},
    ]
    assert {one["by"] for one in pages.asked()} == {"sue"}
    with pages.session() as session:
        kept = [
            (row.action, row.subject, row.detail)
            for row in session.exec(select(AuditEntry))
            if "." in row.action
        ]
    for wanted in (
        ("call.assigned", "c1", "li"),
        ("call.ranked", "c1", "-3"),
        ("queue.closed", "second", "leave"),
    ):
        assert wanted in kept


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/calls/c1/agent", {"agent": "nobody"}, 422, "agent"),
        ("/calls/c1/agent", {"agent": "wang"}, 422, "agent"),
        ("/calls/c1/agent", {}, 422, "agent"),
        ("/calls/c2/agent", {"agent": "li"}, 409, ""),
        ("/calls/gone/agent", {"agent": "li"}, 404, ""),
        ("/calls/c1/queue", {"queue": "nowhere"}, 422, "queue"),
        ("/calls/c1/queue", {"queue": "default"}, 422, "queue"),
        ("/calls/c1/queue", {"queue": "shut"}, 422, "queue"),
        ("/calls/c1/priority", {"priority": "high"}, 422, "priority"),
        ("/calls/c1/priority", {"priority": 5000}, 422, "priority"),
        ("/agents/li/wrap-up", {}, 409, ""),
        ("/agents/nobody/wrap-up", {}, 404, ""),
        ("/queues/nowhere/closed", {}, 404, ""),
        ("/queues/second/closed", {"waiting": "fly"}, 422, "waiting"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    pages: Pages, path: str, body: dict[str, object], status: int, field: str
) -> None:
    with pages.program(name="sue") as sue:
        answer = sue.put(path, json=body)
    assert (answer.status_code, list(answer.json()["fields"])) == (status, [field] if field else [])
    assert not pages.asked()


@pytest.mark.parametrize(
    "path", ["/calls/c1/agent", "/calls/c1/queue", "/agents/wang/wrap-up", "/queues/second/closed"]
)
def test_an_agent_may_not(pages: Pages, path: str) -> None:
    with pages.program("agent", name="bot") as agent:
        assert agent.put(path, json={"agent": "li", "queue": "second"}).status_code == 403


def test_pages_offer_what_can_be_done(pages: Pages) -> None:
    with pages.session() as session:
        session.add(Call(id="c1", caller="+8613800000001", started_at=db.now()))
        session.commit()
    with pages.browser("mei") as mei:
        assert "/calls/c1/agent" in mei.get("/board").text
        assert "Give the call to" in mei.get("/calls/c1").text
        assert "Close the queue now" in mei.get("/queues/default").text
    with pages.browser("li") as li:
        assert "Give the call to" not in li.get("/calls/c1").text
        assert "Close the queue now" not in li.get("/queues/default").text
