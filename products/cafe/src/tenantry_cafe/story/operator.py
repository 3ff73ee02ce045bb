"""What the operator does in the console."""

from tenantry.sdk.browser import Page
from tenantry.sdk.story import Stage


async def approve(stage: Stage, page: Page, schedule: str) -> None:
    """Approve a schedule in the queue."""
    await page.goto(f"{stage.console_url}approvals/")
    card = page.locator("li.review", has_text=schedule)
    await card.locator("button.button-main").click()
    await card.wait_for(state="detached")


async def resume(stage: Stage, page: Page, schedule: str) -> None:
    """Resume a suspended schedule on its own page."""
    await page.goto(f"{stage.console_url}schedules/schedule/")
    await page.get_by_role("link", name=schedule).first.click()
    button = page.locator("#act-unsuspend")
    await button.click()
    await button.wait_for(state="detached")
