"""The verbs of this room, one module per topic: import them from here."""

from tenantry.work.automation.services.asking import ask_owner
from tenantry.work.automation.services.claims import (
    LEASE,
    RENEW_EVERY,
    Claim,
    claim,
    claim_quickly,
    complete,
    intend,
    renew,
)
from tenantry.work.automation.services.connections import (
    check_connection,
    connect,
    disconnect,
)
from tenantry.work.automation.services.outcomes import (
    Tried,
    end_check,
    end_sign_in,
    fail_attempt,
    proven_absent,
    remember_article,
    still_unknown,
    succeed,
)
from tenantry.work.automation.services.queueing import (
    ENQUEUE_FROM,
    WAKE_FROM,
    Stopped,
    cancel,
    cancel_for_connection,
    cancel_jobs,
    enqueue,
    hold,
    release,
    wake,
)
from tenantry.work.automation.services.records import (
    beat,
    end_beat,
    read_evidence,
    record_evidence,
)
from tenantry.work.automation.services.rescuing import forget_beats, rescue_jobs, wake_ready
from tenantry.work.automation.services.sessions import (
    age_sessions,
    open_browser_state,
    open_credentials,
    refresh_state,
)

__all__ = [
    "ENQUEUE_FROM",
    "LEASE",
    "RENEW_EVERY",
    "WAKE_FROM",
    "Claim",
    "Stopped",
    "Tried",
    "age_sessions",
    "ask_owner",
    "beat",
    "cancel",
    "cancel_for_connection",
    "cancel_jobs",
    "check_connection",
    "claim",
    "claim_quickly",
    "complete",
    "connect",
    "disconnect",
    "end_beat",
    "end_check",
    "end_sign_in",
    "enqueue",
    "fail_attempt",
    "forget_beats",
    "hold",
    "intend",
    "open_browser_state",
    "open_credentials",
    "proven_absent",
    "read_evidence",
    "record_evidence",
    "refresh_state",
    "release",
    "remember_article",
    "renew",
    "rescue_jobs",
    "still_unknown",
    "succeed",
    "wake",
    "wake_ready",
]
