"""Each role reaches exactly what it may, over all routes; rights over others end at the queues in scope."""

import re
from collections.abc import Iterator

import pytest

from callcenter import db
from callcenter.calls.models import Call
from callcenter.people import desk as people
from callcenter.people import rights
from callcenter.settings import Settings
from callcenter.web import app, auth
from tests.pages import Pages, serve

EVERYBODY = {"agent", "lead", "supervisor", "quality", "admin", "auditor"}
LEADERS = {"lead", "supervisor", "admin"}
SUPERVISORS = {"supervisor", "admin"}
WHO = {
    "": EVERYBODY,
    **dict.fromkeys(
        (
            "customers.see",
            "calls.see",
            "tickets.see",
            "callbacks.see",
            "messages.see",
            "surveys.see",
            "wallboard",
        ),
        EVERYBODY,
    ),
    **{key: {"agent", *LEADERS} for key in ("desk", "customers.write", "tickets.write", "messages.write")},
    **dict.fromkeys(
        ("agents.steer", "calls.steer", "queues.steer", "callbacks.steer", "calls.supervise"), LEADERS
    ),
    "recordings.hear": {"quality", *LEADERS},
    **dict.fromkeys(
        (
            *("tickets.supervise", "callers.bar", "calls.ladder", "metrics.see"),
            *("recordings.export", "recordings.hold"),
        ),
        SUPERVISORS,
    ),
    "reports.see": {"quality", "auditor", *SUPERVISORS},
    "messages.all": {"quality", "auditor", *SUPERVISORS},
    **{key: {"auditor", *SUPERVISORS} for key in ("tickets.export", "audit.see")},
    **{key: {"auditor", "admin"} for key in ("users.see", "settings.see")},
    **{key: {"admin"} for key in ("users.write", "settings.write", "lines.steer")},
}
"""Act -> who may. A new act belongs here, and so do the roles that have it."""
OWN = {"/sign-out", "/password", "/notices/{id:int}/reading"}
"""What anybody changes: the own session and password, the own notices."""


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        yield running


def test_the_table_of_rights_is_the_one_that_was_agreed() -> None:
    assert set(WHO) - {""} == rights.ACTS
    assert set(rights.ROLES) == EVERYBODY
    for act in rights.ACTS:
        assert {role for role in EVERYBODY if rights.may(role, act)} == WHO[act], act


def test_nothing_is_changed_by_the_right_to_look(settings: Settings) -> None:
    for route in app.routes(settings.data_dir):
        if isinstance(route, auth.Guarded) and not auth.SAFE.issuperset(route.methods or ()):
            assert route.path in OWN or not route.act.endswith((".see", "wallboard")), route.path
            assert route.path in OWN or route.act, route.path


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_a_role_reaches_exactly_the_routes_of_its_acts(pages: Pages, role: str) -> None:
    routes = [one for one in app.routes(pages.settings.data_dir) if isinstance(one, auth.Guarded)]
    assert len(routes) > 70
    wrong = []
    with pages.program(role) as client:
        for route in routes:
            path = re.sub(r"{[^}]*}", "1", route.path)
            for method in sorted((route.methods or set()) - {"HEAD"}):
                with client.stream(method, path, json=None if method == "GET" else {}) as answer:
                    refused = answer.status_code == 403
                    assert answer.status_code < 500 or path == "/health", (method, path)
                    if refused == (role in WHO[route.act]) and not _of_settings(path, role):
                        wrong.append((method, path))
    assert not wrong


def _of_settings(path: str, role: str) -> bool:
    """Agents hear their own recordings only where the centre allows it: not here."""
    return path == "/recordings" and role not in WHO["recordings.hear"]


