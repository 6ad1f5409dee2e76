"""The desk as the server sends it: the pop goes to the offered agent alone, at once, and is withdrawn."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from callcenter import db, events
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.settings import Settings
from callcenter.voicemail.models import Message
from tests.pages import Pages, frames, serve, until

NUMBER = "+8613912345678"


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("mei", display_name="Mei", phone="2001")
        running.add_user("li", display_name="Li", phone="2002")
        with running.session() as session:
            customer = Customer(name="Chen Wei 陈伟", tier="A", region="Nanjing", created_at=db.now())
            session.add(customer)
            session.flush()
            assert customer.id
            session.add(CustomerNumber(customer_id=customer.id, e164=NUMBER, tail=NUMBER[-8:]))
        yield running


def offered(pages: Pages, agent: str, call: str = "c1") -> str:
    now = time.time()
    pages.board("calls", call, id=call, state="offered", caller=NUMBER, agent=agent, offer="o1", since=now)
    pages.board("agents", agent, name=agent, status="available", activity="offered", call=call, offer="o1")
    return pages.tell(events.CallOffered(now, call, "o1", agent, "default", NUMBER, now + 20))


def withdrawn(pages: Pages, agent: str, call: str = "c1") -> None:
    now = time.time()
    pages.board("agents", agent, name=agent, status="available", activity="idle", call="", offer="")
    pages.tell(events.OfferEnded(now, call, "o1", agent, "withdrawn"))


def part(lines: Iterator[dict[str, Any]], name: str, wanted: str) -> str:
    """The first frame in which a part holds a text."""
    for frame in lines:
        html: str = frame.get("data", {}).get("parts", {}).get(name, "")
        if wanted in html:
            return html
    raise AssertionError(f"the stream ended without {wanted}")


def test_the_pop_comes_with_the_offer_and_goes_with_it(pages: Pages) -> None:
    with pages.browser("mei") as client:
        after = client.get("/desk", headers={"accept": "application/json"}).json()["after"]
        with client.stream("GET", f"/desk/live?after={after}&tab=one") as live:
            sent = frames(live.iter_lines())
            until(lambda: pages.asked())
            offered(pages, "mei")
            assert "Nanjing" in part(sent, "pop", "Chen Wei 陈伟")
            withdrawn(pages, "mei")
            part(sent, "pop", "Nobody is calling")
    assert {asked["type"] for asked in pages.asked()} == {"SignIn"}


def test_a_reload_shows_the_same_pop_and_nobody_else_sees_it(pages: Pages) -> None:
    offered(pages, "mei")
    with pages.browser("mei") as mei, pages.browser("li") as li:
        assert "Chen Wei 陈伟" in mei.get("/desk").text
        assert "Chen Wei 陈伟" not in li.get("/desk").text


def test_what_the_caller_said_to_us_is_there_until_somebody_has_settled_it(pages: Pages) -> None:
    with pages.session() as session:
        row = Message(call_id="m1", recording_id="r1", queue="default", number=NUMBER, left_at=db.now())
        session.add(row)
        session.flush()
        message = row.id
    offered(pages, "mei")
    with pages.browser("mei") as mei:
        assert "nobody has taken it" in mei.get("/desk").text
        customer = mei.get("/customers/1")
        assert "Message of 0:00 for default" in customer.text
        assert 'href="/calls/m1"' in customer.text
        accept = {"accept": "application/json"}
        (shown,) = mei.get("/customers/1", headers=accept).json()["messages"]
        assert (shown["id"], shown["state"]) == (message, "new")
        for noun in ("owner", "closure"):
            version = mei.get(f"/messages/{message}", headers=accept).json()["message"]["version"]
            done = mei.put(f"/messages/{message}/{noun}", json={"version": version}, headers=accept)
            assert done.status_code == 200
        assert "Message of" not in mei.get("/desk").text
        assert "Message left" in mei.get("/customers/1").text  # the timeline keeps it


def test_what_the_line_lacks_the_desk_does_not_offer(pages: Pages) -> None:
    call = {"id": "c1", "state": "bridged", "agent": "mei", "line": "line1", "since": time.time()}
    call |= {"recording_state": "on", "recording_mode": "demand"}
    pages.board("calls", "c1", **call)
    pages.board("agents", "mei", name="mei", status="available", activity="talking", call="c1", offer="")
    offers = {
        "mute": "/calls/c1/mute",
        "send_digits": "/calls/c1/digits",
        "bridge": "/calls/c1/hold",
        "recording": "/calls/c1/recording",
    }
    with pages.browser("mei") as mei:
        for lacks in ([], ["recording"], list(offers)):
            pages.board("lines", "line1", name="line1", lacks=lacks)
            shown = mei.get("/desk").text
            for capability, address in offers.items():
                assert (f'action="{address}"' in shown) is (capability not in lacks)


def test_a_connection_goes_on_where_it_was_lost(pages: Pages) -> None:
    with pages.browser("mei") as client:
        after = pages.tell(events.QueueChanged(time.time(), "default", 0, 0.0))
        offered(pages, "mei")
        with client.stream("GET", "/desk/live?tab=one", headers={"last-event-id": after}) as live:
            part(frames(live.iter_lines()), "pop", "Chen Wei 陈伟")


def test_one_tab_is_the_desk_and_another_can_take_it_over(pages: Pages) -> None:
    with pages.browser("mei") as client, client.stream("GET", "/desk/live?tab=one") as first:
        begun = first.iter_raw()
        next(begun)
        with client.stream("GET", "/desk/live?tab=two") as second:
            assert next(frames(second.iter_lines()))["event"] == "elsewhere"
        assert client.put("/desk/seat", json={"tab": "two"}).status_code in {200, 303}
        with client.stream("GET", "/desk/live?tab=two") as second:
            assert next(frames(second.iter_lines()))["event"] == "parts"
        told = frames(line for raw in begun for line in raw.decode().split("\n"))
        assert any(frame.get("event") == "elsewhere" for frame in told)


def test_buttons_append_commands_and_are_answered_at_once(pages: Pages) -> None:
    pages.board("calls", "c1", id="c1", state="bridged", agent="mei")
    with pages.program("agent", name="mei") as client:
        put = {
            "/desk/status": {"status": "break", "reason": "meal"},
            "/offers/o1/rejection": {},
            "/calls/c1/hold": {"on": True},
            "/calls/c1/mute": {"on": False},
            "/calls/c1/digits": {"digits": "12#"},
            "/calls/c1/end": {},
            "/desk/wrap-up": {"seconds": 30},
            "/calls/c1/wrap-up": {"disposition": "resolved", "note": "done"},
        }
        for address, body in put.items():
            assert client.put(address, json=body).status_code == 202, address
        assert client.put("/calls/gone/hold", json={"on": True}).status_code == 404
        assert client.put("/desk/status", json={"status": "asleep"}).status_code == 422
        assert client.put("/calls/c1/digits", json={"digits": "x"}).json()["error"] == "invalid-input"
        assert client.put("/calls/c1/customer", json={"customer": 999}).status_code == 404
    assert [asked["type"] for asked in pages.asked()] == [
        "SetStatus", "RejectOffer", "HoldCall", "MuteCall", "SendCallDigits", "HangUpCall", "ExtendWrapUp",
        "FinishWrapUp",
    ]  # fmt: skip
    assert {asked["agent"] for asked in pages.asked()} == {"mei"}


def test_a_complaint_is_logged_once_however_often_the_form_is_sent(pages: Pages) -> None:
    body = {"contact_number": "139 1234 5678", "wants": "a technician", "token": "t1", "promise_due": ""}
    with pages.program("agent", name="mei") as client:
        first, second = (client.post("/tickets", json=body) for _ in range(2))
        assert first.status_code == 201
        assert first.json()["id"] == second.json()["id"]
        shown = client.get(f"/tickets/{first.json()['number']}").json()
        assert shown["ticket"]["contact_number"] == NUMBER
        assert (shown["owner"]["name"], shown["first_responder"]["name"]) == ("mei", "mei")
        assert {action["noun"] for action in shown["actions"]} >= {"notes", "assessment"}
        assert client.post("/tickets", json={"severity": 9}).json()["fields"].keys() >= {"severity"}


def test_what_is_not_allowed_is_answered_409_with_the_reason(pages: Pages) -> None:
    with pages.program("agent", name="mei") as mei, pages.program("agent", name="li") as li:
        made = mei.post("/tickets", json={"wants": "x", "type": "repair", "region": "Nanjing"}).json()
        address, version = f"/tickets/{made['id']}", made["version"]
        answer = mei.put(f"{address}/closure", json={"version": version})
        assert (answer.status_code, answer.json()["error"]) == (409, "wrong-state")
        answer = li.put(f"{address}/proposal", json={"version": version, "answer": "no"})
        assert (answer.status_code, answer.json()["error"]) == (403, "not-yours")
        answer = mei.put(f"{address}/proposal", json={"version": version, "answer": "we repair it"})
        assert answer.json()["state"] == "proposed"
        answer = mei.put(f"{address}/report", json={"version": version})
        assert (answer.status_code, answer.json()["error"]) == (409, "stale")
        assert mei.put(f"{address}/nothing", json={"version": 1}).status_code == 404


def test_events_are_told_to_programs_and_resume_by_id(pages: Pages) -> None:
    first = pages.tell(events.QueueChanged(1.0, "default", 1, 1.0))
    second = pages.tell(events.QueueChanged(2.0, "default", 2, 1.0))
    with pages.program() as client, client.stream("GET", f"/events?after={first}") as live:
        frame = next(frames(live.iter_lines()))
        assert (frame["id"], frame["event"], frame["data"]["waiting"]) == (second, "QueueChanged", 2)
        third = pages.tell(events.QueueChanged(3.0, "default", 3, 1.0))
        assert third > second
    with pages.program(name="late") as client:
        pages.store.xtrim("events", maxlen=1, approximate=False)
        answer = client.get(f"/events?after={first}")
        assert (answer.status_code, answer.json()["error"]) == (410, "events-gone")


def test_the_board_has_two_faces(pages: Pages) -> None:
    now = time.time()
    pages.board("queues", "default", name="default", label="Hotline", answered=8, within=6, abandoned=2)
    pages.board("calls", "c9", id="c9", state="queued", queue="default", queued=now - 30, started=now - 31)
    with pages.program("supervisor") as client:
        queue = client.get("/board").json()["queues"][0]
        assert (queue["waiting"], queue["level"]) == (1, 0.6)
        assert queue["longest_wait"] > 25
        html = client.get("/board", headers={"accept": "text/html", "authorization": ""})
        assert isinstance(html, httpx.Response)


def test_a_number_is_called_from_the_desk(pages: Pages) -> None:
    with pages.browser("mei") as client:
        assert 'action="/calls"' in client.get("/desk").text
        client.headers["accept"] = "application/json"
        assert client.post("/calls", json={"number": " 139 1234 5678 "}).status_code == 202
        assert client.post("/calls", json={"number": ""}).status_code == 422
    called = [asked for asked in pages.asked() if asked["type"] == "PlaceCall"]
    assert called == [{"type": "PlaceCall", "agent": "mei", "number": "139 1234 5678", "queue": ""}]


def test_the_desk_says_whether_a_wrap_up_may_be_lengthened(pages: Pages) -> None:
    pages.board("calls", "c1", id="c1", state="ended", agent="mei", queue="default", caller=NUMBER)
    pages.board("queues", "default", name="default", extension_times=2, extension_seconds=60.0)
    with pages.browser("mei") as mei:
        for often, much, more in ((1, 30.0, True), (2, 30.0, False), (1, 60.0, False)):
            pages.board(
                "agents", "mei", name="mei", status="available", activity="wrap_up", wrap_call="c1",
                extensions=often, extended=much,
            )  # fmt: skip
            assert ("data-may-extend" in mei.get("/desk").text) is more
