"""Keeping the leases of running jobs: who loses them is stopped at once, wherever it is."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from django.db import DatabaseError

from tenantry.core import db
from tenantry.core.logs import get_logger
from tenantry.work.automation import services
from tenantry.work.automation.errors import JobStopped
from tenantry.work.automation.lane import Clock
from tenantry.work.automation.models import Job

_log = get_logger(__name__)


@asynccontextmanager
async def kept(jobs: Sequence[Job], *, now: Clock) -> AsyncIterator[None]:
    """Renew the leases while the block runs; losing one cancels the block with `JobStopped`.

    A lease is lost when the job was cancelled, held or taken over, or when the database could not
    be asked for as long as the lease lasts.
    """
    owner = asyncio.current_task()
    lost = False

    async def renew_until_lost() -> None:
        nonlocal lost
        safe_until = time.monotonic() + services.LEASE.total_seconds()
        while not lost:
            await asyncio.sleep(services.RENEW_EVERY.total_seconds())
            asked_at = time.monotonic()
            try:
                lost = not await db.in_thread(
                    services.renew, tenant_id=jobs[0].tenant_id, jobs=jobs, now=now()
                )
                safe_until = asked_at + services.LEASE.total_seconds()
            except DatabaseError as error:
                _log.warning("lease_not_renewed", reason=str(error).strip())
                # One more renewal would come too late.
                lost = time.monotonic() + services.RENEW_EVERY.total_seconds() > safe_until
        if owner is not None:
            owner.cancel()

    renewing = asyncio.create_task(renew_until_lost())
    try:
        yield
    except asyncio.CancelledError:
        if not lost or owner is None:
            raise
        owner.uncancel()
        raise JobStopped(str(jobs[0].id)) from None
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
