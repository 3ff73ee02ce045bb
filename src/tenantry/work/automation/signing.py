"""Signing in with proof, and looking whether a saved login still counts."""

from tenantry.core import db
from tenantry.sdk.errors import AuthExpired
from tenantry.sdk.product import Capability
from tenantry.work.automation import services
from tenantry.work.automation.lane import Lane
from tenantry.work.automation.models import Job


async def sign_in(lane: Lane, job: Job) -> None:
    """Sign in on an empty page; the login counts only once a fresh context was let in with it."""
    credentials = await db.in_thread(services.open_credentials, connection=lane.connection)
    lane.secrets.add(credentials.password)
    page = await lane.open_page_with(None, debug=job.debug)
    signed_in = await lane.connector.sign_in(page, credentials)
    state = await lane.saved_state()
    if Capability.CHECK in lane.connector.capabilities:
        page = await lane.open_page_with(state, debug=job.debug)
        signed_in = await lane.connector.check(page)
    await db.in_thread(
        services.end_sign_in,
        job=job,
        signed_in=signed_in,
        state=dict(state),
        tried=lane.tried(),
        now=lane.now(),
    )


async def check(lane: Lane, job: Job) -> None:
    """Look whether the saved login still counts; nothing changes on the site."""
    if lane.connection.session_secret_id is None:
        raise AuthExpired("there is no saved login")
    page = await lane.open_page(debug=job.debug)
    signed_in = await lane.connector.check(page)
    await db.in_thread(
        services.end_check, job=job, signed_in=signed_in, tried=lane.tried(), now=lane.now()
    )
