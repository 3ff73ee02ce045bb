"""What the story holds the platform to."""

import json
import time
from collections.abc import Sequence

from tenantry.sdk.browser import Page
from tenantry_erp.story.visitor import Made

OPEN, SUSPENDED, UNKNOWN = 200, 503, 404
_STRANGER = 401
_MANDATORY = (
    "visited",
    "address_given",
    "code_sent",
    "code_verified",
    "details_given",
    "accepted",
    "placed",
    "database_ready",
    "instance_ready",
    "routed",
    "ready",
    "activated",
)
# Beginnings of what a trace shows of a visitor who became a tenant, in this order.
_MOMENTS = (
    "Opened the trial page",
    "Gave an address",
    "Proved the address",
    "Named the company",
    "Was accepted",
    "Got a host",
    "Got a database",
    "Got an instance",
    "Got a host name",
    "Was proven ready",
    "Was told so",
    "Mail sent tenant_active",
)
_COOKIE = "tryton_session"
# Asks the host name of the page for the companies of a database, as the web client does.
_ASK = """
    async (database) => {
        const answer = await fetch(`/${database}/rpc/`, {
            method: "POST",
            headers: {"Content-Type": "application/json"},
            body: JSON.stringify({
                id: 1,
                method: "model.company.company.search_read",
                params: [[], 0, 10, null, ["rec_name"], {}],
            }),
        });
        return [answer.status, (await answer.text()).slice(0, 500)];
    }
"""


async def status(page: Page, made: Made) -> int:
    """Open an ERP's host name; returns how the gateway answers."""
    # Asked with a query of its own: the browser may keep the page itself.
    answer = await page.goto(f"{made.address}/?asked={time.time()}")
    assert answer is not None
    return answer.status


async def require_apart(page: Page, made: Made, other: Made) -> str:
    """Carry a session of one ERP to another: it opens nothing there; returns what was answered.

    The page must show the ERP that it is signed in to.
    """
    at_home, said = await page.evaluate(_ASK, made.database)
    assert (at_home, made.company in said) == (OPEN, True), (at_home, said)
    (session,) = [
        cookie["value"]
        for cookie in await page.context.cookies(f"{made.address}/{made.database}/")
        if cookie["name"] == _COOKIE
    ]
    await page.context.add_cookies([{"name": _COOKIE, "value": session, "url": other.address}])
    await page.goto(f"{other.address}/.well-known/tenantry")
    theirs, _said = await page.evaluate(_ASK, other.database)
    mine, _said = await page.evaluate(_ASK, made.database)
    assert (theirs, mine) == (_STRANGER, UNKNOWN), (theirs, mine)
    return f"at home {at_home}, for the other's companies {theirs}, there for its own {mine}"


def require_order(titles: Sequence[str]) -> None:
    """Require the moments of a trace in order."""
    shown = [" ".join(title.split()) for title in titles]
    places = []
    for moment in _MOMENTS:
        found = [place for place, title in enumerate(shown) if title.startswith(moment)]
        assert found, (moment, shown)
        places.append(found[0])
    assert places == sorted(places), shown


def steps_of(exported: str, trace_id: str) -> list[str]:
    """Return the steps of one trace in an export, and require that no mandatory one is missing."""
    events = [json.loads(row) for row in exported.splitlines()]
    steps = [event["step"] for event in events if event["trace_id"] == trace_id]
    assert [step for step in steps if step in _MANDATORY] == list(_MANDATORY), steps
    return steps
