"""The player in a real browser: it plays, seeks by mouse and by keyboard, and draws both sides."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from callcenter import db
from callcenter.calls.models import Call
from callcenter.recordings import vault
from callcenter.settings import Settings
from tests import programs, recorded
from tests.chromium import ARGUMENTS
from tests.pages import PASSWORD, Pages, serve, until

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
PATIENCE = 30_000
"""Milliseconds."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(programs.find("chromium")), args=ARGUMENTS)
        expect.set_options(timeout=PATIENCE)
        yield started
        started.close()


@pytest.fixture
def pages(settings: Settings, tmp_path: Path) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("susan", "supervisor", display_name="Susan")
        with running.session() as session:
            session.add(
                Call(
                    id="call1",
                    caller="+8613912345678",
                    agent="mei",
                    started_at=recorded.AT,
                    ended_at=recorded.AT,
                )
            )
        engine = db.connect(settings.sql)
        recorded.spooled(engine, tmp_path, "call1-1", "mei", seconds=90)
        vault.take_in(engine, recorded.vault(tmp_path), "call1-1", db.now())
        engine.dispose()
        yield running


@pytest.fixture
def page(browser: Browser, pages: Pages) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{pages.url}/sign-in")
    page.locator("[name=name]").fill("susan")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("button.primary").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.goto(f"{pages.url}/calls/call1")
    yield page
    context.close()


def at(page: Page) -> float:
    """Where the browser's own player is, in seconds."""
    return float(page.evaluate("document.querySelector('call-player audio').currentTime"))


def test_it_plays_and_the_look_is_written_down(page: Page, pages: Pages) -> None:
    page.get_by_role("button", name="Play", exact=True).click()
    until(lambda: at(page) > 1)
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.goto(f"{pages.url}/recordings/looks")
    expect(page.get_by_role("row", name="Susan").or_(page.get_by_role("row", name="susan"))).to_have_count(1)


def test_a_far_place_is_reached_by_mouse_and_by_keyboard(page: Page) -> None:
    wave = page.get_by_role("slider", name="Place in the recording")
    until(lambda: len(wave.locator("path").first.get_attribute("d") or "") > 1000)
    box = wave.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 5)
    assert 40 < at(page) < 50
    wave.focus()
    page.keyboard.press("PageUp")
    assert 70 < at(page) < 80
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    place = at(page)
    until(lambda: at(page) > place + 0.5)
    page.get_by_label("Speed").select_option("2")
    assert page.evaluate("document.querySelector('call-player audio').playbackRate") == 2
    wave.focus()
    page.keyboard.press("Home")
    assert at(page) < 2
    expect(wave).to_have_attribute("aria-valuemax", "90")
