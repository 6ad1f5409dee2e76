"""Plans from the page to the call: saved, refused, published, undone, tried out, and followed by a real conductor."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from callcenter import commands, db, events
from callcenter.calls.models import Call, CallEvent
from callcenter.hours.models import Calendar
from callcenter.people.models import AuditEntry, User
from callcenter.prompts import desk as prompts
from callcenter.routing import versions
from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from callcenter.tickets.models import Ticket
from tests.pages import Pages, serve
from tests.plans import EXCEPTIONS, WEEK, hotline
from tests.switchboard import Switchboard, conducting, switchboard, until

CALLER = "+8613800138000"
JSON = {"accept": "application/json"}


def plan(start: str = "main", **changes: Any) -> dict[str, Any]:
    """The tests' plan without a trunk of its own."""
    data = hotline(start=start, **changes)
    data["nodes"]["boss"]["trunk"] = ""
    return data


def prepare(session: Session) -> None:
    """What the plan names."""
    for name in ("default", "sales"):
        session.merge(QueueRow(name=name, greeting="-"))
    office = session.exec(select(Calendar).where(Calendar.name == "office")).first()
    office = office or Calendar(name="office", zone="Asia/Shanghai", windows=WEEK)
    office.exceptions = EXCEPTIONS
    session.add(office)
    prompts.put(session, "closed", "cmn", "现在是下班时间。", None, "ada", 0, db.now())


def published(engine: Engine, settings: Settings, seen: int = 0, **changes: Any) -> None:
    """A version that calls follow from the next reading on."""
    with db.write(engine) as session:
        if not seen:
            prepare(session)
        made = versions.save(session, settings, "hotline", "", plan(**changes), "ada", "", seen, db.now())
        versions.publish(session, settings, "hotline", made.version, "ada", seen, db.now())


def outcome(engine: Engine, leg: str) -> str:
    with db.read(engine) as session:
        row = session.get(Call, leg)
        return row.outcome if row else ""


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("ada", "admin", display_name="Ada")
        running.add_user("susan", "supervisor")
        with running.session() as session:
            prepare(session)
        yield running


def save(
    ada: httpx.Client, seen: int, name: str = "hotline", why: str = "", **changes: Any
) -> httpx.Response:
    body = {"label": "Hotline", "plan": plan(**changes), "why": why, "seen": seen}
    return ada.put(f"/plans/{name}", json=body, headers=JSON)


def test_versions_from_the_first_to_the_undo(pages: Pages) -> None:
    with pages.browser("ada") as ada, pages.browser("susan") as susan:
        assert susan.get("/plans").status_code == 403
        assert susan.put("/plans/hotline", json={}, headers=JSON).status_code == 403
        assert "There is no plan." in ada.get("/plans").text
        assert save(ada, 0, why="first").json() == {"name": "hotline", "version": 1}
        assert save(ada, 0).status_code == 409
        wrong = save(ada, 1, start="nowhere")
        assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["start"])
        assert save(ada, 1, name="Bad name").json()["fields"].keys() == {"name"}
        assert save(ada, 1, start="hours", why="open by hours").json()["version"] == 2

        def publish(version: int, seen: int) -> httpx.Response:
            return ada.put(
                "/plans/hotline/publication", json={"version": version, "seen": seen}, headers=JSON
            )

        assert publish(2, 0).json()["published"] == 2
        assert publish(1, 0).status_code == 409
        assert publish(9, 2).status_code == 404
        assert [one["type"] for one in pages.asked()] == ["ReloadDirectory"]
        told = ada.get("/plans/hotline", headers=JSON).json()
        assert (told["published"], told["latest"], told["problems"]) == (2, 2, {})
        newest, first = told["versions"]
        assert (newest["why"], newest["by"], first["changes"]) == ("open by hours", "ada", [])
        assert newest["changes"] == [
            {"what": "changed", "node": "", "field": "start", "before": "main", "after": "hours"}
        ]
        assert publish(1, 2).json()["published"] == 1
        shown = ada.get("/plans/hotline?version=1").text
        assert "Go back to it" not in shown
        assert "open by hours" in shown
        assert ada.get("/plans", headers=JSON).json()["plans"][0]["numbers"] == ["menu"]
        assert save(ada, 0, name="other", numbers=["menu"]).status_code == 200
        body = {"version": 1, "seen": 0}
        refused = ada.put("/plans/other/publication", json=body, headers=JSON)
        assert list(refused.json()["fields"]) == ["numbers"]
        used = ada.put("/prompts/closed/cmn/removal", json={"version": 1}, headers=JSON)
        assert used.json()["fields"] == {"used_by": "plan hotline: night.prompt"}
    with pages.session() as session:
        kept = [
            (one.action, one.subject) for one in session.exec(select(AuditEntry)) if one.action[:5] == "plan."
        ]
    assert kept == [
        ("plan.saved", "hotline"), ("plan.saved", "hotline"), ("plan.published", "hotline"),
        ("plan.published", "hotline"), ("plan.saved", "other"),
    ]  # fmt: skip


