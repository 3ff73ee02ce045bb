"""The tables of the console, a module per wing; importing this registers them."""

from tenantry.faces.console.admin import (
    audit,
    hosts,
    jobs,
    mails,
    people,
    policies,
    processes,
    runs,
    schedules,
    sessions,
    tenants,
    trials,
)

__all__ = [
    "audit",
    "hosts",
    "jobs",
    "mails",
    "people",
    "policies",
    "processes",
    "runs",
    "schedules",
    "sessions",
    "tenants",
    "trials",
]
