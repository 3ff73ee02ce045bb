"""The eight lines, in order."""

import re
import time

from tenantry.sdk.story import Line, Stage, sign_in_operator
from tenantry_erp.story import operator, proof, visitor
from tenantry_erp.story.visitor import PATIENCE, Made

READY_SECONDS = 15.0
STEPS = ("place", "database", "instance", "domain", "route", "readiness", "activate")
COMPANY = "Hanbit Trading"
SECOND = "서울제빵소"
TENANTS = "tenants/tenant"


async def play(stage: Stage) -> None:
    """Play the story; see `sdk.story`."""
    began = time.time()
    mark = time.strftime("%H%M%S", time.gmtime(began))
    async with stage.line("A stranger proves a work address with the code from the mail") as line:
        await _arrive(stage, line, f"owner-{mark}@hanbit.example")
    async with stage.line("names company and region, sees each step, and an ERP is ready") as line:
        made = await _set_up(stage, line)
    async with stage.line("opens the ERP on its own host name, signed in to that company") as line:
        await _enter(stage, line, made)
    async with stage.line("A throw-away address is refused; a free-mail visitor waits") as line:
        reference = await _wait_for_approval(stage, line, mark)
    async with stage.line("An operator approves; the worker is killed: the run goes on") as line:
        second = await _killed_worker(stage, line, reference)
        answers = await proof.require_apart(await stage.page("owner"), made, second)
        line.note(f"the first owner's session, carried to the second's host name: {answers}")
    async with stage.line("The ERP's process is killed: it is started again by itself") as line:
        await _killed_instance(stage, line, made)
    async with stage.line("The operator suspends, resumes and archives, with reasons") as line:
        await _closed(stage, line, made, second)
    async with stage.line("Funnel and trace tell it all, from first page to last mail") as line:
        await _told(stage, line, made, second)


async def _arrive(stage: Stage, line: Line, email: str) -> None:
    page = await stage.page("owner")
    await page.goto(f"{stage.portal_url}/trial?plan=free&region=sg")
    line.note(await page.locator("h1").inner_text())
    await visitor.prove_address(stage, page, email)
    line.note(f"{email} is proven")


async def _set_up(stage: Stage, line: Line) -> Made:
    page = await stage.page("owner")
    began = time.monotonic()
    await visitor.name_company(page, COMPANY, "sg")
    await visitor.follow_steps(page)
    made, seen = await visitor.wait_ready(page, COMPANY)
    took = time.monotonic() - began
    said = await page.locator(".arrived p").first.inner_text()
    order = [STEPS.index(step) for step in seen]
    assert order == sorted(order), seen
    assert "instance" in seen, seen
    done = await page.locator(".making li.done").count()
    assert done == len(STEPS), done
    assert took < READY_SECONDS, f"ready after {took:.1f} s"
    line.note(f"steps seen at work: {', '.join(seen)}")
    line.note(f"ready {took:.1f} s after the button; the page says: {said}")
    return made


async def _enter(stage: Stage, line: Line, made: Made) -> None:
    page = await stage.page("owner")
    person = await visitor.enter(page, made)
    listed = await visitor.companies(page)
    assert made.company in listed, listed
    line.note(f"{made.address} has {person} signed in, and the company {listed}")


async def _wait_for_approval(stage: Stage, line: Line, mark: str) -> str:
    page = await stage.page("visitor", locale="ko-KR", width=390)
    await page.goto(f"{stage.portal_url}/trial")
    assert await page.locator("html").get_attribute("lang") == "ko"
    await page.locator("input[name=email]").fill(f"throw-away-{mark}@mailinator.com")
    await page.locator("form:has(input[name=email]) button.primary").click()
    refusal = page.locator(".note.bad[role=alert]")
    await refusal.wait_for()
    line.note(f"refused: {' '.join((await refusal.inner_text()).split())}")
    await visitor.prove_address(stage, page, f"bakery.{mark}@naver.com")
    await visitor.name_company(page, SECOND, "kr")
    await page.locator("#progress[data-state=awaiting_approval]").wait_for()
    reference = (await page.locator(".reference code").inner_text()).strip()
    line.note(f"waits: {await page.locator('h1').inner_text()} ({reference})")
    return reference


