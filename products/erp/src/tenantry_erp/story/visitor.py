"""What a stranger does from the first page of the trial until the ERP is theirs."""

import re
import time
from dataclasses import dataclass

from tenantry.sdk.browser import Page
from tenantry.sdk.story import Stage

PATIENCE = 60_000
_CODE = re.compile(r"\b[A-Z]{4}-[A-Z]{4}\b")
# The names of the steps that the page shows as running, once for each time one of them changes.
_FOLLOW = """
    () => {
        window.seenSteps = [];
        const look = () => {
            const now = document.querySelector(".making li.now");
            if (now && window.seenSteps.at(-1) !== now.id) window.seenSteps.push(now.id);
        };
        new MutationObserver(look).observe(document.body, {subtree: true, childList: true});
        look();
    }
"""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A company's own ERP as its owner found it."""

    company: str
    address: str
    short_id: str

    @property
    def database(self) -> str:
        """Return the name of its database."""
        return f"tnt_{self.short_id}"


async def require_fit(page: Page) -> None:
    """Raise unless the page fits into the width of its window."""
    too_wide = await page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    if too_wide > 0:
        message = f"{page.url} is {too_wide} px wider than its window"
        raise AssertionError(message)


async def prove_address(stage: Stage, page: Page, email: str) -> None:
    """Give an address on the page that is open, and the code from the captured mail."""
    await require_fit(page)
    asked = time.time()
    await page.locator("input[name=email]").fill(email)
    await page.locator("form:has(input[name=email]) button.primary").click()
    code = page.locator("input[name=code]")
    await code.wait_for()
    await require_fit(page)
    mail = await stage.mail(email, after=asked - 1)
    found = _CODE.search(mail)
    if not found:
        message = "the mail holds no code"
        raise AssertionError(message)
    await code.fill(found[0].lower())
    await page.locator("form:has(input[name=code]) button.primary").click()
    await page.locator("input[name=company]").wait_for()


async def name_company(page: Page, company: str, region: str) -> None:
    """Name the company and choose where its data lives."""
    await require_fit(page)
    await page.locator("input[name=company]").fill(company)
    await page.locator(f"input[name=region][value={region}]").check(force=True)
    await page.locator("form:has(input[name=company]) button.primary").click()
    await page.locator("#progress").wait_for()


async def follow_steps(page: Page) -> None:
    """Note each step that the page shows as running, from now on."""
    await page.evaluate(_FOLLOW)


async def wait_ready(page: Page, company: str) -> tuple[Made, list[str]]:
    """Wait until the page says that the ERP is ready; returns it and the steps that were seen."""
    await page.locator("#progress[data-state=ready]").wait_for(timeout=PATIENCE)
    await require_fit(page)
    address = (await page.locator("#progress code.address").inner_text()).strip().rstrip("/")
    found = re.search(r"tenant-(\w+)\.", address)
    assert found, address
    seen: list[str] = await page.evaluate("() => window.seenSteps ?? []")
    made = Made(company=company, address=address, short_id=found[1])
    return made, [name.removeprefix("step-") for name in seen]


async def enter(page: Page, made: Made) -> str:
    """Open the ERP from the page that says it is ready; returns who is signed in there."""
    await page.locator("button[value=instance]").click()
    await page.wait_for_url(re.compile(re.escape(made.address)))
    person = page.locator("#user-preferences")
    await person.wait_for(timeout=PATIENCE)
    return (await person.inner_text()).strip()


async def companies(page: Page) -> str:
    """Open the ERP's own list of companies; returns its words."""
    menu = page.locator("#menu")
    await menu.get_by_text("Companies", exact=True).first.dblclick()
    await menu.get_by_text("Companies", exact=True).nth(1).dblclick()
    table = page.locator("#tabcontent table.tree tbody")
    await table.locator("tr").first.wait_for()
    return " ".join((await table.inner_text()).split())
