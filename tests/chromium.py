"""The system's Chromium for tests, through Playwright: real pages as a person sees them."""

import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import Browser, Page, async_playwright, expect

from tests import programs
from tests.place import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless browser without a network of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(programs.find("chromium")), args=ARGUMENTS
        )
        try:
            yield browser
        finally:
            await browser.close()


async def signed_in(browser: Browser, address: str, name: str, password: str, **options: str) -> Page:
    """A page of this person's own browser, behind the sign-in. `options` as of Browser.new_context."""
    context = await browser.new_context(locale=options.pop("locale", "en"), **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE * 1000)
    page = await context.new_page()
    await page.goto(f"http://{address}/sign-in")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "sign-in" not in url)
    return page
