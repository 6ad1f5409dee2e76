"""Lines, their metrics, and the SIP messages of a call: rights, both faces, unhappy ways."""

import json
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import select

from callcenter import db, stream
from callcenter.calls.models import Call
from callcenter.people.models import AuditEntry
from callcenter.settings import Settings
from callcenter.web import lines
from tests.pages import Pages, serve

MESSAGE = {
    "call": "c1",
    "leg": "c1",
    "at": 2.0,
    "way": "in",
    "peer": "udp:192.0.2.7:5060",
    "text": "BYE x\r\n\r\n",
}


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.board("lines", "line1", name="line1", up=True, driver="sipua", address="192.0.2.1:5060", capacity=50,
                      lacks=[], trunks={"carrier": "", "spare": "408"})  # fmt: skip
        running.store.set(
            stream.line_figures("line1"), json.dumps({"legs": 3, "legs_lost_total": 2, "draining": 0})
        )
        sound = {
            "leg": "c1",
            "call": "c1",
            "codec": "PCMA",
            "secure": False,
            "loss": 0.02,
            "jitter": 12.0,
            "rtt": 0.0,
        }
        heard = [
            {**sound, "mos": 2.9},
            {**sound, "leg": "a1", "mos": 4.4, "loss": 0.0},
            {**sound, "mos": 0.0},
        ]
        running.store.set(stream.line_sounds("line1"), json.dumps(heard))
        with running.session() as session:
            session.add(Call(id="c1", started_at=db.now()))
        yield running


def test_lines_are_seen_and_drained_by_who_may(pages: Pages) -> None:
    pages.add_user("anna", "supervisor")
    with pages.browser("anna") as seen:
        page = seen.get("/lines")
        assert "line1" in page.text
        assert "Drain" not in page.text
        assert seen.put("/lines/line1/draining", json={"on": True}).status_code == 403
    with pages.program("admin") as admin:
        told = admin.get("/lines").json()
        assert [one["mos"] for one in told["sounds"]] == [2.9, 4.4]
        (line,) = told["lines"]
        assert (line["up"], line["figures"]["legs"], line["trunks"]["spare"]) == (True, 3, "408")
        assert admin.put("/lines/nowhere/draining", json={"on": True}).status_code == 404
        assert admin.put("/lines/line1/draining", json={"on": True}).status_code == 202
        pages.store.delete(stream.line_figures("line1"))
        assert admin.put("/lines/line1/draining", json={"on": True}).status_code == 409
    (asked,) = [one for one in pages.asked() if one["type"] == "SetLineDraining"]
    assert (asked["line"], asked["draining"], asked["by"]) == ("line1", True, "robot")
    with pages.session() as session:
        (written,) = session.exec(select(AuditEntry).where(AuditEntry.action == "line.drain")).all()
        assert (written.actor, written.subject) == ("robot", "line1")


def test_metrics_are_what_prometheus_reads(pages: Pages) -> None:
    pages.board("queues", "default", name="default", waiting=2, offered=5)
    pages.board("agents", "mei", name="mei", status="available", activity="idle", reachable=True)
    with pages.client() as stranger:
        assert (
            stranger.get("/metrics", headers={"accept": "text/plain"}, follow_redirects=False).status_code
            != 200
        )
    with pages.program("agent", "a-robot") as agent:
        assert agent.get("/metrics").status_code == 403
    with pages.program("supervisor", "scraper") as scraper:
        answer = scraper.get("/metrics")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["callcenter_line_up", "line1"] == 1
    assert samples["callcenter_line_legs", "line1"] == 3
    assert samples["callcenter_line_legs_lost_total", "line1"] == 2
    assert samples["callcenter_trunk_up", "line1", "spare"] == 0
    assert samples["callcenter_legs_mos", "0", "line1"] == 1
    assert samples["callcenter_legs_loss_worst", "line1"] == 0.02
    assert samples["callcenter_queue_waiting", "default"] == 2
    assert samples["callcenter_queue_today", "default", "offered"] == 5
    assert samples["callcenter_agents", "available", "idle", "true"] == 1
    assert samples["callcenter_conductor_up",] == 0


def test_a_ladder_is_asked_for_shown_and_given_as_text(pages: Pages) -> None:
    with pages.program("agent", "a-robot") as agent:
        assert agent.get("/calls/c1/ladder").status_code == 403
    with pages.program("supervisor", "s-robot") as supervisor:
        assert supervisor.get("/calls/never/ladder").status_code == 404
        assert supervisor.get("/calls/c1/ladder").status_code == 202
        assert supervisor.get("/calls/c1/ladder").status_code == 202
        assert [one["call"] for one in pages.asked() if one["type"] == "AskLadder"] == ["c1"]
        pages.store.hset(stream.ladder("c1"), "line2", b"[]")
        first = {**MESSAGE, "at": 1.5, "way": "out", "text": "INVITE <script>\r\n\r\n"}
        pages.store.hset(stream.ladder("c1"), "line1", json.dumps([MESSAGE, first]))
        told = supervisor.get("/calls/c1/ladder").json()["messages"]
        assert [one["at"] for one in told] == [1.5, 2.0]
        text = supervisor.get("/calls/c1/ladder.txt").text
        assert text.index("1970-01-01T00:00:01.500Z out udp:192.0.2.7:5060") < text.index("BYE x")
    pages.add_user("anna", "supervisor")
    with pages.browser("anna") as seen:
        shown = seen.get("/calls/c1/ladder").text
        assert "BYE x" in shown
        assert "<script>\r" not in shown


def test_a_ladder_that_no_line_keeps_is_not_found_in_the_end(pages: Pages) -> None:
    pages.store.set(lines.ASKED + "c1", "1.0")
    with pages.program() as supervisor:
        assert supervisor.get("/calls/c1/ladder").status_code == 404
