"""Two tabs of an administrator: a form may be saved twice in a row, and the second tab does not win silently."""

import pytest
from playwright.async_api import expect

from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from tests.chromium import chromium, signed_in
from tests.pages import PASSWORD, serve

pytestmark = pytest.mark.needs("chromium")


async def test_the_second_tab_is_told_and_an_earlier_version_comes_back(settings: Settings) -> None:
    with serve(settings) as pages:
        pages.add_user("root", "admin", queues=())
        with pages.session() as session:
            session.add(QueueRow(name="sales", label="Sales"))
        address = pages.url.removeprefix("http://")
        async with chromium() as browser:
            first = await signed_in(browser, address, "root", PASSWORD)
            second = await first.context.new_page()
            for tab in (first, second):
                await tab.goto(f"{pages.url}/queues/sales")
            longest = first.get_by_label("Longest wait", exact=False).first
            for seconds, version in (("60", 2), ("90", 3)):
                await longest.fill(seconds)
                await longest.press("Enter")
                await expect(
                    first.locator("form[action='/queues/sales'] input[name=version]").first
                ).to_have_value(str(version))
                await expect(longest).to_have_value(seconds)
            wrong = second.get_by_label("Longest wait", exact=False).first
            await wrong.fill("30")
            await wrong.press("Enter")
            await expect(second.locator("#said")).to_contain_text("max_wait: is 90.0 now, by root")
            await first.get_by_role("button", name="Version 1 again").press("Enter")
            await expect(first.get_by_text("version 1 again")).to_be_visible()
            await expect(longest).to_have_value("60")
