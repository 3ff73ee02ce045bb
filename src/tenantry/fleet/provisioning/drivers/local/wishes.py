"""What to do with one instance, given what is wished of it and what is seen: pure."""

from enum import StrEnum

from tenantry.fleet.provisioning.states import Desired, Observed

_LIVELY = frozenset({Observed.STARTING, Observed.RUNNING})
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A process that lived this long starts again after the shortest pause.
SETTLED_SECONDS = 60.0


class Act(StrEnum):
    """What an agent does next."""

    NOTHING = "nothing"
    START = "start"
    # It lives, and has not proven whose it is since this agent looks after it.
    AWAIT = "await"
    NOTE_RUNNING = "note_running"
    # It died by itself.
    MOURN = "mourn"
    STOP = "stop"
    NOTE_STOPPED = "note_stopped"
    REMOVE = "remove"


def decide(*, desired: str, observed: str, alive: bool, proven: bool, rested: bool) -> Act:
    """Return the next act.

    `observed` is what was last written, `proven` whether this very process has said whose it is,
    `rested` whether the pause since its last death is over.
    """
    if desired == Desired.RUNNING:
        if alive:
            act = Act.AWAIT if not proven else _note(Act.NOTE_RUNNING, Observed.RUNNING, observed)
        elif observed in _LIVELY:
            act = Act.MOURN
        else:
            act = Act.START if rested else Act.NOTHING
    elif desired == Desired.STOPPED:
        act = Act.STOP if alive else _note(Act.NOTE_STOPPED, Observed.STOPPED, observed)
    else:
        act = Act.REMOVE if desired == Desired.REMOVED else Act.NOTHING
    return act


def _note(act: Act, seen: Observed, observed: str) -> Act:
    return Act.NOTHING if observed == seen else act


def next_pause(pause: float, *, lived: float) -> float:
    """Return how long to wait before the next start, in seconds, after a life of so many."""
    if lived > SETTLED_SECONDS:
        return FIRST_PAUSE_SECONDS
    return min(pause * 2, LONGEST_PAUSE_SECONDS)
