"""Somebody at the trial pages, seen from the verbs behind them."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from tenantry.core import tenancy
from tenantry.core.ids import uuid7
from tenantry.customers.accounts.codes import normalized
from tenantry.customers.notices import queries as notices
from tenantry.journeys.onboarding import queries, services
from tenantry.journeys.onboarding.models import Registration
from tenantry.ledger.funnel.models import FunnelEvent
from tests.probes import handle_messages

COMPANY = "kim@hanbit.kr"
FREE = "kim@naver.com"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """One browser and the journey in its cookie."""

    now: datetime
    journey_id: UUID = field(default_factory=uuid7)
    browser: str = "browser-1"
    network: str = "203.0.113.9"
    language: str = "en"

    def later(self, **given: float) -> "Visitor":
        return replace(self, now=self.now + timedelta(**given))

    def elsewhere(self, browser: str = "browser-2") -> "Visitor":
        return replace(self, journey_id=uuid7(), browser=browser)

    def begins(self, *, plan: str = "free", region: str = "sg") -> Registration:
        return services.begin(
            journey_id=self.journey_id,
            browser=self.browser,
            plan=plan,
            region=region,
            language=self.language,
            now=self.now,
        )

    def gives(self, email: str) -> Registration:
        return services.give_address(
            journey_id=self.journey_id,
            browser=self.browser,
            email=email,
            network=self.network,
            language=self.language,
            now=self.now,
        )

    def wants_another_code(self) -> Registration:
        return services.resend(
            journey_id=self.journey_id,
            browser=self.browser,
            network=self.network,
            language=self.language,
            now=self.now,
        )

    def enters(self, code: str) -> Registration:
        return services.enter_code(
            journey_id=self.journey_id, browser=self.browser, code=code, now=self.now
        )

    def tells(
        self,
        *,
        company: str = "Hanbit Phones",
        region: str = "sg",
        language: str = "en",
        zone: str = "Asia/Seoul",
    ) -> Registration:
        return services.give_details(
            journey_id=self.journey_id,
            browser=self.browser,
            company=company,
            region=region,
            language=language,
            zone=zone,
            now=self.now,
        )

    def proves(self, email: str) -> Registration:
        """Do everything up to the proof of the address."""
        self.begins()
        self.gives(email)
        return self.enters(code_for(email))

    @property
    def registration(self) -> Registration:
        return queries.get_for_browser(journey_id=self.journey_id, browser=self.browser)


def code_for(email: str) -> str:
    """Return the newest code that was mailed to an address."""
    handle_messages()
    newest = notices.list_captured(to=email).order_by("-captured_at", "-id")[0]
    return normalized(newest.letter.text.splitlines()[2])


def letters(email: str) -> list[str]:
    """Return the subjects of the mails to an address, in order."""
    handle_messages()
    captured = notices.list_captured(to=email).order_by("captured_at", "id")
    return [mail.letter.subject for mail in captured]


def steps(journey_id: UUID) -> list[str]:
    """Return the steps of a journey in the order in which they were written."""
    with tenancy.platform("look"):
        events = FunnelEvent.objects.filter(subject=journey_id).order_by("id")
        return list(events.values_list("step", flat=True))