def form_of(page: str) -> dict[str, str]:
    """The editor's fields as a browser would send them."""
    from html.parser import HTMLParser

    class Fields(HTMLParser):
        found: dict[str, str]
        inside, select = False, ""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = {name: value or "" for name, value in attrs}
            if tag == "form":
                self.inside = given.get("class") == "editor"
            elif self.inside and tag == "input" and "name" in given:
                self.found[given["name"]] = given.get("value", "")
            elif self.inside and tag == "select":
                self.select = given["name"]
            elif (
                self.inside
                and tag == "option"
                and self.select
                and (self.select not in self.found or "selected" in given)
            ):
                self.found[self.select] = given["value"]

        def handle_endtag(self, tag: str) -> None:
            self.inside = self.inside and tag != "form"

    parser = Fields()
    parser.found = {}
    parser.feed(page)
    return parser.found


def test_the_form_says_what_the_plan_says(pages: Pages) -> None:
    with pages.browser("ada") as ada:
        save(ada, 0)
        form = form_of(ada.get("/plans/hotline").text)
        assert ada.post("/plans/hotline", data={**form, "act": "save"}).status_code == 303
        told = ada.get("/plans/hotline", headers=JSON).json()
        assert (told["version"], told["versions"][0]["changes"]) == (2, [])
        form = form_of(ada.get("/plans/hotline").text)
        added = ada.post(
            "/plans/hotline", data={**form, "act": "add", "add_name": "夜间", "add_kind": "message"}
        )
        assert (added.status_code, "node-%E5%A4%9C%E9%97%B4" in added.text) == (200, True)
        form = form_of(added.text)
        renamed = {
            **form,
            "name:main": "first menu",
            "f:夜间:prompt": "夜间服务",
            "k:main:5": "夜间",
            "act": "save",
        }
        assert ada.post("/plans/hotline", data=renamed).status_code == 303
        saved = ada.get("/plans/hotline", headers=JSON).json()["plan"]
        assert saved["start"] == "first menu"
        assert saved["nodes"]["first menu"]["keys"]["5"] == "夜间"
        assert saved["nodes"]["complaint"]["then"] == "first menu"
        form = form_of(ada.get("/plans/hotline").text)
        gone = ada.post("/plans/hotline", data={**form, "act": "remove:sales"})
        assert "leads nowhere" not in gone.text
        refused = ada.post("/plans/hotline", data={**form_of(gone.text), "act": "save", "f:line:queue": ""})
        assert refused.status_code == 422
        assert "there is no queue of this name" in refused.text
        assert ada.get("/plans/hotline", headers=JSON).json()["latest"] == 3


def test_a_plan_begins_with_a_form(pages: Pages) -> None:
    with pages.browser("ada") as ada:
        form = form_of(ada.get("/plans/new").text)
        empty = ada.post("/plans/new", data={**form, "name": "night", "act": "save"})
        assert (empty.status_code, form_of(empty.text)["name"]) == (422, "night")
        assert "says nothing" in empty.text
        form |= {
            "name": "night",
            "f:closed:prompt": "We are closed.",
            "numbers": "+862155550100",
            "act": "save",
        }
        assert ada.post("/plans/new", data=form).headers["location"] == "/plans/night"


@pytest.mark.parametrize("language", ["en", "zh-CN", "zh-HK"])
def test_what_would_happen_to_a_call(pages: Pages, language: str) -> None:
    with pages.browser("ada") as ada:
        save(ada, 0, start="hours")
        ada.put("/plans/hotline/publication", json={"version": 1, "seen": 0}, headers=JSON)

        def ask(**words: str) -> dict[str, Any]:
            page = ada.get("/plans/trial", params=words, headers={"accept-language": language})
            assert page.status_code == 200
            told: dict[str, Any] = ada.get("/plans/trial", params=words, headers=JSON).json()
            return told

        told = ask(called="menu", caller=CALLER, at="2026-11-23T10:00", keys="1 1")
        assert (told["plan"], told["version"], told["end"]["what"], told["end"]["value"]) == (
            "hotline", 1, "queue", "sales",
        )  # fmt: skip
        night = ask(called="menu", at="2026-11-23T20:00")
        assert (night["steps"][0]["value"], night["end"]["said"]) == ("closed", ["say:cmn:现在是下班时间。"])
        assert ask(called="menu", at="2026-10-01T10:00")["end"]["value"] == "call_back"
        assert ask(called="hotline")["queue"] == "default"
        assert ask(called="5555")["queue"] is None
        assert (
            ask(plan="hotline", version="1", keys="13x", at="2026-11-23T10:00")["end"]["what"] == "voicemail"
        )
        for wrong in ({"at": "tomorrow"}, {"plan": "hotline", "version": "x"}, {"colour": "1"}):
            assert ada.get("/plans/trial", params=wrong, headers=JSON).status_code == 422


