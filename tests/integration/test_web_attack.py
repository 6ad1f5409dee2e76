"""What strangers and broken programs send to the pages: an answer below 500, and nothing of it believed."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from callcenter import events
from callcenter.calls import ledger
from callcenter.calls.models import Call
from callcenter.settings import Settings
from tests.pages import PASSWORD, Pages, serve

SCRIPT = "<script>alert(1)</script>"
DIGITS = "9" * 5000
VALUES: tuple[Any, ...] = (
    None, -1, 0, 1e308, 2**63, True, [], {}, "a\0b", SCRIPT, "'; DROP TABLE call;--", "😀" * 3000, DIGITS,
    "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", {"a": {"b": 1}},
)  # fmt: skip
FORM = ("call_id", "customer_id", "contact_number", "kind", "type", "severity", "wants", "token", "nope")
NOUNS = ("notes", "assessment", "question", "proposal", "closure", "withdrawal", "reopening")
QUERIES = ("%00", DIGITS, "9" * 30, "-1", "%27%22%3Cscript%3E", "%ED%A0%80", "abcdefghij", "NaN", "9999-12-31",
           "0001-01-01", "9999-12-31T23:59:59-14:00~x")  # fmt: skip
LISTS = ("/customers?q=", "/customers?after=", "/customers/", "/calls/", "/calls?number=", "/calls?after=",
         "/tickets?text=", "/tickets?after=", "/tickets?limit=", "/tickets?severity=", "/tickets?since=",
         "/tickets?until=", "/tickets?customer_id=", "/tickets/", "/search?q=", "/callbacks?state=",
         "/surveys?state=", "/sign-in?next=", "/static/", "/feed?after=")  # fmt: skip


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("mei", display_name="Mei", phone="2001")
        yield running


class Attack:
    """Sends, and keeps what was answered 500 or worse."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.hits: list[str] = []

    def __call__(self, method: str, address: str, **more: Any) -> httpx.Response:
        answer = self.client.request(method, address, **more)
        if answer.status_code >= 500:
            self.hits.append(f"{method} {address[:60]} {str(more)[:90]} {answer.status_code}")
        return answer


def test_no_form_breaks_a_page(pages: Pages) -> None:
    with pages.program("agent", name="mei") as client:
        attack = Attack(client)
        good = {"what_happened": "x", "wants": "y"}
        ticket = attack("POST", "/tickets", json=good).json()
        for value in VALUES:
            for name in FORM:
                attack("POST", "/tickets", json={**good, name: value})
            attack("POST", "/tickets", json={**good, "promise": "p", "promise_due": value})
            for noun in NOUNS:
                version = client.get(f"/tickets/{ticket['id']}").json()["ticket"]["version"]
                names = ("text", "reason", "question", "answer", "type", "severity", "wake_at", "call_id")
                given = {"version": version, **dict.fromkeys(names, value)}
                attack("PUT", f"/tickets/{ticket['id']}/{noun}", json=given)
            attack("PUT", f"/tickets/{ticket['id']}/notes", json={"version": value, "text": "x"})
            attack("PUT", "/calls/x/customer", json={"customer": value})
            attack("PUT", "/calls/x/wrap-up", json={"disposition": "resolved", "note": value})
            attack("PUT", "/desk/wrap-up", json={"seconds": value})
            attack("PUT", "/desk/seat", json={"tab": value})
            attack("PUT", "/callbacks/1/time", json={"due_at": value, "version": 1})
        for body in (b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 20_000):
            attack("POST", "/tickets", content=body, headers={"content-type": "application/json"})
        assert attack.hits == []


def test_no_address_breaks_a_page(pages: Pages) -> None:
    with pages.program("agent", name="mei") as client:
        attack = Attack(client)
        for query in QUERIES:
            for address in LISTS:
                with client.stream("GET", address + query) as answer:
                    if answer.status_code >= 500:
                        attack.hits.append(f"{address}{query[:40]}")
            for address in ("/promises/{}/keeping", "/notices/{}/reading", "/callbacks/{}/cancellation",
                            "/calls/{}/end", "/offers/{}/answer", "/tickets/{}/notes"):  # fmt: skip
                attack("PUT", address.format(query), json={"version": 1, "text": "x"})
        assert attack.hits == []


