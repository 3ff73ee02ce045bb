"""The verbs of this room, one module per topic: import them from here."""

from tenantry.journeys.onboarding.services.asking import begin, give_address, resend
from tenantry.journeys.onboarding.services.dictionary import (
    add_domain,
    change_domain,
    remove_domain,
)
from tenantry.journeys.onboarding.services.ending import enter, expire, follow_run
from tenantry.journeys.onboarding.services.judging import explain
from tenantry.journeys.onboarding.services.proving import enter_code
from tenantry.journeys.onboarding.services.settling import approve, give_details, reject

__all__ = [
    "add_domain",
    "approve",
    "begin",
    "change_domain",
    "enter",
    "enter_code",
    "expire",
    "explain",
    "follow_run",
    "give_address",
    "give_details",
    "reject",
    "remove_domain",
    "resend",
]
