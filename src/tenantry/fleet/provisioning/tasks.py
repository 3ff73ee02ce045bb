"""Handlers of this room's messages."""

from tenantry.core import clock
from tenantry.core.queue import handles
from tenantry.fleet.provisioning import engine, watching
from tenantry.fleet.provisioning.messages import AdvanceRun, LookAtInstance, TendRuns


@handles(AdvanceRun)
async def advance_run(command: AdvanceRun) -> None:
    """Take a run as far as it goes now."""
    await engine.advance(run_id=command.run_id, tenant_id=command.tenant_id, now=clock.now)


@handles(LookAtInstance, attempts=1)
def look_at_instance(command: LookAtInstance) -> None:
    """Probe one living instance."""
    watching.look(tenant_id=command.tenant_id, now=clock.now())


@handles(TendRuns, attempts=1, every="* * * * * */5")
def tend_runs(_command: TendRuns) -> None:
    """Send on what nobody works on, and have instances looked at."""
    now = clock.now()
    watching.send_on(now=now)
    watching.send_looks(now=now)
