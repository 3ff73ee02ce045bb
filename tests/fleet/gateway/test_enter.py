"""The way in, in a real browser: the page's own script runs under its policy, and nothing else."""

import pytest
from playwright.sync_api import sync_playwright

from tenantry.work.automation import chromium
from tests.fleet.gateway.conftest import ONE, Gate


@pytest.fixture
def _browser_needed() -> None:
    if chromium.find().headless is None:
        pytest.skip("no Chromium on this machine")


@pytest.mark.usefixtures("_browser_needed")
def test_ticket_leads_a_browser_into_the_instance(gate: Gate) -> None:
    url = f"http://{ONE}:{gate.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find().headless)
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url}/.tenantry/enter?ticket=good")
        page.wait_for_url(f"{url}/#menu")
        stored = page.evaluate("Object.fromEntries(Object.entries(localStorage))")
        cookies = [(one["name"], one["value"], one["httpOnly"]) for one in page.context.cookies()]
        heard = page.evaluate("fetch('/echo').then(answer => answer.json())")
        # Going back does not lead to the spent ticket.
        assert page.evaluate("history.length") <= 2
        browser.close()
    assert stored == {"session": "</script><b>'\"", "sao_2": "2"}
    assert cookies == [("sid", "abc", True)]
    assert ["cookie", "sid=abc"] in heard["headers"]
    assert [one for one in complaints if "favicon" not in one] == []
