"""The life of a code and its purposes, and the roles of operators."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.states import check_moves


class Purpose(TextChoices):
    """What a code is good for; one of another purpose never works."""

    SIGN_IN = "sign_in", _("sign in")
    TRIAL = "trial", _("start a trial")


class CodeState(TextChoices):
    """Only a live code opens the door; expiry is a matter of time, not of state."""

    LIVE = "live", _("live")
    SPENT = "spent", _("spent")
    SUPERSEDED = "superseded", _("replaced by a newer one")


class OperatorRole(TextChoices):
    """What an operator may do in the console; empty for everybody else."""

    NONE = "", _("not an operator")
    REVIEWER = "reviewer", _("reviewer")
    OPERATOR = "operator", _("operator")
    SUPERUSER = "superuser", _("superuser")


CODE_MOVES = check_moves(
    CodeState,
    {
        CodeState.LIVE: frozenset({CodeState.SPENT, CodeState.SUPERSEDED}),
        CodeState.SPENT: frozenset(),
        CodeState.SUPERSEDED: frozenset(),
    },
)
