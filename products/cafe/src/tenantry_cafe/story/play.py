"""The eight lines, in order."""

import asyncio
import re
import time

from tenantry.sdk.story import Line, Stage, sign_in_operator
from tenantry_cafe.fakesite.control import Control
from tenantry_cafe.story import customer, operator

FAILURES_UNTIL_SUSPENDED = 5
DEBUG_FROM = 4


async def play(stage: Stage) -> None:
    """Play the story; see `sdk.story`."""
    site = Control(stage.site_url, stage.site_token)
    site.reset()
    async with stage.line("A customer signs in with the code from the captured mail") as line:
        line.note(await customer.sign_in(stage, await stage.page("customer")))
    async with stage.line("connects a cafe account; Chromium signs in there") as line:
        line.note(await customer.connect(stage, await stage.page("customer")))
    async with stage.line("saves a template with an image"):
        await customer.write_template(stage, await stage.page("customer"))
    async with stage.line("makes a schedule; its first slot is blocked until approved") as line:
        schedule = await _first_slot(stage, line)
    async with stage.line("An operator approves; the next slot is posted and read back") as line:
        await _approved_post(stage, line, schedule, site)
    async with stage.line("The cafe changes its write page: evidence, then suspended") as line:
        await _changed_page(stage, line, schedule, site)
    async with stage.line("The browser is killed in the middle of a submit: one article") as line:
        await _killed_submit(stage, line, schedule, site)
    async with stage.line("The audit log verifies; a tampered copy does not") as line:
        await _audit(stage, line)


async def _first_slot(stage: Stage, line: Line) -> str:
    page = await stage.page("customer")
    line.note(f"due at {await customer.make_schedule(stage, page)}")
    schedule = page.url
    blocked = page.locator("#schedule .list a").first
    await blocked.wait_for(timeout=75_000)
    await blocked.click()
    await page.wait_for_url(re.compile("/runs/"))
    line.note(await customer.outcome(page, page.url, wanted="blocked"))
    return schedule


async def _approved_post(stage: Stage, line: Line, schedule: str, site: Control) -> None:
    console = await stage.page("operator")
    await sign_in_operator(stage, console)
    await operator.approve(stage, console, customer.SCHEDULE)
    page = await stage.page("customer")
    run = await customer.run_now(page, schedule)
    line.note(await customer.outcome(page, run, wanted="success"))
    article = str(await page.locator(".page-head .actions a.primary").get_attribute("href"))
    await page.locator("#run section:has-text('Read back') .chip.ok").wait_for()
    (posted,) = site.articles(author=customer.ACCOUNT)
    assert str(posted["id"]) in article, (posted, article)
    line.note(f"article {article}")


async def _changed_page(stage: Stage, line: Line, schedule: str, site: Control) -> None:
    site.set_fault("ui_changed")
    page = await stage.page("customer")
    for count in range(1, FAILURES_UNTIL_SUSPENDED + 1):
        run = await customer.run_now(page, schedule)
        said = await customer.outcome(page, run, wanted="failed")
        kinds = await page.locator("#run [data-evidence]").evaluate_all(
            "items => items.map(item => item.dataset.evidence)"
        )
        assert {"screenshot", "html"} <= set(kinds), kinds
        assert (count >= DEBUG_FROM) == ("trace" in kinds), (count, kinds)
        if count in {1, DEBUG_FROM}:
            line.note(f"failure {count}: {said} [{', '.join(sorted(kinds))}]")
        await _settled(stage, schedule, count)
    asked = time.time() - 30
    await page.goto(schedule)
    await page.locator("#why-not").wait_for()
    line.note(" ".join((await page.locator("#why-not").inner_text()).split()))
    mail = await stage.mail(stage.customer.email, after=asked)
    assert customer.SCHEDULE in mail, mail
    site.clear_faults()


async def _settled(stage: Stage, schedule: str, failures: int) -> None:
    """Wait until the schedule's own page counts the failure."""
    page = await stage.page("customer")
    await page.goto(schedule)
    await page.locator(f"#schedule[data-failures='{failures}']").wait_for(timeout=customer.PATIENCE)


async def _killed_submit(stage: Stage, line: Line, schedule: str, site: Control) -> None:
    console = await stage.page("operator")
    await operator.resume(stage, console, customer.SCHEDULE)
    page = await stage.page("customer")
    before = len(site.articles(author=customer.ACCOUNT))
    site.set_fault("hold_submit", at="after", times=1)
    run = await customer.run_now(page, schedule)
    await asyncio.to_thread(site.wait_until_held, timeout=30.0)
    killed = time.monotonic()
    await stage.kill("browser")
    site.release()
    site.clear_faults()
    line.note("browser killed with SIGKILL while the site held the submit")
    line.note(await customer.outcome(page, run, wanted="success"))
    after = len(site.articles(author=customer.ACCOUNT))
    assert after == before + 1, (before, after)
    line.note(f"reconciled after {time.monotonic() - killed:.1f} s; the article exists once")


async def _audit(stage: Stage, line: Line) -> None:
    code, report = await stage.command("audit", "verify")
    assert code == 0, report
    line.note(f"{report['entries']} entries, {report['checkpoints']} checkpoints, all well")
    found = await stage.tampered_copy()
    assert found, "the tampered copy was not noticed"
    line.note(f"tampered copy: {found[0]}")