def test_a_leads_rights_end_at_the_queues_that_he_serves(pages: Pages) -> None:
    pages.add_user("li", "lead", queues=("sales",))
    pages.add_user("wu", queues=("sales",))
    pages.add_user("mei", queues=("billing",))
    call = {"kind": "inbound", "state": "queued"}
    pages.board("calls", "c1", id="c1", queue="sales", **call)
    pages.board("calls", "c2", id="c2", queue="billing", **call)
    for name, queues in (("wu", ["sales"]), ("mei", ["billing"])):
        pages.board("agents", name, name=name, queues=queues, activity="wrap_up", status="available")
    for name in ("sales", "billing"):
        pages.board("queues", name, name=name)
    within = ("/calls/c1", "/agents/wu", "/queues/sales")
    beyond = ("/calls/c2", "/agents/mei", "/queues/billing")
    with pages.browser("li") as client:
        client.headers["accept"] = "application/json"
        for (call_path, agent, queue), status in ((within, 202), (beyond, 403)):
            for path, body in (
                (f"{call_path}/priority", {"priority": 5}),
                (f"{call_path}/supervision", {"mode": "listen"}),
                (f"{agent}/wrap-up", {}),
                (f"{agent}/status", {"status": "not_ready"}),
                (f"{queue}/closed", {"closed": True}),
            ):
                answer = client.put(path, json=body)
                assert answer.status_code == status, (path, answer.text)


def test_a_lead_gives_calls_to_his_own_people_only(pages: Pages) -> None:
    pages.add_user("li", "lead", queues=("sales",))
    pages.board("calls", "c1", id="c1", queue="sales", kind="inbound", state="queued")
    for name, queue in (("wu", "sales"), ("mei", "billing")):
        pages.board("agents", name, name=name, queues=[queue], status="available", reachable=True)
    with pages.browser("li") as client:
        client.headers["accept"] = "application/json"
        assert client.put("/calls/c1/agent", json={"agent": "mei"}).status_code == 403
        assert client.put("/calls/c1/agent", json={"agent": "wu"}).status_code == 202


def test_ladders_and_holds_end_at_the_scope_too(pages: Pages) -> None:
    pages.add_user("su", "supervisor", queues=(), oversees="sales")
    with pages.session() as session:
        for name in ("sales", "billing"):
            session.add(Call(id=name, queue=name, kind="inbound", direction="in", started_at=db.now()))
    with pages.browser("su") as client:
        client.headers["accept"] = "application/json"
        for name, refused in (("sales", False), ("billing", True)):
            for answer in (
                client.get(f"/calls/{name}/ladder"),
                client.get(f"/calls/{name}/ladder.txt"),
                client.put(f"/calls/{name}/recording-hold", json={"on": True, "reason": "court"}),
            ):
                assert (answer.status_code == 403) == refused, (name, answer.text)


def test_a_lead_moves_callbacks_of_his_queues_and_people_only(pages: Pages) -> None:
    li = pages.add_user("li", "lead", queues=("sales",))
    wu, mei = pages.add_user("wu", queues=("sales",)), pages.add_user("mei", queues=("billing",))
    with pages.session() as session:
        for queue, owner, may in (
            ("sales", mei, True),
            ("", wu, True),
            ("", mei, False),
            ("billing", mei, False),
        ):
            assert people.steers(session, li, "callbacks.steer", queue, owner.id) == may
        assert not people.steers(session, wu, "callbacks.steer", "sales", mei.id)


def test_a_supervisor_may_be_confined_to_queues(pages: Pages) -> None:
    user = pages.add_user("su", "supervisor", queues=())
    for name in ("sales", "billing"):
        pages.board("queues", name, name=name)
    with pages.browser("su") as client:
        client.headers["accept"] = "application/json"
        assert client.put("/queues/billing/closed", json={}).status_code == 202
        with pages.session() as session:
            user.oversees = "sales"
            session.add(user)
        assert client.put("/queues/billing/closed", json={}).status_code == 403
        assert client.put("/queues/sales/closed", json={}).status_code == 202


def test_who_only_reads_is_shown_nothing_to_do(pages: Pages) -> None:
    pages.add_user("au", "auditor", phone="1009")
    with pages.browser("au") as client:
        assert client.get("/").headers["location"] == "/board"
        page = client.get("/board").text
        assert 'href="/desk"' not in page
        assert "/desk/live" not in page
        assert "Auditor" in page