def test_a_body_in_chunks_is_not_taken_without_end(pages: Pages) -> None:
    chunks = (b"x" * 50_000 for _ in range(20))
    with pages.client(accept="application/json") as client:
        answer = client.post("/sign-in", content=chunks, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "longer" in answer.json()["detail"]


def test_preferences_lead_to_no_other_host(pages: Pages) -> None:
    with pages.client() as client:
        for back in ("https://evil.example/", "//evil.example", "/\\evil.example"):
            assert client.post("/preferences", data={"back": back}).headers["location"] == "/"
        answer = client.post("/sign-in?next=//evil.example", data={"name": "mei", "password": PASSWORD})
        assert answer.headers["location"] == "/desk"


def test_a_planted_session_is_not_taken_and_an_ended_one_ends_its_open_page(pages: Pages) -> None:
    with pages.client() as planted:
        planted.cookies.set("callcenter", "planted")
        answer = planted.post("/sign-in", data={"name": "mei", "password": PASSWORD})
        assert "planted" not in answer.headers["set-cookie"]
    with pages.browser("mei") as client, client.stream("GET", "/desk/live?tab=one") as live:
        told = live.iter_raw()
        next(told)
        for key in pages.store.scan_iter("session:*"):
            pages.store.delete(key)
        assert client.get("/desk").status_code == 303
        assert client.put("/desk/status", data={"status": "available"}).status_code == 401
        for _ in told:
            pass  # ends by itself


def test_what_a_caller_is_called_runs_nowhere(pages: Pages) -> None:
    now = time.time()
    pages.board("calls", "c1", id="c1", state="offered", caller=SCRIPT, caller_name=SCRIPT, called=SCRIPT,
                agent="mei", offer="o1", since=now, started=now)  # fmt: skip
    pages.board("agents", "mei", name="mei", status="available", activity="offered", call="c1", offer="o1")
    with pages.session() as session:
        ledger.record(
            session, [("1-1", events.CallStarted(now, "c2", "inbound", "in", SCRIPT, SCRIPT, SCRIPT, False))]
        )
    with pages.browser("mei") as client:
        shown = [client.get(address).text for address in ("/desk", "/board", "/calls", "/calls/c2")]
    assert not any(SCRIPT in text for text in shown)
    assert "&lt;script&gt;" in shown[0]
    assert "&lt;script&gt;" in shown[2]


def test_the_record_takes_a_text_that_no_database_holds(pages: Pages) -> None:
    told = events.CallStarted(time.time(), "c1", "inbound", "in", "a\0b", "hotline", "N\0ul", False)
    with pages.session() as session:
        ledger.record(session, ledger.decoded([("1-0", events.public.encode(told))]))
    with pages.session() as session:
        call = session.get(Call, "c1")
        assert call is not None
        assert (call.caller, call.caller_name) == ("ab", "Nul")


def test_nobody_binds_the_call_of_another_or_one_that_never_was(pages: Pages) -> None:
    now = time.time()
    told: list[Any] = [
        events.CallStarted(now, "c1", "inbound", "in", "+8613800138000", "hotline", "", False),
        events.CallAnswered(now, "c1", "mei", 1.0, "default", 0, 0),
        events.CustomerBound(now, "c1", 7, by="li"),
        events.CustomerBound(now, "nothing", 7, by="li"),
    ]
    with pages.session() as session:
        ledger.record(session, [(f"{at}-0", event) for at, event in enumerate(told, 1)])
    with pages.session() as session:
        call = session.get(Call, "c1")
        assert call is not None
        assert call.customer_id is None
        assert session.get(Call, "nothing") is None
