"""What the customer does in the portal."""

import re
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tenantry.sdk.browser import FilePayload, Page
from tenantry.sdk.story import Stage
from tenantry_cafe.fakesite.catalogue import DEFAULT_PASSWORD
from tenantry_cafe.picture import png

ACCOUNT = "seller01"
TEMPLATE = "Refurbished phones"
SCHEDULE = "Morning offer"
ZONE = "Asia/Seoul"
PATIENCE = 60_000
_CODE = re.compile(r"\b[A-Z]{4}-[A-Z]{4}\b")
# A slot this near would be missed while the form is being sent.
_HEADWAY_SECONDS = 4


def home(stage: Stage, path: str = "") -> str:
    """Return an address inside the demo tenant's portal."""
    return f"{stage.portal_url}/t/{stage.tenant_short_id}/{path}"


async def sign_in(stage: Stage, page: Page) -> str:
    """Sign in with the code from the captured mail; returns the subject's first words."""
    asked = time.time()
    await page.goto(f"{stage.portal_url}/sign-in/")
    await page.locator("input[name=email]").fill(stage.customer.email)
    await page.locator("form:has(input[name=email]) button").click()
    code = page.locator("input[name=code]")
    await code.wait_for()
    mail = await stage.mail(stage.customer.email, after=asked - 1)
    found = _CODE.search(mail)
    if not found:
        message = "the mail holds no code"
        raise AssertionError(message)
    await code.fill(found[0].lower())
    await page.locator("form:has(input[name=code]) button").click()
    await page.wait_for_url(home(stage))
    return f"code of {len(found[0])} signs taken from the mail"


async def connect(stage: Stage, page: Page) -> str:
    """Connect the cafe account and wait for a healthy session; returns the page's words."""
    await page.goto(home(stage, "connections/new/"))
    await page.locator("input[name=account]").fill(ACCOUNT)
    await page.locator("input[name=password]").fill(DEFAULT_PASSWORD)
    await page.locator("input[name=consent]").check()
    await page.locator("form:has(input[name=password]) button.primary").click()
    chip = page.locator("#connection .chip.ok").first
    await chip.wait_for(timeout=PATIENCE)
    return (await chip.inner_text()).strip()


async def write_template(stage: Stage, page: Page) -> None:
    """Save a template with a variable and an image."""
    await page.goto(home(stage, "cafe/new/"))
    await page.locator("input[name=name]").fill(TEMPLATE)
    await page.locator("[name=cafe]").fill("market")
    await page.locator("[name=board]").fill("sale")
    await page.locator("[name=title]").fill("Phones of {{weekday}} {{time}}")
    await page.locator("[name=body]").fill("Checked and cleaned.\nAsk us anything.")
    picture: FilePayload = {"name": "phone.png", "mimeType": "image/png", "buffer": png()}
    await page.locator("input[name=images]").set_input_files([picture])
    await page.locator("form[enctype] button.primary").click()
    await page.wait_for_url(re.compile(r"/cafe/[0-9a-f-]{36}/$"))


async def make_schedule(stage: Stage, page: Page) -> str:
    """Make a schedule for the next minute; returns its local time."""
    await page.goto(home(stage, "schedules/new/"))
    await page.locator("[name=name]").fill(SCHEDULE)
    await page.locator("select[name=content]").select_option(label=TEMPLATE)
    for day in await page.locator("input[name=weekdays]").all():
        await day.check(force=True)
    await page.locator("[name=zone]").fill(ZONE)
    # Last, so that only the sending has to happen before the minute.
    due = datetime.now(ZoneInfo(ZONE)) + timedelta(seconds=_HEADWAY_SECONDS)
    due = due.replace(second=0, microsecond=0) + timedelta(minutes=1)
    await page.locator("[name=times]").fill(f"{due:%H:%M}")
    await page.locator("form:has([name=times]) button.primary").click()
    await page.wait_for_url(re.compile(r"/schedules/[0-9a-f-]{36}/$"))
    return f"{due:%H:%M} {ZONE}"


async def run_now(page: Page, schedule: str) -> str:
    """Make a slot due by hand and open its page; returns that page's address."""
    await page.goto(schedule)
    await page.locator("form[action$='/run/'] button").click()
    await page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    return page.url


async def outcome(page: Page, run: str, *, wanted: str) -> str:
    """Wait until a run's page shows the wanted status; returns cause and remedy."""
    await page.goto(run)
    chip = page.locator(".page-head .chip")
    await chip.filter(has_text=re.compile(wanted, re.IGNORECASE)).wait_for(timeout=PATIENCE)
    return " ".join((await page.locator("#run .note").first.inner_text()).split())
