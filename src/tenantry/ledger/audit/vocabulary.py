"""Every word the audit log may say. A room that does something new adds its line here.

`CONTEXT_OBJECT_VERB = "context.object.verb"`, the verb in the past tense; products declare theirs
in `Product.audit_actions`. A word that was ever written stays.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.sdk import registry


class Action(TextChoices):
    """What happened, and how it reads in a timeline."""

    POLICIES_POLICY_SET = "policies.policy.set", _("Policy changed")
    VAULT_SECRET_STORED = "vault.secret.stored", _("Secret stored")
    VAULT_SECRET_REPLACED = "vault.secret.replaced", _("Secret replaced")
    VAULT_SECRET_DESTROYED = "vault.secret.destroyed", _("Secret destroyed")
    VAULT_SECRETS_RESEALED = "vault.secrets.resealed", _("Secrets encrypted with the present key")

    NOTICES_NOTICE_SENT = "notices.notice.sent", _("Notice sent")
    NOTICES_MAIL_QUEUED = "notices.mail.queued", _("Mail queued")
    NOTICES_MAIL_STARTED = "notices.mail.started", _("Mail handed to the mail server")
    NOTICES_MAIL_SENT = "notices.mail.sent", _("Mail sent")
    NOTICES_MAIL_FAILED = "notices.mail.failed", _("Mail failed")

    ACCOUNTS_USER_CREATED = "accounts.user.created", _("Person added")
    ACCOUNTS_USER_CHANGED = "accounts.user.changed", _("Person changed")
    ACCOUNTS_USER_SIGNED_IN = "accounts.user.signed_in", _("Signed in")
    ACCOUNTS_USER_SIGNED_OUT = "accounts.user.signed_out", _("Signed out")
    ACCOUNTS_CODE_REQUESTED = "accounts.code.requested", _("Sign-in code requested")
    ACCOUNTS_CODE_REDEEMED = "accounts.code.redeemed", _("Sign-in code used")
    ACCOUNTS_CODE_REFUSED = "accounts.code.refused", _("Sign-in code refused")
    ACCOUNTS_OPERATOR_SIGNED_IN = "accounts.operator.signed_in", _("Operator signed in")
    ACCOUNTS_OPERATOR_REFUSED = "accounts.operator.refused", _("Operator's sign-in refused")
    ACCOUNTS_SECOND_FACTOR_ADDED = "accounts.second_factor.added", _("Second factor set up")
    ACCOUNTS_OPERATOR_ROLE_CHANGED = "accounts.operator.role_changed", _("Operator's role changed")

    TENANTS_TENANT_CREATED = "tenants.tenant.created", _("Company created")
    TENANTS_TENANT_CHANGED = "tenants.tenant.changed", _("Company changed")
    TENANTS_TENANT_MOVED = "tenants.tenant.moved", _("Company's state changed")
    TENANTS_MEMBER_ADDED = "tenants.member.added", _("Member added")
    TENANTS_MEMBER_ROLE_CHANGED = "tenants.member.role_changed", _("Member's role changed")
    TENANTS_MEMBER_REMOVED = "tenants.member.removed", _("Member removed")

    HOSTS_HOST_REGISTERED = "hosts.host.registered", _("Host registered")
    HOSTS_HOST_FOUND = "hosts.host.found", _("Host heard of again")
    HOSTS_HOST_LOST = "hosts.host.lost", _("Host lost")
    HOSTS_HOST_DRAINED = "hosts.host.drained", _("Host closed to new companies")
    HOSTS_HOST_OPENED = "hosts.host.opened", _("Host opened")
    HOSTS_LEASE_HELD = "hosts.lease.held", _("Room on a host held")
    HOSTS_LEASE_CONFIRMED = "hosts.lease.confirmed", _("Room on a host taken")
    HOSTS_LEASE_RELEASED = "hosts.lease.released", _("Room on a host given back")

    DOMAINS_DOMAIN_CLAIMED = "domains.domain.claimed", _("Host name claimed")
    DOMAINS_DOMAIN_ACTIVATED = "domains.domain.activated", _("Host name in use")
    DOMAINS_DOMAIN_BROKEN = "domains.domain.broken", _("Host name broken")
    DOMAINS_DOMAIN_REMOVED = "domains.domain.removed", _("Host name given back")

    GATEWAY_ROUTE_ADDED = "gateway.route.added", _("Route added")
    GATEWAY_ROUTE_CHANGED = "gateway.route.changed", _("Route changed")
    GATEWAY_ROUTE_REMOVED = "gateway.route.removed", _("Route removed")
    GATEWAY_TICKET_ISSUED = "gateway.ticket.issued", _("Ticket to the instance issued")
    GATEWAY_TICKET_SPENT = "gateway.ticket.spent", _("Ticket to the instance used")

    PROVISIONING_RUN_STARTED = "provisioning.run.started", _("Run started")
    PROVISIONING_RUN_CHANGED = "provisioning.run.changed", _("Run changed")
    PROVISIONING_RUN_CANCELLED = "provisioning.run.cancelled", _("Run asked to be undone")
    PROVISIONING_RUN_RETRIED = "provisioning.run.retried", _("Run tried again")
    PROVISIONING_STEP_CHANGED = "provisioning.step.changed", _("Step changed")

    AUTOMATION_CONNECTION_CREATED = "automation.connection.created", _("Account connected")
    AUTOMATION_CONNECTION_CHANGED = "automation.connection.changed", _("Connection changed")
    AUTOMATION_CONNECTION_REMOVED = "automation.connection.removed", _("Connection removed")
    AUTOMATION_SESSION_CHANGED = "automation.session.changed", _("Session changed")
    AUTOMATION_JOB_QUEUED = "automation.job.queued", _("Job queued")
    AUTOMATION_JOB_CHANGED = "automation.job.changed", _("Job changed")
    AUTOMATION_EVIDENCE_STORED = "automation.evidence.stored", _("Evidence stored")
    AUTOMATION_EVIDENCE_VIEWED = "automation.evidence.viewed", _("Evidence viewed")
    AUTOMATION_PROCESS_STARTED = "automation.process.started", _("Process started")
    AUTOMATION_PROCESS_STOPPED = "automation.process.stopped", _("Process stopped")
    AUTOMATION_PROCESS_LOST = "automation.process.lost", _("Process lost")

    SCHEDULES_SCHEDULE_CREATED = "schedules.schedule.created", _("Schedule created")
    SCHEDULES_SCHEDULE_EDITED = "schedules.schedule.edited", _("Schedule changed")
    SCHEDULES_SCHEDULE_REMOVED = "schedules.schedule.removed", _("Schedule removed")
    SCHEDULES_SCHEDULE_ENABLED = "schedules.schedule.enabled", _("Schedule switched on")
    SCHEDULES_SCHEDULE_DISABLED = "schedules.schedule.disabled", _("Schedule switched off")
    SCHEDULES_SCHEDULE_SUSPENDED = "schedules.schedule.suspended", _("Schedule suspended")
    SCHEDULES_SCHEDULE_RESUMED = "schedules.schedule.resumed", _("Schedule resumed")
    SCHEDULES_SCHEDULE_BANNED = "schedules.schedule.banned", _("Schedule banned")
    SCHEDULES_REVIEW_REQUESTED = "schedules.review.requested", _("Approval requested")
    SCHEDULES_REVIEW_APPROVED = "schedules.review.approved", _("Approved")
    SCHEDULES_APPEAL_GRANTED = "schedules.appeal.granted", _("Appeal granted")
    SCHEDULES_REVIEW_REJECTED = "schedules.review.rejected", _("Rejected")
    SCHEDULES_SLOT_DECIDED = "schedules.slot.decided", _("Slot decided")
    SCHEDULES_RUN_REQUESTED = "schedules.run.requested", _("Run requested by hand")

    ONBOARDING_REGISTRATION_STARTED = "onboarding.registration.started", _("Registration started")
    ONBOARDING_REGISTRATION_CHANGED = "onboarding.registration.changed", _("Registration changed")
    ONBOARDING_REGISTRATION_APPROVED = (
        "onboarding.registration.approved",
        _("Registration approved"),
    )
    ONBOARDING_REGISTRATION_REJECTED = (
        "onboarding.registration.rejected",
        _("Registration rejected"),
    )
    ONBOARDING_BROWSER_CHANGED = "onboarding.browser.changed", _("Went on in another browser")
    ONBOARDING_ADDRESS_JUDGED = "onboarding.address.judged", _("Address judged")
    ONBOARDING_DOMAIN_ADDED = "onboarding.domain.added", _("Domain added to the dictionary")
    ONBOARDING_DOMAIN_CHANGED = "onboarding.domain.changed", _("Domain changed in the dictionary")
    ONBOARDING_DOMAIN_REMOVED = "onboarding.domain.removed", _("Domain taken out of the dictionary")


def label_of(action: str) -> Text:
    """Return how an action reads; the action itself where its product is gone."""
    if action in Action.values:
        return Action(action).label
    return _product_labels().get(action, action)


def require_known(action: str) -> None:
    """Raise ValueError for a word that is in nobody's vocabulary."""
    if action not in _CODES and action not in _product_labels():
        reason = f"{action!r} is in no vocabulary: add it to ledger/audit/vocabulary.py"
        raise ValueError(reason)


_CODES = frozenset(Action.values)


def _product_labels() -> dict[str, Text]:
    return {
        declared.code: declared.label
        for product in registry.products()
        for declared in product.audit_actions
    }
