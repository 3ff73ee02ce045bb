"""What the console shows of trials and of the fleet, made as their own rooms make it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from tenantry.core import tenancy, trace
from tenantry.core.ids import uuid7
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants import services as tenants
from tenantry.customers.tenants.models import Tenant
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.hosts.models import Host
from tenantry.fleet.provisioning import engine, queries
from tenantry.fleet.provisioning import services as provisioning
from tenantry.fleet.provisioning.drivers.fake import FakeDriver, FakeRecipe, product_with
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.states import RunKind, RunState
from tenantry.fleet.provisioning.turns import Rest
from tenantry.journeys.onboarding import services as onboarding
from tenantry.journeys.onboarding.addresses import Address, parse
from tenantry.journeys.onboarding.models import DictionaryEntry, Registration
from tenantry.journeys.onboarding.services.judging import judge_address, mailbox_key, store
from tenantry.journeys.onboarding.states import DictionaryRule, RegistrationState
from tenantry.sdk.product import Product

ACTOR = "system:test"
REGION = "sg"


def register_host(name: str, now: datetime, *, region: str = REGION, size: int = 16_384) -> Host:
    return hosts.register_host(
        name=name, region=region, cpu_milli=size, memory_mb=size, disk_mb=size, now=now
    )


def list_domain(
    domain: str, now: datetime, rule: DictionaryRule = DictionaryRule.FREE
) -> DictionaryEntry:
    return onboarding.add_domain(domain=domain, rule=rule, note="A test", actor=ACTOR, now=now)


def registration(
    email: str,
    now: datetime,
    *,
    company: str = "Sori Sound",
    state: RegistrationState = RegistrationState.AWAITING_APPROVAL,
) -> Registration:
    """A registration with a judged address that came as far as `state`."""
    address = parse(email)
    assert isinstance(address, Address)
    judged = judge_address(address)
    made = Registration(
        id=uuid7(),
        state=state,
        email=email,
        email_key=mailbox_key(address),
        browser_hash="x",
        plan="free",
        region=REGION,
        company=company,
        language="en",
        zone="Asia/Seoul",
        trace_id=trace.current().trace_id,
        created_at=now,
        verified_at=now,
        expires_at=now + timedelta(days=1),
    )
    with tenancy.platform("test"):
        made.decision = store(
            judged, address=address, registration_id=made.id, actor=ACTOR, now=now
        )
        made.save(force_insert=True)
    return made


def ended_run(tenant: Tenant, now: datetime, **given: object) -> Run:
    """A run of the past, as a list shows it."""
    told = {
        "kind": RunKind.CREATE,
        "state": RunState.SUCCEEDED,
        "recipe": "fake",
        "actor": ACTOR,
        "trace_id": trace.current().trace_id,
        "created_at": now,
        "ended_at": now,
        **given,
    }
    with tenancy.scope(tenant.id):
        return Run.objects.create(id=uuid7(), tenant_id=tenant.id, **told)


@dataclass(kw_only=True)
class Fleet:
    """A pretended place for instances, and a clock that skips every wait."""

    driver: FakeDriver
    recipe: FakeRecipe
    owner: User
    now: datetime

    def request(self, name: str = "Sori Sound") -> Tenant:
        return tenants.create_tenant(
            name=name,
            zone="Asia/Seoul",
            language="en",
            owner=self.owner,
            actor=ACTOR,
            now=self.now,
            state=TenantState.REQUESTED,
        )

    def begin(self, tenant: Tenant, kind: RunKind = RunKind.CREATE) -> Run:
        return provisioning.start_run(
            tenant_id=tenant.id,
            kind=kind,
            actor=ACTOR,
            reason="a test",
            now=self.now,
            subject=uuid4(),
            recipe=self.recipe.slug if kind == RunKind.CREATE else "",
        )

    def drive(self, run: Run) -> Run:
        """Take turns, skipping over every wait, until the run has ended."""
        for _turn in range(400):
            rest = engine.take_turn(
                run_id=run.id, tenant_id=run.tenant_id, driver=self.driver, now=self.now
            )
            if isinstance(rest, Rest):
                if rest.until is None:
                    return queries.get_run(run.id)
                self.now = rest.until
        message = f"{run} did not end"
        raise AssertionError(message)

    def settled(self, name: str = "Sori Sound") -> Tenant:
        """A tenant whose instance was made and proven."""
        tenant = self.request(name)
        ended = self.drive(self.begin(tenant))
        assert ended.state == RunState.SUCCEEDED, [str(one) for one in queries.steps_of(ended)]
        return tenant


def latest_run(tenant_id: UUID) -> Run:
    run = queries.run_of(tenant_id)
    assert run is not None
    return run


def make_fleet(owner: User, now: datetime, install: Callable[[Product], None]) -> Fleet:
    driver = FakeDriver()
    recipe = FakeRecipe(driver=driver)
    install(product_with(recipe))
    register_host("local-sg", now, size=10**6)
    return Fleet(driver=driver, recipe=recipe, owner=owner, now=now)