async def _killed_worker(stage: Stage, line: Line, reference: str) -> Made:
    console = await stage.page("operator")
    await sign_in_operator(stage, console)
    await operator.open_row(stage, console, "onboarding/registration", reference)
    page = await stage.page("visitor")
    await visitor.follow_steps(page)
    await operator.act(console, "approve")
    await page.locator("#step-instance.now").wait_for(timeout=PATIENCE)
    await stage.kill("worker")
    killed = time.monotonic()
    line.note("worker killed with SIGKILL while the application was being started")
    second, seen = await visitor.wait_ready(page, SECOND)
    line.note(f"ready {time.monotonic() - killed:.1f} s after that; seen: {', '.join(seen)}")
    there = await stage.instance(second.short_id)
    assert (there.databases, len(there.processes)) == (1, 1), there
    await operator.open_row(stage, console, TENANTS, second.short_id)
    taken = console.locator("ol.log li", has_text="taken over").first
    await taken.wait_for(state="attached")
    said = " ".join((await taken.text_content() or "").split())
    line.note(f"one database, one process; its log: {said}")
    return second


async def _killed_instance(stage: Stage, line: Line, made: Made) -> None:
    console = await stage.page("operator")
    await operator.open_row(stage, console, TENANTS, made.short_id)
    (before,) = (await stage.instance(made.short_id)).processes
    await stage.kill_instance(made.short_id)
    killed = time.monotonic()
    line.note(await operator.wait_condition(console, "Process alive", holds=False))
    line.note(await operator.wait_condition(console, "Process alive", holds=True))
    await operator.wait_state(console, "active")
    (after,) = (await stage.instance(made.short_id)).processes
    assert before != after, before
    page = await stage.page("owner")
    assert await proof.status(page, made) == proof.OPEN
    line.note(f"process {before} is {after} after {time.monotonic() - killed:.1f} s")


async def _closed(stage: Stage, line: Line, made: Made, second: Made) -> None:
    console, page = await stage.page("operator"), await stage.page("owner")
    acts = (
        ("suspend", "suspended", "an invoice is overdue", proof.SUSPENDED),
        ("resume", "active", "the invoice is paid", proof.OPEN),
        ("archive", "archived", "the customer has left", proof.UNKNOWN),
    )
    for name, state, reason, wanted in acts:
        began = time.monotonic()
        await operator.act(console, name, reason=reason)
        await operator.wait_state(console, state)
        took = time.monotonic() - began
        answered = await proof.status(page, made)
        assert answered == wanted, (name, answered)
        line.note(f"{state} after {took:.1f} s ({reason}); the gateway answers {answered}")
    there = await stage.instance(made.short_id)
    assert (there.databases, there.processes) == (1, ()), there
    line.note("archived: no process is left, the database is kept")
    # The story's second company is needed no more, and its process takes memory.
    await operator.open_row(stage, console, TENANTS, second.short_id)
    await operator.act(console, "archive", reason="the demo is over")
    await operator.wait_state(console, "archived")


async def _told(stage: Stage, line: Line, made: Made, second: Made) -> None:
    console = await stage.page("operator")
    await console.goto(f"{stage.console_url}funnel/")
    for step in ("visited", "accepted", "activated"):
        numbers = await console.locator(f"#step-{step} .funnel-numbers").inner_text()
        line.note(f"funnel, {step}: {' '.join(numbers.split())}")
    exported = await stage.output("funnel", "export", "--format", "jsonl")
    for one in (made, second):
        await operator.open_row(stage, console, TENANTS, one.short_id)
        await console.locator("dt:has-text('trace of its registration') + dd a").click()
        await console.wait_for_url(re.compile("/trace/"))
        trace_id = console.url.rstrip("/").rpartition("/")[2]
        await console.locator(".timeline").wait_for()
        titles = await console.locator(".timeline-title").all_inner_texts()
        proof.require_order(titles)
        line.note(f"trace {trace_id}: {len(titles)} moments of {one.company}, in order")
        steps = proof.steps_of(exported, trace_id)
        line.note(f"exported: {', '.join(steps)}")
