"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError


class RecipeUnknown(DomainError):
    """No installed product has such a recipe."""

    code = "recipe_unknown"
    http_status = 422
    message = _("There is no product called %(recipe)s that has instances.")
    remedy = _("Install the product, or choose another.")


class RunInProgress(DomainError):
    """A tenant has one live run at a time."""

    code = "run_in_progress"
    message = _("Something is being done to this company's instance already.")
    remedy = _("Wait until that has ended, or cancel it.")


class RunNotAllowed(DomainError):
    """The tenant's state does not go with this kind of run."""

    code = "run_not_allowed"
    message = _("This cannot be done while the company is %(state)s.")
    remedy = _("Reload the page to see what can be done now.")


class RunNotFailed(DomainError):
    """Only a run that failed can be tried again."""

    code = "run_not_failed"
    message = _("This run did not fail.")
    remedy = _("Reload the page: it may have gone on by itself.")


class RunOvertaken(DomainError):
    """A later run has begun since."""

    code = "run_overtaken"
    message = _("A later run has taken over.")
    remedy = _("Look at the company's latest run.")


class RunNotCancellable(DomainError):
    """The run has ended, or what it did cannot be undone halfway."""

    code = "run_not_cancellable"
    message = _("This run cannot be cancelled any more.")
    remedy = _("Let it end; what it did can then be undone by another run.")


class StepUnknown(DomainError):
    """The run has no such step, or has not come that far."""

    code = "run_step_unknown"
    http_status = 422
    message = _("The run has not come to a step called %(step)s.")
    remedy = _("Choose one of the steps that the run has reached.")


class RunReasonMissing(DomainError):
    """Operators say why they touch a company's instance."""

    code = "run_reason_missing"
    http_status = 422
    message = _("A reason is missing.")
    remedy = _("Write in a few words why this is done; it is kept with the change.")


class HostTaken(DomainError):
    """One process keeps the instances of a host."""

    code = "host_taken"
    message = _("Another process of this machine keeps the host %(name)s.")
    remedy = _("Let that one do it, or end it first.")
