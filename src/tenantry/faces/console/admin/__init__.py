"""The tables of the console, a module per wing; importing this registers them."""

from tenantry.faces.console.admin import audit, automation, mails, people, policies, schedules

__all__ = ["audit", "automation", "mails", "people", "policies", "schedules"]
