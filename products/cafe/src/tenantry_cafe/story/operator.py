"""What the operator does in the console."""

import base64
import hashlib
import hmac
import struct
import time

from tenantry.sdk.browser import Page
from tenantry.sdk.story import Stage


def one_time_code(secret: str, moment: float) -> str:
    """Return the six digits of RFC 6238 for a base32 secret."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(moment) // 30), hashlib.sha1)
    start = digest[-1] & 0xF
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFF_FFFF
    return f"{number % 1_000_000:06d}"


async def sign_in(stage: Stage, page: Page) -> None:
    """Sign in with password and one-time code."""
    await page.goto(f"{stage.console_url}sign-in/")
    await page.locator("input[name=login]").fill(stage.operator.email)
    await page.locator("input[name=password]").fill(stage.operator.password)
    await page.locator("input[name=password]").press("Enter")
    await page.locator("#code-form input[name=code]").fill(
        one_time_code(stage.operator.totp_secret, time.time())
    )
    await page.locator("#code-form button[type=submit]").click()
    await page.wait_for_url(stage.console_url)


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
