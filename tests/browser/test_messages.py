"""Prompts and messages in a real browser: a text is heard, kept and used; a message is taken, played and done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlmodel import select

from callcenter import db, events
from callcenter.calls.models import Call
from callcenter.recordings import vault
from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from callcenter.voicemail import desk
from tests import programs, recorded
from tests.chromium import ARGUMENTS
from tests.pages import PASSWORD, Pages, serve, until

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
PATIENCE = 30_000
"""Milliseconds."""
CALLER = "+8613912345678"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(programs.find("chromium")), args=ARGUMENTS)
        expect.set_options(timeout=PATIENCE)
        yield started
        started.close()


@pytest.fixture
def pages(settings: Settings, tmp_path: Path) -> Iterator[Pages]:
    """A message of a caller, and an administrator who may do everything."""
    with serve(settings) as running:
        running.add_user("ada", "admin", display_name="Ada")
        with running.session() as session:
            session.merge(QueueRow(name="default"))
            session.add(Call(id="call1", caller=CALLER, started_at=recorded.AT, ended_at=recorded.AT))
            at = recorded.AT.timestamp()
            desk.follow(
                session,
                events.CallFinished(
                    at,
                    "call1",
                    "message_left",
                    "customer",
                    at - 9,
                    queue="default",
                    caller=CALLER,
                    message="call1-1",
                ),
            )
        engine = db.connect(settings.sql)
        recorded.spooled(engine, tmp_path, "call1-1", "", seconds=20)
        vault.take_in(engine, recorded.vault(tmp_path), "call1-1", db.now())
        engine.dispose()
        yield running


@pytest.fixture
def page(browser: Browser, pages: Pages) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{pages.url}/sign-in")
    page.locator("[name=name]").fill("ada")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("button.primary").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    yield page
    context.close()


def plays(page: Page, name: str) -> bool:
    """Whether the browser could play this sound."""
    found = page.get_by_label(name, exact=True)
    seconds = found.evaluate("async one => { one.muted = true; await one.play(); return one.duration }")
    return float(seconds) > 0.3


def test_a_prompt_is_heard_made_and_used(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.url}/prompts")
    new = page.locator("section", has=page.get_by_role("heading", name="New prompt"))
    new.get_by_label("Text", exact=True).fill("Our office is closed.")
    new.get_by_role("button", name="Hear the text").click()
    assert plays(page, "What callers hear")
    new.get_by_label("Prompt name").fill("night")
    new.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="night")).to_be_visible()
    assert plays(page, "night English")
    page.goto(f"{pages.url}/queues/default")
    page.locator("[name=greeting]").fill("prompt:night")
    page.get_by_role("button", name="Save").click()

    def saved() -> bool:
        with pages.session() as session:
            return session.exec(select(QueueRow.greeting)).one() == "prompt:night"

    until(saved)
    page.goto(f"{pages.url}/prompts")
    expect(page.get_by_role("row", name="night")).to_contain_text("default: greeting")


def test_a_message_is_taken_played_and_done(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.url}/messages")
    page.get_by_role("button", name="Take").click()
    expect(page.get_by_role("row", name="taken")).to_contain_text("Ada")
    page.locator("tbody tr td a").first.click()
    page.get_by_role("button", name="Play", exact=True).click()
    until(lambda: page.evaluate("document.querySelector('call-player audio').currentTime") > 1)
    page.get_by_label("Note").fill("Told him the price.")
    page.get_by_role("button", name="Done").click()
    expect(page.locator("[data-part=head]")).to_contain_text("done")
