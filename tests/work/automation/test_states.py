from tenantry.core.states import terminal
from tenantry.work.automation.states import (
    JOB_MOVES,
    LIVE_SESSIONS,
    SESSION_MOVES,
    STOPPABLE,
    JobState,
    SessionState,
)


def test_cancelled_and_ended_jobs_stay_what_they_are() -> None:
    assert terminal(JOB_MOVES) == {JobState.SUCCESS, JobState.FAILED, JobState.CANCELLED}


def test_a_submitting_job_can_no_longer_be_stopped_or_queued() -> None:
    assert JOB_MOVES[JobState.SUBMITTING] == {JobState.SUCCESS, JobState.FAILED, JobState.UNKNOWN}
    assert frozenset({JobState.QUEUED, JobState.RUNNING, JobState.HELD}) == STOPPABLE


def test_every_session_state_leads_back_to_life() -> None:
    for state, targets in SESSION_MOVES.items():
        assert targets & (LIVE_SESSIONS | {SessionState.PENDING}), state
