"""Refusals of this room, and the signals that stop a running job."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError, Unavailable


class SignInRunning(DomainError):
    """A second sign-in was asked for while one runs."""

    code = "sign_in_running"
    message = _("This account is being signed in right now.")
    remedy = _("Wait until it has ended; the page shows the result by itself.")


class TooManySignIns(DomainError):
    """Sites lock accounts after repeated sign-ins, so they are counted."""

    code = "too_many_sign_ins"
    http_status = 429
    message = _("This account was signed in %(limit)s times today.")
    remedy = _("Try again tomorrow; sites lock accounts that sign in too often.")


class NothingToCheck(DomainError):
    """There is no saved sign-in that could be looked at."""

    code = "nothing_to_check"
    message = _("There is no saved sign-in to check.")
    remedy = _("Connect the account again.")


class CannotDoThat(DomainError):
    """The connector does not have what the job kind needs."""

    code = "connector_cannot"
    http_status = 422
    message = _("%(connector)s cannot do this.")
    remedy = _("Choose another way to connect the account.")


class ChromiumMissing(Unavailable):
    """There is no browser on this machine."""

    code = "chromium_missing"
    message = _("There is no Chromium on this machine.")
    remedy = _("Run `make chromium`, or name one in TENANTRY_CHROMIUM; see `tenantry doctor`.")


class JobStopped(Exception):
    """The job was cancelled, held or taken over: what runs for it must end without a trace."""
