"""Customers, calls, callbacks, surveys and queues: two faces, rights, pages by key, wrong input named."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlmodel import select

from callcenter import db, defaults, events
from callcenter.callbacks.models import Callback
from callcenter.calls.models import Call, CallEvent
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.outbound.models import Attempt
from callcenter.people.models import AuditEntry, User
from callcenter.settings import Settings
from callcenter.surveys.models import Survey
from callcenter.tickets.models import Ticket
from tests.pages import Pages, serve

NUMBER = "+8613912345678"
LISTS = ("customers", "calls", "callbacks", "surveys", "queues")


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        engine = db.connect(settings.sql)
        defaults.ensure(engine, settings)
        engine.dispose()
        running.add_user("mei", display_name="Mei", phone="2001")
        yield running


def customer(pages: Pages, name: str = "Chen Wei 陈伟", number: str = NUMBER, **more: object) -> int:
    with pages.session() as session:
        made = Customer(name=name, created_at=db.now(), **more)
        session.add(made)
        session.flush()
        assert made.id
        session.add(CustomerNumber(customer_id=made.id, e164=number, tail=number[-8:]))
        return made.id


def complaint(pages: Pages, who: int, number: str = "C-1") -> int:
    with pages.session() as session:
        owner = session.get(User, 1)
        assert owner
        made = Ticket(
            number=number,
            customer_id=who,
            contact_number=NUMBER,
            wants="a technician",
            state="closed",
            owner_id=owner.id,
            first_responder_id=owner.id,
            received_at=db.now(),
            created_at=db.now(),
            token=number,
        )
        session.add(made)
        session.flush()
        assert made.id
        return made.id


def walk(client: httpx.Client, address: str, key: str) -> list[dict[str, object]]:
    """Every row, page by page; no row twice."""
    rows: list[dict[str, object]] = []
    after = ""
    while True:
        asked = httpx.URL(address).copy_merge_params({"limit": "3", **({"after": after} if after else {})})
        told = client.get(asked).json()
        rows += told[key]
        after = told["next"]
        if not after:
            assert len({row["id"] for row in rows}) == len(rows)
            return rows


@pytest.mark.parametrize("name", LISTS)
def test_each_list_is_a_page_and_json_and_for_those_who_signed_in(pages: Pages, name: str) -> None:
    with pages.browser("mei") as mei:
        page = mei.get(f"/{name}")
        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]
        assert 'aria-current="page"' in page.text
    with pages.program("agent") as robot:
        assert name in robot.get(f"/{name}").json()
    with pages.client(accept="application/json") as nobody:
        assert nobody.get(f"/{name}").json()["error"] == "not-signed-in"


@pytest.mark.parametrize("name", LISTS)
def test_what_is_not_there_is_said_on_both_faces(pages: Pages, name: str) -> None:
    with pages.program("agent") as robot:
        answer = robot.get(f"/{name}/987654")
        assert (answer.status_code, answer.json()["error"]) == (404, "not-found")
    with pages.browser("mei") as mei:
        page = mei.get(f"/{name}/987654")
        assert page.status_code == 404
        assert "Nothing was changed" in page.text


@pytest.mark.parametrize("name", LISTS[:4])
def test_a_wrong_filter_and_a_wrong_page_are_named(pages: Pages, name: str) -> None:
    with pages.program("agent") as robot:
        for wrong in ("colour=red", "limit=none", "limit=0"):
            answer = robot.get(f"/{name}?{wrong}")
            assert answer.status_code == 422
            assert list(answer.json()["fields"]) == [wrong.partition("=")[0]]
        assert robot.get(f"/{name}?after=nonsense").json()["fields"] == {"after": "is no end of a page"}


def test_customers_are_found_by_name_number_organisation_and_id(pages: Pages) -> None:
    chen = customer(pages, organisation="Rainbow Towers", external_id="K-77")
    wang = customer(pages, "Wang Fang 王芳", "+8613800138000")
    with pages.program("agent") as robot:

        def found(text: str) -> list[int]:
            return [row["id"] for row in robot.get("/customers", params={"q": text}).json()["customers"]]

        for text in (
            "chen",
            "伟",
            "rainbow",
            "K-77",
            "chen towers",
            "139 1234 5678",
            NUMBER,
            "5678",
            "12345678",
        ):
            assert found(text) == [chen], text
        assert found("") == [wang, chen]
        assert found("chen fang") == []
        assert found("100%") == []


def test_customers_are_paged_by_key(pages: Pages) -> None:
    ids = [customer(pages, f"Li {n}", f"+861390000{n:04}") for n in range(8)]
    with pages.program("agent") as robot:
        assert [row["id"] for row in walk(robot, "/customers", "customers")] == ids[::-1]


def test_a_new_caller_becomes_a_customer_with_a_number_in_e164(pages: Pages) -> None:
    with pages.program("agent", name="mei") as mei:
        body = {
            "name": "Wu Lan 吴兰",
            "number": "138-0013-8000",
            "language": "zh_Hans",
            "call": "c1",
            "tier": "",
        }
        answer = mei.post("/customers", json=body)
        assert answer.status_code == 201
        made = answer.json()
        assert [number["e164"] for number in made["numbers"]] == ["+8613800138000"]
        assert mei.post("/customers", json=body).json()["fields"].keys() == {"number"}
        wrong = mei.post("/customers", json={"number": "12", "name": "X", "tier": "Z", "colour": "red"})
        assert wrong.status_code == 422
        assert wrong.json()["fields"].keys() >= {"tier", "colour"}
        assert "number" in mei.post("/customers", json={"number": "12", "name": "X"}).json()["fields"]
        assert "name" in mei.post("/customers", json={"number": NUMBER}).json()["fields"]
        assert "self" in mei.post("/customers", json={"name": "X", "self": 1}).json()["fields"]
    bound = [asked for asked in pages.asked() if asked["type"] == "BindCustomer"]
    assert [(asked["call"], asked["customer"]) for asked in bound] == [("c1", made["id"])]


def test_a_customer_is_corrected_by_who_saw_the_last_version(pages: Pages) -> None:
    who = customer(pages, external_id="K-1")
    other = customer(pages, "Wang Fang", "+8613800138000", external_id="K-2")
    with pages.program("agent", name="mei") as mei:
        address = f"/customers/{who}"
        version = mei.get(address).json()["customer"]["version"]
        put = {"version": version, "region": "Nanjing", "warranty_ends": "2026-08-31", "do_not_call": True}
        told = mei.put(address, json=put).json()
        assert (told["region"], told["warranty_ends"], told["do_not_call"]) == ("Nanjing", "2026-08-31", True)
        assert mei.put(address, json=put).json()["error"] == "stale"
        again = {"version": told["version"]}
        assert "version" in mei.put(address, json={"region": "X"}).json()["fields"]
        assert "external_id" in mei.put(address, json={**again, "external_id": "K-2"}).json()["fields"]
        assert "warranty_ends" in mei.put(address, json={**again, "warranty_ends": "3/4/26"}).json()["fields"]
        assert "name" in mei.put(address, json={**again, "name": " "}).json()["fields"]
        assert mei.put(address, json={**again, "warranty_ends": ""}).json()["warranty_ends"] is None
        assert mei.get(f"/customers/{other}").json()["customer"]["external_id"] == "K-2"
        added = mei.post(f"{address}/numbers", json={"number": "025 8473 1234", "label": "office"})
        assert added.status_code == 201
        assert {"e164": "+862584731234", "label": "office"}.items() <= added.json()["numbers"][1].items()
        assert "number" in mei.post(f"{address}/numbers", json={"number": "none"}).json()["fields"]
    with pages.session() as session:
        assert {row.action for row in session.exec(select(AuditEntry))} >= {
            "customer.changed",
            "customer.number",
        }


def test_a_customer_is_seen_from_all_sides(pages: Pages) -> None:
    who = customer(pages, tier="A", organisation="Rainbow Towers")
    call(pages, "c1", customer_id=who, outcome="answered", note="will send a part")
    with pages.browser("mei") as mei:
        page = mei.get(f"/customers/{who}").text
        for text in ("Chen Wei 陈伟", "Rainbow Towers", "139 1234 5678", "will send a part", "/calls/c1"):
            assert text in page
        token = mei.headers["x-page-token"]
        form = {"name": "Zhao", "number": "13800138001", "organisation": "", "page_token": token}
        answer = mei.post("/customers", data=form)
        assert answer.status_code == 303
        assert "Zhao" in mei.get(answer.headers["location"]).text


def call(pages: Pages, key: str, **fields: object) -> None:
    values = {"caller": NUMBER, "called": "hotline", "queue": "default", "started_at": db.now(), **fields}
    with pages.session() as session:
        session.add(Call(id=key, **values))


def test_calls_are_filtered_and_their_outcomes_add_up(pages: Pages) -> None:
    long_ago = db.now() - timedelta(days=3)
    for n in range(7):
        outcome = ("answered", "abandoned", "lost_by_us")[n % 3]
        call(pages, f"c{n}", agent="mei" if n % 3 == 0 else "", outcome=outcome)
    call(pages, "old", outcome="answered", agent="mei", started_at=long_ago)
    call(pages, "live", queue="billing", caller="+8613800138000")
    with pages.program("agent") as robot:
        everything = walk(robot, "/calls", "calls")
        assert len(everything) == 9
        assert everything[-1]["id"] == "old"
        today = robot.get("/calls?queue=default&today=1").json()
        assert today["outcomes"] == {"answered": 3, "abandoned": 2, "lost_by_us": 2}
        assert today["total"] == sum(today["outcomes"].values()) == len(today["calls"])

        def ids(asked: str) -> set[str]:
            return {row["id"] for row in robot.get(f"/calls?{asked}").json()["calls"]}

        assert ids("agent=mei&outcome=answered") == {"c0", "c3", "c6", "old"}
        assert ids("caller=138 0013 8000") == ids("outcome=live") == ids("queue=billing") == {"live"}
        assert ids(f"day={long_ago.astimezone(pages.settings.home_zone).date()}") == {"old"}
        assert robot.get("/calls?day=tomorrow").json()["fields"].keys() == {"day"}
    with pages.browser("mei") as mei:
        page = mei.get("/calls?today=1&queue=default").text
        assert "= <strong>7</strong>" in page


def test_a_call_tells_to_whom_it_was_offered_and_what_came_of_it(pages: Pages) -> None:
    begun = db.now()
    at = begun.timestamp()
    call(pages, "c1", started_at=begun, agent="mei", outcome="answered")
    happened = [
        events.CallStarted(at, "c1", "inbound", "in", NUMBER, "hotline"),
        events.CallOffered(at + 1, "c1", "o1", "li", "default", NUMBER, at + 21),
        events.OfferEnded(at + 21, "c1", "o1", "li", "missed"),
        events.CallOffered(at + 21, "c1", "o2", "mei", "default", NUMBER, at + 41),
        events.OfferEnded(at + 25, "c1", "o2", "mei", "answered"),
        events.CallAnswered(at + 25, "c1", "mei", 25.0, "default"),
    ]
    with pages.session() as session:
        for place, event in reversed(list(enumerate(happened))):
            name, body = type(event).__name__, events.public.encode(event)
            session.add(CallEvent(entry=f"{9 + place}-0", call_id="c1", type=name, at=begun, body=body))
    with pages.program("agent") as robot:
        told = robot.get("/calls/c1").json()
    assert [one["type"] for one in told["events"]] == [type(event).__name__ for event in happened]
    assert [(one["agent"], one["outcome"]) for one in told["offers"]] == [
        ("li", "missed"),
        ("mei", "answered"),
    ]
    with pages.browser("mei") as mei:
        page = mei.get("/calls/c1").text
        assert "not answered in time" in page


def test_callbacks_show_refusals_and_are_moved_by_their_owner(pages: Pages) -> None:
    li = pages.add_user("li")
    who, now = customer(pages), db.now()
    mei_id = li.id - 1 if li.id else 0
    with pages.session() as session:
        for n in range(8):
            session.add(
                Callback(
                    reason="owed", customer_id=who, number=NUMBER, owner_id=mei_id, queue="default",
                    due_at=now + timedelta(hours=1 + n // 2), counts_from=now, created_at=now,
                )
            )  # fmt: skip
        session.flush()
        session.add(
            Attempt(
                id="a1", kind="callback", ref=1, number=NUMBER, state="refused", reason="outside_hours",
                created_at=now, ended_at=now,
            )
        )  # fmt: skip
    with pages.program("agent", name="mei") as mei, pages.program("agent", name="li") as other:
        assert len(walk(mei, "/callbacks", "callbacks")) == 8
        assert len(mei.get("/callbacks?whose=mine").json()["callbacks"]) == 8
        assert other.get("/callbacks?whose=mine").json()["callbacks"] == []
        assert mei.get("/callbacks?state=lost").json()["fields"].keys() == {"state"}
        told = mei.get("/callbacks/1").json()
        assert [(one["state"], one["reason"]) for one in told["attempts"]] == [("refused", "outside_hours")]
        assert told["actions"] == ["time", "cancellation"]
        assert other.get("/callbacks/1").json()["actions"] == []
        version = {"version": told["callback"]["version"]}
        assert (
            other.put("/callbacks/1/time", json={**version, "due_at": "now"}).json()["error"] == "not-yours"
        )
        assert mei.put("/callbacks/1/time", json={**version, "due_at": "soon"}).json()["fields"].keys() == {
            "due_at"
        }
        moved = mei.put("/callbacks/1/time", json={**version, "due_at": "2031-01-02T09:00"})
        assert datetime.fromisoformat(moved.json()["due_at"]) == datetime(
            2031, 1, 2, 1, tzinfo=UTC
        )  # Shanghai
        assert mei.put("/callbacks/1/time", json={**version, "due_at": "now"}).json()["error"] == "stale"
        version = {"version": moved.json()["version"]}
        assert mei.put("/callbacks/1/cancellation", json=version).json()["state"] == "cancelled"
        version = {"version": version["version"] + 1}
        assert mei.put("/callbacks/1/cancellation", json=version).json()["error"] == "wrong-state"
        assert len(mei.get("/callbacks").json()["callbacks"]) == 7
    with pages.browser("mei") as browser:
        assert "outside the hours" in browser.get("/callbacks/1").text
        token = browser.headers["x-page-token"]
        form = {"version": "2", "due_at": "now", "page_token": token}
        assert browser.post("/callbacks/2/time", data=form).status_code in {303, 409}


def test_surveys_come_to_a_mean_that_can_be_checked(pages: Pages) -> None:
    who, now = customer(pages), db.now()
    for cycle, score in enumerate((5, 4, 1, 0, 2), 1):
        ticket = complaint(pages, who, f"C-{cycle}")
        with pages.session() as session:
            session.add(
                Survey(
                    ticket_id=ticket, agent_id=1, customer_id=who, number=NUMBER, language="cmn", due_at=now,
                    state="answered" if score else "due", score=score, answered_at=now if score else None,
                    created_at=now, call_id="c9",
                )
            )  # fmt: skip
    with pages.program("agent") as robot:
        told = robot.get("/surveys").json()
        scores = [row["score"] for row in told["surveys"] if row["score"]]
        assert told["figures"]["mean"] == sum(scores) / len(scores) == 3.0
        assert (told["figures"]["answered"], told["figures"]["count"]) == (4, 5)
        assert sum(told["figures"]["scores"].values()) == 4
        assert [row["score"] for row in robot.get("/surveys?score=low").json()["surveys"]] == [2, 1]
        assert len(walk(robot, "/surveys?state=answered", "surveys")) == 4
        assert robot.get("/surveys?agent=mei").json()["figures"]["count"] == 5
        assert robot.get("/surveys?agent=nobody").json()["surveys"] == []
        assert robot.get("/surveys?score=9").json()["fields"].keys() == {"score"}
    with pages.browser("mei") as mei:
        assert "3.00" in mei.get("/surveys").text
        page = mei.get("/surveys/3").text
        assert "1 / 5" in page
        assert "/calls/c9" in page


def test_what_a_queue_was_offered_is_the_sum_of_what_became_of_it(pages: Pages) -> None:
    counted = {"answered": 8, "abandoned": 2, "short_abandon": 3, "deflected": 1, "lost": 1}
    pages.board("queues", "default", name="default", offered=17, within=6, **counted)
    for n in range(2):
        pages.board(
            "calls", f"c{n}", id=f"c{n}", state="queued", queue="default", queued=time.time() - 30 - n
        )
    with pages.program("agent") as robot:
        live = robot.get("/queues").json()["queues"][0]["live"]
        assert live["offered"] == sum(live[name] for name in counted) + live["in_queue"]
        assert (live["in_queue"], live["waiting"], live["level"]) == (2, 2, 0.6)
        assert live["longest_wait"] > 29
    with pages.browser("mei") as mei:
        for address in ("/queues", "/queues/default"):
            page = mei.get(address).text
            assert "answered within 20 s / (answered + abandoned) = 6 / 10" in page
            assert "60 %" in page


def test_an_administrator_changes_a_queue_and_the_conductor_is_told(pages: Pages) -> None:
    with pages.program("supervisor") as supervisor, pages.program("admin", name="boss") as boss:
        put = {"ring_time": "25", "greeting": "您好", "max_length": 40, "service_level": 30}
        refused = supervisor.put("/queues/default", json=put)
        assert (refused.status_code, refused.json()["error"]) == (403, "not-allowed")
        blind = boss.put("/queues/default", json=put)
        assert (blind.status_code, list(blind.json()["fields"])) == (422, ["version"])
        told = boss.put("/queues/default", json={**put, "version": 1}).json()
        assert told["changed"] == sorted(put)
        assert (told["ring_time"], told["greeting"], told["max_length"]) == (25.0, "您好", 40)
        assert boss.put("/queues/default", json={**put, "version": 2}).json()["changed"] == []
        wrong = {
            "ring_time": "soon", "wrap_up": -1, "music": "http://x", "max_wait": "nan", "max_length": "1.5",
            "service_target": 80, "numbers": "no number?<", "colour": "red", "greeting": "x" * 2000,
        }  # fmt: skip
        answer = boss.put("/queues/default", json={**wrong, "version": 2})
        assert answer.status_code == 422
        assert answer.json()["fields"].keys() == wrong.keys()
        assert boss.put("/queues/nothing", json={**put, "version": 1}).status_code == 404
    assert [asked["type"] for asked in pages.asked()] == ["ReloadDirectory"]
    with pages.session() as session:
        told = [row.detail for row in session.exec(select(AuditEntry)) if row.action == "queue.changed"]
    assert len(told) == 1
    assert "ring_time: 20.0 -> 25.0" in told[0]
