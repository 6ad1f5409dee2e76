"""The desk in a real browser: what an agent sees and what stays while it changes."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from callcenter import db, events
from callcenter.calls.models import Call
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.settings import Settings
from tests import programs
from tests.pages import PASSWORD, Pages, serve, until

pytestmark = pytest.mark.needs("chromium")

CHEN, ZHANG = "+8613912345678", "+8613800138000"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 15_000
"""Milliseconds that a loaded machine may take to show what must come."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(programs.find("chromium")), args=QUIET)
        expect.set_options(timeout=PATIENCE)
        yield started
        started.close()


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("mei", display_name="Mei", phone="2001", remote_answer=True)
        running.add_user("li", display_name="Li", phone="2002")
        running.add_user("susan", "supervisor", display_name="Susan")
        with running.session() as session:
            for name, number in (("Chen Wei 陈伟", CHEN), ("Zhang Min 张敏", ZHANG)):
                customer = Customer(name=name, tier="A", region="Nanjing", created_at=db.now())
                session.add(customer)
                session.flush()
                assert customer.id
                session.add(CustomerNumber(customer_id=customer.id, e164=number, tail=number[-8:]))
        idle(running, "mei")
        idle(running, "li")
        yield running


def sign_in(browser: Browser, pages: Pages, name: str, locale: str = "en-GB") -> Page:
    page = browser.new_context(locale=locale).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{pages.url}/sign-in")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("button.primary").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def desk(browser: Browser, pages: Pages, name: str = "mei", locale: str = "en-GB") -> Page:
    """The agent's desk, with its live connection open."""
    page = sign_in(browser, pages, name, locale)
    until(lambda: pages.store.exists(f"desk:{name}"))
    return page


def idle(pages: Pages, name: str) -> None:
    now = time.time()
    pages.board(
        "agents", name, name=name, status="available", activity="idle", reachable=True, since=now, status_since=now,
        remote_answer=True,
    )  # fmt: skip


def call(pages: Pages, agent: str, number: str, state: str, key: str = "c1") -> None:
    """Record, board and event as the conductor writes them when a call reaches `state`."""
    now = time.time()
    with pages.session() as session:
        session.merge(Call(id=key, caller=number, agent=agent, started_at=db.now(), answered_at=db.now()))
    activity = {"offered": "offered", "bridged": "talking", "ended": "wrap_up"}[state]
    live = {"call": key} if state != "ended" else {"wrap_call": key, "wrap_until": now + 30}
    offer = "o1" if state == "offered" else ""
    pages.board("calls", key, id=key, state=state, caller=number, queue="default", agent=agent, since=now)
    pages.board(
        "agents", agent, name=agent, status="available", activity=activity, reachable=True, since=now,
        status_since=now, remote_answer=True, offer=offer, **live,
    )  # fmt: skip
    if state == "offered":
        pages.tell(events.CallOffered(now, key, "o1", agent, "default", number, now + 20))
    elif state == "bridged":
        pages.tell(events.CallAnswered(now, key, agent, 2.0))
    else:
        pages.tell(events.WrapUpStarted(now, key, agent, now + 30))


def asked(pages: Pages, kind: str) -> list[dict[str, object]]:
    return [one for one in pages.asked() if one["type"] == kind]


def test_a_call_pops_for_its_agent_alone_and_becomes_one_complaint(browser: Browser, pages: Pages) -> None:
    mei, li = desk(browser, pages, "mei"), desk(browser, pages, "li")
    call(pages, "mei", CHEN, "offered")
    who = mei.get_by_role("region", name="Who is calling")
    expect(who.get_by_role("heading", name="Chen Wei 陈伟")).to_be_visible()
    expect(mei).to_have_title("Ringing: Chen Wei 陈伟")
    expect(li.get_by_text("Nobody is calling.")).to_be_visible()
    mei.get_by_role("button", name="Answer").click()
    until(lambda: asked(pages, "AnswerOffer"))
    call(pages, "mei", CHEN, "bridged")
    expect(mei.get_by_role("button", name="Hang up")).to_be_visible()
    mei.get_by_role("combobox", name="Type").select_option("repair")
    mei.get_by_label("What happened").fill("Water comes through the ceiling")
    expect(mei.get_by_label("Region")).to_have_value("Nanjing")
    mei.get_by_role("button", name="Log it").dblclick()
    expect(mei.get_by_role("link", name="C-1001 is logged")).to_be_visible()
    mine = mei.get_by_role("list", name="My complaints")
    expect(mine.get_by_role("link")).to_have_count(1)
    call(pages, "mei", CHEN, "ended")
    mei.get_by_role("button", name="Done").click()
    until(lambda: asked(pages, "FinishWrapUp"))
    assert asked(pages, "FinishWrapUp")[0]["disposition"] == "complaint_logged"