async def in_menu(board: Switchboard, caller: str = CALLER) -> str:
    leg = board.outside.ring(caller, "menu")
    assert leg
    await board.board_when(lambda found: found.calls[leg].state == "menu")
    return leg


async def following(board: Switchboard, version: int = 1) -> None:
    """The conductor and the line know the plan."""
    board.ask(commands.ReloadDirectory())
    await board.board_when(lambda found: found.plans[f"hotline:{version}"].current)
    await until(lambda: "menu" in board.line.config.numbers)


async def test_a_key_leads_to_the_agent_and_the_way_is_kept(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        board.seed("anna")
        published(engine, settings)
        await following(board)
        await board.ready("anna")
        leg = await in_menu(board)
        board.outside.press(leg, "7")
        await board.hears(events.PlanStep, call=leg, chosen="wrong_key")
        board.outside.press(leg, "8")
        await board.hears(events.CallAnswered, call=leg)
        board.outside.hang_up(leg)
        ended = await board.hears(events.CallFinished, call=leg)
        assert (ended.outcome, ended.queue) == ("answered", "default")
        await until(lambda: outcome(engine, leg))
        with db.read(engine) as session:
            kept = session.exec(
                select(CallEvent)
                .where(CallEvent.call_id == leg, CallEvent.type == "PlanStep")
                .order_by(CallEvent.id)  # type: ignore[arg-type]
            )
            told = [events.public.decode(one.body) for one in kept]
        assert [(one.node, one.chosen, one.to) for one in told] == [
            ("main", "wrong_key", ""), ("main", "wrong_key", "line"), ("line", "default", ""),
        ]  # fmt: skip


async def test_a_conductor_killed_in_the_menu_loses_nobody(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board:
        async with conducting(settings, engine):
            board.seed("anna")
            published(engine, settings)
            await following(board)
            leg = await in_menu(board)
        published(engine, settings, 1, start="line")
        async with conducting(settings, engine):
            await following(board, 2)
            seen = await board.board_when(lambda found: found.plans["hotline:1"].current is False)
            assert seen.calls[leg].walk.version == 1
            board.outside.press(leg, "1")
            await board.board_when(lambda found: found.calls[leg].queue == "sales")
            board.outside.hang_up(leg)
            await board.hears(events.CallFinished, call=leg)


async def test_who_hangs_up_in_a_menu(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        published(engine, settings)
        await following(board)
        leg = await in_menu(board)
        board.outside.hang_up(leg)
        assert (await board.hears(events.CallFinished, call=leg)).outcome == "left_in_menu"
        await until(lambda: outcome(engine, leg) == "left_in_menu")
        assert not board.told(events.CallQueued)


async def test_a_number_outside(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        published(engine, settings)
        await following(board)
        board.outside.phones["+862155550199"] = "answer"
        leg = await in_menu(board)
        board.outside.press(leg, "3")
        await board.hears(events.PlanStep, call=leg, chosen="answered")
        await until(lambda: board.line.all[leg].hears)
        board.outside.hang_up(leg)
        assert (await board.hears(events.CallFinished, call=leg)).outcome == "passed_on"


async def test_a_complaint_speaks_its_state_and_owner(settings: Settings, engine: Engine) -> None:
    with db.write(engine) as session:
        anna = User(name="anna", display_name="Anna Li", phone="anna", created_at=db.now())
        session.add(anna)
        session.flush()
        session.add(
            Ticket(
                number="C-1042",
                state="in_progress",
                contact_number=CALLER,
                received_at=db.now(),
                created_at=db.now(),
                owner_id=anna.id,
                first_responder_id=anna.id,
            )
        )
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        published(engine, settings, start="complaint")
        await following(board)
        mine, other = await in_menu(board), await in_menu(board, "+8613900000009")
        for leg in (mine, other):
            for digit in "1042#":
                board.outside.press(leg, digit)
        await board.hears(events.PlanStep, call=mine, chosen="told")
        await until(lambda: any("Anna Li" in one for one in board.line.all[mine].played))
        await board.hears(events.PlanStep, call=other, chosen="proof_asked")
        for digit in "1234":
            board.outside.press(other, digit)
        await board.hears(events.PlanStep, call=other, chosen="wrong_proof")
        for digit in CALLER[-4:]:
            board.outside.press(other, digit)
        await board.hears(events.PlanStep, call=other, chosen="told")
