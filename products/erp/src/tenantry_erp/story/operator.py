"""What the operator does in the console."""

import re

from tenantry.sdk.browser import Page
from tenantry.sdk.story import Stage
from tenantry_erp.story.visitor import PATIENCE


async def open_row(stage: Stage, page: Page, kind: str, name: str) -> None:
    """Find a row of a list by its name, and open its page."""
    await page.goto(f"{stage.console_url}{kind}/?q={name}")
    await page.locator("#result_list a, table a").filter(has_text=name).first.click()
    await page.locator("#row-head").wait_for()


async def act(page: Page, name: str, *, reason: str = "") -> None:
    """Press an act's button, and say why where that is asked."""
    await page.locator(f"#act-{name}").click()
    await page.locator("#ask-form").wait_for()
    if reason:
        await page.locator("#ask-form [name=reason]").fill(reason)
    await page.locator("#ask-submit").click()
    await page.locator("#row-head").wait_for()


async def wait_state(page: Page, state: str) -> None:
    """Wait until the head of the page says that state."""
    chip = page.locator("#row-head .chip").first
    await chip.filter(has_text=re.compile(f"^{state}$")).wait_for(timeout=PATIENCE)


async def wait_condition(page: Page, name: str, *, holds: bool) -> str:
    """Wait until a condition of the company on this page holds or not; returns its row."""
    row = page.locator("section.panel tr", has_text=name)
    answer = row.locator(f".chip-{'ok' if holds else 'bad'}").first
    await answer.wait_for(timeout=PATIENCE)
    return " ".join((await row.first.inner_text()).split())