def test_what_is_typed_survives_another_call_and_a_reload(browser: Browser, pages: Pages) -> None:
    mei = desk(browser, pages)
    call(pages, "mei", CHEN, "bridged")
    form = mei.get_by_role("form", name="New complaint")
    expect(form.get_by_text("for Chen Wei")).to_be_visible()
    form.get_by_label("What happened").fill("浴室漏水")
    mei.keyboard.type("，从周日开始")
    call(pages, "mei", ZHANG, "offered", "c2")
    expect(mei.get_by_role("heading", name="Zhang Min 张敏")).to_be_visible()
    expect(form.get_by_label("What happened")).to_have_value("浴室漏水，从周日开始")
    expect(form.get_by_label("What happened")).to_be_focused()
    form.get_by_role("button", name="Keep it as a draft").click()
    expect(form.get_by_label("What happened")).to_have_value("")
    mei.reload()
    form.get_by_role("button", name="Draft: Chen Wei 陈伟").click()
    expect(form.get_by_label("What happened")).to_have_value("浴室漏水，从周日开始")
    form.get_by_label("What happened").blur()
    form.get_by_role("button", name="Log it").click()
    expect(mei.get_by_role("link", name="C-1001 is logged")).to_be_visible()
    with pages.program("supervisor") as program:
        ticket = program.get("/tickets/C-1001").json()["ticket"]
    assert (ticket["call_id"], ticket["contact_number"]) == ("c1", CHEN)


def test_the_desk_is_worked_by_keys_while_typing(browser: Browser, pages: Pages) -> None:
    mei = desk(browser, pages)
    call(pages, "mei", CHEN, "bridged")
    expect(mei.get_by_role("button", name="Hold")).to_be_visible()
    mei.get_by_label("What happened").fill("typing")
    mei.keyboard.press("Alt+h")
    until(lambda: asked(pages, "HoldCall"))
    mei.keyboard.press("Alt+m")
    until(lambda: asked(pages, "MuteCall"))
    mei.keyboard.press("Alt+u")
    until(lambda: asked(pages, "HangUpCall"))
    expect(mei.get_by_label("What happened")).to_have_value("typing")


def test_a_second_tab_says_so_and_can_take_over(browser: Browser, pages: Pages) -> None:
    first = desk(browser, pages)
    second = first.context.new_page()
    second.goto(f"{pages.url}/desk")
    notice = second.get_by_text("Your desk is open elsewhere")
    expect(notice).to_be_visible()
    second.get_by_role("button", name="Take over here").click()
    expect(notice).to_be_hidden()
    expect(first.get_by_text("Your desk is open elsewhere")).to_be_visible()
    call(pages, "mei", CHEN, "offered")
    expect(second.get_by_role("heading", name="Chen Wei 陈伟")).to_be_visible()


def test_the_desk_stays_open_while_its_agent_reads_a_complaint(browser: Browser, pages: Pages) -> None:
    mei = desk(browser, pages)
    held = pages.store.get("desk:mei")
    assert held
    mei.get_by_role("link", name="Complaints", exact=True).click()
    until(lambda: (pages.store.get("desk:mei") or b"") == held.replace(b"desk:", b"strip:"))
    call(pages, "mei", CHEN, "offered")
    mei.get_by_role("link", name="Chen Wei 陈伟").click()
    expect(mei.get_by_role("button", name="Answer")).to_be_visible()


def test_the_status_is_chosen_with_its_reason(browser: Browser, pages: Pages) -> None:
    mei = desk(browser, pages)
    mei.get_by_text("Available").first.click()
    mei.get_by_role("button", name="Meal").click()
    until(lambda: asked(pages, "SetStatus"))
    assert (asked(pages, "SetStatus")[0]["status"], asked(pages, "SetStatus")[0]["reason"]) == (
        "break",
        "meal",
    )


def test_the_wallboard_lives_without_reload(browser: Browser, pages: Pages) -> None:
    pages.board("queues", "default", name="default", label="Hotline", waiting=0)
    susan = sign_in(browser, pages, "susan")
    expect(susan.get_by_text("No call at the moment.")).to_be_visible()
    now = time.time()
    pages.board(
        "calls",
        "c7",
        id="c7",
        state="queued",
        caller=CHEN,
        queue="default",
        queued=now,
        started=now,
        since=now,
    )
    pages.tell(events.CallQueued(now, "c7", "default", 1))
    expect(susan.get_by_role("cell", name="139 1234 5678")).to_be_visible()


def test_a_complaint_is_settled_through_its_page(browser: Browser, pages: Pages) -> None:
    with pages.program("agent", name="mei") as program:
        body = {"wants": "a repair", "type": "repair", "region": "Nanjing", "contact_number": CHEN}
        ticket = program.post("/tickets", json=body).json()
    mei = sign_in(browser, pages, "mei")
    mei.goto(f"{pages.url}/tickets/{ticket['id']}")
    mei.get_by_text("Propose a settlement").first.click()
    mei.get_by_label("Answer to the customer").fill("A technician comes on Tuesday")
    mei.get_by_role("button", name="Propose a settlement").click()
    expect(mei.get_by_text("Our answer:")).to_be_visible()
    mei.get_by_text("Report back").first.click()
    mei.get_by_role("button", name="Report back").click()
    expect(mei.get_by_role("listitem").filter(has_text="Callback due")).to_be_visible()
    mei.goto(f"{pages.url}/callbacks")
    expect(mei.get_by_role("link", name=ticket["number"])).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "desk_word", "log"), [("zh-CN", "工作台", "登记"), ("zh-TW", "工作台", "登記")]
)
def test_the_desk_speaks_chinese(
    browser: Browser, pages: Pages, locale: str, desk_word: str, log: str
) -> None:
    mei = desk(browser, pages, locale=locale)
    expect(mei.get_by_role("link", name=desk_word, exact=True)).to_be_visible()
    expect(mei.get_by_role("button", name=log, exact=True)).to_be_visible()
