"""The tables of the console, a module per wing; importing this registers them."""

from tenantry.faces.console.admin import (
    audit,
    jobs,
    mails,
    people,
    policies,
    processes,
    schedules,
    sessions,
)

__all__ = ["audit", "jobs", "mails", "people", "policies", "processes", "schedules", "sessions"]
