"""The verbs of this room, one module per topic: import them from here."""

from tenantry.work.schedules.services.editing import (
    Wanted,
    create_schedule,
    disable,
    edit_schedule,
    enable,
    request_review,
)
from tenantry.work.schedules.services.following import follow_content, record_job_end
from tenantry.work.schedules.services.reviewing import (
    Ruling,
    approve,
    approve_all,
    ban,
    ban_all,
    grant_appeal,
    reject,
    reject_all,
    suspend,
    suspend_all,
    unsuspend,
)
from tenantry.work.schedules.services.running import run_now

__all__ = [
    "Ruling",
    "Wanted",
    "approve",
    "approve_all",
    "ban",
    "ban_all",
    "create_schedule",
    "disable",
    "edit_schedule",
    "enable",
    "follow_content",
    "grant_appeal",
    "record_job_end",
    "reject",
    "reject_all",
    "request_review",
    "run_now",
    "suspend",
    "suspend_all",
    "unsuspend",
]
