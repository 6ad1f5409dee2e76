"""Transfers as the pages ask for them, and as both agents' desks show them."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from callcenter import events
from callcenter.settings import Settings
from tests.pages import Pages, frames, serve

NUMBER = "+8613912345678"


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("mei", display_name="Mei", phone="2001")
        running.add_user("li", display_name="Li Na", phone="2002")
        for name, display in (("mei", "Mei"), ("li", "Li Na")):
            running.board("agents", name, name=name, display=display, status="available", reachable=True)
        running.board("queues", "billing", name="billing", label="Billing", waiting=2)
        yield running


def talking(pages: Pages, **more: Any) -> None:
    """Mei speaks with a customer."""
    now = time.time()
    whole = {"id": "c1", "state": "bridged", "agent": "mei", "caller": NUMBER, "since": now, **more}
    pages.board("calls", "c1", **whole)
    pages.board("agents", "mei", name="mei", status="available", activity="talking", call="c1", since=now)


def test_each_act_is_a_command(pages: Pages) -> None:
    pages.board("calls", "c1", id="c1", state="bridged", agent="mei")
    with pages.browser("mei") as client:
        client.headers["accept"] = "application/json"
        for noun, given in (
            ("transfer", {"to": "Li Na", "note": " contract "}),
            ("transfer", {"to": "Billing"}),
            ("consultation", {"to": NUMBER}),
            ("consultation", {"to": "li", "kind": "agent"}),
            ("swap", {}),
            ("completion", {}),
            ("conference", {}),
            ("drop", {"party": "leg7"}),
            ("departure", {}),
        ):
            assert client.put(f"/calls/c1/{noun}", json=given).status_code == 202, noun
        assert client.put("/calls/c1/transfer", json={"to": ""}).status_code == 422
        assert client.put("/calls/c1/transfer", json={"to": "x", "kind": "moon"}).status_code == 422
    whole = {"agent": "mei", "call": "c1"}
    assert pages.asked() == [
        {"type": "TransferCall", **whole, "kind": "agent", "target": "li", "note": "contract"},
        {"type": "TransferCall", **whole, "kind": "queue", "target": "billing", "note": ""},
        {"type": "ConsultCall", **whole, "kind": "number", "target": NUMBER, "note": ""},
        {"type": "ConsultCall", **whole, "kind": "agent", "target": "li", "note": ""},
        {"type": "SwapCall", **whole},
        {"type": "CompleteTransfer", **whole},
        {"type": "JoinCall", **whole},
        {"type": "DropParty", **whole, "party": "leg7"},
        {"type": "LeaveCall", **whole},
    ]


def test_to_whom(pages: Pages) -> None:
    with pages.browser("mei") as client:
        found = client.get("/desk/targets", headers={"accept-language": "en"}).json()
    assert [(one["name"], one["free"]) for one in found["agents"]] == [("li", True)]
    assert found["queues"] == [{"name": "billing", "label": "Billing", "waiting": 2}]


def test_what_the_desk_offers(pages: Pages) -> None:
    """Buttons by what stands, and by what the line can do."""
    talking(pages)
    with pages.browser("mei") as client:
        page = client.get("/desk").text
        assert 'data-give="c1"' in page
        assert "/calls/c1/swap" not in page
        leg = {
            "leg": "leg7",
            "role": "consult",
            "name": "li",
            "state": "up",
            "mode": "",
            "inside": True,
            "since": 1.0,
        }
        talking(pages, state="consulting", line="line1", parties={"leg7": leg})
        page = client.get("/desk").text
        assert 'data-give="c1"' not in page
        assert all(f"/calls/c1/{noun}" in page for noun in ("swap", "completion", "conference", "drop"))
        pages.board("lines", "line1", name="line1", lacks=["mixing"])
        assert "/calls/c1/conference" not in client.get("/desk").text
        talking(pages, phone_held=True, parties={"leg7": {**leg, "role": "guest"}})
        page = client.get("/desk").text
        assert "Held by your phone" in page
        assert "/calls/c1/departure" in page


def test_the_other_desk_shows_who_asks(pages: Pages) -> None:
    offer = {
        "leg": "leg7", "role": "consult", "name": "li", "state": "ringing", "mode": "blind", "inside": True,
        "offer": "o1", "since": 1.0,
    }  # fmt: skip
    talking(pages, state="consulting", sent_by="mei", note="the contract", parties={"leg7": offer})
    pages.board("agents", "li", name="li", status="available", activity="offered", call="c1", offer="o1")
    with pages.browser("li") as client:
        page = client.get("/desk").text
    assert "Transfer from mei" in page
    assert "the contract" in page
    assert "/offers/o1/rejection" in page


def test_a_word_when_the_other_could_not_be_had(pages: Pages) -> None:
    talking(pages)
    about = {"view": "desk", "tab": "t"}
    with pages.browser("mei") as client, client.stream("GET", "/desk/live", params=about) as answer:
        seen = frames(answer.iter_lines())
        assert next(seen)["event"] == "parts"
        pages.tell(events.ConsultEnded(time.time(), "c1", "mei", "li", "busy"))
        told = next(one for one in seen if one.get("event") == "refused")
    assert told["data"] == {"code": "busy", "detail": "li is busy. You are back with the customer."}
