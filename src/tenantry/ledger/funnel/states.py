"""The steps of the journey from the first visit to the first use, in order."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Step(TextChoices):
    """A step a visitor reached; each is reached once."""

    VISITED = "visited", _("Opened the trial page")
    ADDRESS_GIVEN = "address_given", _("Gave an address")
    CODE_SENT = "code_sent", _("Was sent a code")
    CODE_VERIFIED = "code_verified", _("Proved the address")
    DETAILS_GIVEN = "details_given", _("Named the company")
    APPROVED = "approved", _("Was approved by an operator")
    ACCEPTED = "accepted", _("Was accepted")
    PLACED = "placed", _("Got a host")
    DATABASE_READY = "database_ready", _("Got a database")
    INSTANCE_READY = "instance_ready", _("Got an instance")
    ROUTED = "routed", _("Got a host name")
    READY = "ready", _("Was proven ready")
    ACTIVATED = "activated", _("Was told so")
    ENTERED = "entered", _("Went in")


ORDER: tuple[Step, ...] = tuple(Step)
# Only addresses of free providers wait for an operator.
OPTIONAL = frozenset({Step.APPROVED})
