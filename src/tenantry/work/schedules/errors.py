"""What this room refuses."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError, InvalidInput


class BadTime(InvalidInput):
    """A time of day that no clock shows."""

    code = "bad_time"
    message = _("“%(time)s” is not a time of day.")
    remedy = _("Write the time as hours and minutes from 00:00 to 23:59, for example 09:30.")


class NoTime(InvalidInput):
    """A schedule without a time would never be due."""

    code = "no_time"
    message = _("The schedule has no time of day.")
    remedy = _("Add at least one time, for example 09:30.")


class TooManyTimes(InvalidInput):
    """More times a day than one schedule may have."""

    code = "too_many_times"
    message = _("The schedule has %(count)s times a day; at most %(limit)s are possible.")
    remedy = _("Remove some times, or spread them over two schedules.")


class NoWeekday(InvalidInput):
    """A schedule without a weekday would never be due."""

    code = "no_weekday"
    message = _("The schedule has no weekday.")
    remedy = _("Choose at least one day of the week.")


class BadDailyLimit(InvalidInput):
    """A limit that would never let anything through, or that no number can hold."""

    code = "bad_daily_limit"
    message = _("The daily limit must be between 1 and %(limit)s.")
    remedy = _("Choose how many posts a day this schedule may make.")


class ConnectionMissing(InvalidInput):
    """The schedule names no connection of this tenant."""

    code = "schedule_connection_missing"
    message = _("A schedule needs a connected account to post with.")
    remedy = _("Connect an account first, then choose it here.")


class ContentMissing(InvalidInput):
    """The schedule names no content of this tenant."""

    code = "schedule_content_missing"
    message = _("A schedule needs something to post.")
    remedy = _("Write a template first, then choose it here.")


class ScheduleLocked(DomainError):
    """The operator's gate is closed, so the customer's switch cannot be turned on."""

    code = "schedule_locked"
    message = _("This schedule cannot be turned on: it is %(status)s. %(reason)s")
    remedy = _("It can be turned on again as soon as an operator approves it.")


class ReasonRequired(InvalidInput):
    """Stopping a customer's schedule needs a reason that the customer is shown."""

    code = "reason_required"
    message = _("Say why: the customer will read it.")
    remedy = _("Write one sentence with the cause and what the customer can do.")
