"""Somebody who goes through the trial with a browser."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from django.http import HttpResponse
from django.test import Client

from tenantry.core import clock, journey, tenancy
from tenantry.customers.notices import queries as notices
from tenantry.fleet.provisioning import engine, queries
from tenantry.fleet.provisioning.drivers.fake import FakeDriver
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.turns import Rest
from tenantry.journeys.onboarding.models import Registration
from tests.probes import handle_messages

COMPANY = "mina@hanbit-phones.kr"
FREE = "mina@naver.com"
_CODE = re.compile(r"[B-Z]{4}-[B-Z]{4}")
_MOST_TURNS = 200


@dataclass(kw_only=True)
class Stranger:
    """A browser without an account, and what happens around it."""

    driver: FakeDriver
    client: Client = field(default_factory=Client)

    @property
    def registration(self) -> Registration:
        led = journey.read({"journey": self.client.cookies["journey"].value})
        assert led is not None
        with tenancy.platform("look"):
            return Registration.objects.get(id=led.id)

    @property
    def run(self) -> Run:
        tenant_id = self.registration.tenant_id
        assert tenant_id is not None
        (run,) = queries.runs_of(tenant_id)
        return run

    def sees(self, path: str) -> str:
        """Open a page, wherever it leads, and return it."""
        answer = self.client.get(path, follow=True)
        assert answer.status_code == 200
        return str(answer.content.decode())

    def gives(self, email: str) -> HttpResponse:
        return cast("HttpResponse", self.client.post("/trial/", {"email": email}))

    def code(self, email: str) -> str:
        handle_messages()
        newest = notices.list_captured(to=email).order_by("-captured_at", "-id")[0]
        found = _CODE.search(newest.letter.text)
        assert found is not None
        return found[0]

    def proves(self, email: str = COMPANY) -> None:
        """Do everything up to the company page."""
        self.client.get("/trial/")
        assert self.gives(email).headers["Location"] == "/trial/code/"
        answer = self.client.post("/trial/code/", {"code": self.code(email)})
        assert answer.headers["Location"] == "/trial/company/"

    def tells(self, **changes: str) -> HttpResponse:
        told = {"company": "Hanbit Phones", "region": "sg", "language": "en", "zone": "Asia/Seoul"}
        return cast("HttpResponse", self.client.post("/trial/company/", {**told, **changes}))

    def settles(self, email: str = COMPANY) -> None:
        """Do everything up to the page that shows the steps."""
        self.proves(email)
        assert self.tells().headers["Location"] == "/trial/progress/"

    def drive(self, *, turns: int = _MOST_TURNS) -> None:
        """Let the set-up go on, skipping over its pauses."""
        self.drive_run(self.run, turns=turns)

    def drive_run(self, run: Run, *, turns: int = _MOST_TURNS) -> None:
        """Let a run go on, skipping over its pauses."""
        now = max(clock.now(), run.created_at)
        for _turn in range(turns):
            rest = engine.take_turn(
                run_id=run.id, tenant_id=run.tenant_id, driver=self.driver, now=now
            )
            if isinstance(rest, Rest):
                if rest.until is None:
                    break
                now = max(now, rest.until) + timedelta(milliseconds=1)
        handle_messages()

    def arrives(self, email: str = COMPANY) -> None:
        """Do everything up to the page that says ready."""
        self.settles(email)
        self.drive()
        assert self.registration.state == "ready"
