"""A company at work: accounts, templates, schedules and runs, made by their own services."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tenantry.core import objects, tenancy
from tenantry.core.ids import uuid7
from tenantry.customers.tenants.models import Tenant
from tenantry.sdk import registry
from tenantry.sdk.product import Proof, Published, SignedIn
from tenantry.work.automation import services as automation
from tenantry.work.automation.errorcodes import Code, Failure
from tenantry.work.automation.models import Connection, Evidence, EvidenceKind, Job
from tenantry.work.schedules import services as schedules
from tenantry.work.schedules.models import Schedule, Slot
from tenantry_cafe.models import Template
from tenantry_cafe.services import Draft, create_template

ACTOR = "system:test"
OPERATOR = "operator:test"
PASSWORD = "hunter-2-hunter-2"
ARTICLE = "https://cafe.example/market/1"


@dataclass(frozen=True, kw_only=True)
class Company:
    """One tenant and what its people make in it."""

    tenant: Tenant
    now: datetime

    def url(self, rest: str = "") -> str:
        return f"/t/{self.tenant.short_id}/{rest}"

    def account(self, label: str = "Main account", *, alive: bool = True) -> Connection:
        connector = registry.product("cafe").connectors[0].slug
        made = automation.connect(
            tenant_id=self.tenant.id,
            product="cafe",
            connector=connector,
            account=f"seller{uuid7().hex}",
            password=PASSWORD,
            label=label,
            actor=ACTOR,
            now=self.now,
        )
        self._end_sign_in(made, alive=alive)
        with tenancy.scope(self.tenant.id):
            return Connection.objects.get(id=made.id)

    def _end_sign_in(self, made: Connection, *, alive: bool) -> None:
        job = self._claimed(made.id)
        tried = automation.Tried()
        if alive:
            until = SignedIn(account=made.account, expires_at=self.now + timedelta(days=30))
            state: dict[str, object] = {"cookies": []}
            automation.end_sign_in(job=job, signed_in=until, state=state, tried=tried, now=self.now)
        else:
            failure = Failure(code=Code.CHALLENGE_REQUIRED)
            automation.fail_attempt(job=job, failure=failure, tried=tried, now=self.now)

    def template(self, name: str = "Deal of the day") -> Template:
        draft = Draft(name=name, title="Deal {{date}}", body="Hello", cafe="market", board="sale")
        with tenancy.scope(self.tenant.id):
            return create_template(tenant_id=self.tenant.id, actor=ACTOR, draft=draft, now=self.now)

    def schedule(
        self,
        name: str = "Morning",
        *,
        account: Connection | None = None,
        template: Template | None = None,
        approved: bool = True,
    ) -> Schedule:
        wanted = schedules.Wanted(
            name=name,
            connection_id=(account or self.account(name)).id,
            content_id=(template or self.template(name)).id,
            zone="Asia/Seoul",
            weekdays=0b1111111,
            times=["09:00"],
            daily_limit=5,
        )
        made = schedules.create_schedule(
            tenant_id=self.tenant.id, wanted=wanted, actor=ACTOR, now=self.now
        )
        if approved:
            return schedules.approve(schedule_id=made.id, actor=OPERATOR, now=self.now)
        return made

    def slot(self, schedule: Schedule, *, ago: int = 0) -> Slot:
        """Run it `ago` minutes before now, as far as its gates let it."""
        moment = self.now - timedelta(minutes=ago)
        return schedules.run_now(
            tenant_id=self.tenant.id, schedule_id=schedule.id, actor=ACTOR, now=moment
        )

    def published(self, schedule: Schedule) -> Slot:
        slot = self.slot(schedule)
        job = self._claimed(schedule.connection_id)
        published = Published(id=str(uuid7()), url=ARTICLE)
        proof = Proof(url=ARTICLE, title="Deal 2026-11-22", matches=True, image_count=0)
        automation.intend(job=job, submitted={}, now=self.now)
        automation.succeed(
            job=job,
            published=published,
            result={"id": published.id, **asdict(proof)},
            tried=automation.Tried(),
            now=self.now,
        )
        return slot

    def failed(self, schedule: Schedule) -> Slot:
        slot = self.slot(schedule)
        job = self._claimed(schedule.connection_id)
        failure = Failure(code=Code.UI_CHANGED, detail="write button")
        automation.fail_attempt(job=job, failure=failure, tried=automation.Tried(), now=self.now)
        return slot

    def evidence(
        self, slot: Slot, kind: EvidenceKind, data: bytes, media_type: str, *, lost: str = ""
    ) -> Evidence:
        assert slot.job_id is not None
        key = "" if lost else f"evidence/{slot.tenant_id}/{uuid7()}"
        if key:
            objects.put(key, data)
        piece = Evidence(
            tenant_id=slot.tenant_id,
            job_id=slot.job_id,
            attempt_number=1,
            kind=kind,
            object_key=key,
            size=len(data),
            media_type=media_type,
            lost=lost,
            created_at=self.now,
        )
        automation.record_evidence(evidence=piece)
        return piece

    def _claimed(self, connection_id: UUID) -> Job:
        (job,) = automation.claim(
            tenant_id=self.tenant.id, connection_id=connection_id, now=self.now
        ).jobs
        return job
