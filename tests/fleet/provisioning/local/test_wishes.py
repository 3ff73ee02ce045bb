"""What an agent decides, for every wish and sight."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.fleet.provisioning.drivers.local.wishes import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    Act,
    decide,
    next_pause,
)
from tenantry.fleet.provisioning.states import Desired, Observed

R, S, D = Desired.RUNNING, Desired.STOPPED, Observed.DEAD


@pytest.mark.parametrize(
    ("desired", "observed", "alive", "proven", "rested", "act"),
    [
        (R, Observed.UNKNOWN, False, False, True, Act.START),
        (R, Observed.UNKNOWN, False, False, False, Act.NOTHING),
        (R, Observed.STARTING, True, False, True, Act.AWAIT),
        (R, Observed.UNKNOWN, True, True, True, Act.NOTE_RUNNING),
        (R, Observed.RUNNING, True, True, True, Act.NOTHING),
        (R, Observed.RUNNING, False, True, True, Act.MOURN),
        (R, Observed.STARTING, False, False, False, Act.MOURN),
        (R, D, False, False, False, Act.NOTHING),
        (R, D, False, False, True, Act.START),
        (R, Observed.STOPPED, False, False, True, Act.START),
        (S, Observed.RUNNING, True, True, True, Act.STOP),
        (S, Observed.UNKNOWN, False, False, True, Act.NOTE_STOPPED),
        (S, Observed.STOPPED, False, False, True, Act.NOTHING),
        (Desired.REMOVED, Observed.RUNNING, True, True, True, Act.REMOVE),
        (Desired.REMOVED, D, False, False, False, Act.REMOVE),
        ("", Observed.UNKNOWN, False, False, True, Act.NOTHING),
    ],
)
def test_decision_follows_wish_and_sight(
    desired: str, observed: str, alive: bool, proven: bool, rested: bool, act: Act
) -> None:
    assert (
        decide(desired=desired, observed=observed, alive=alive, proven=proven, rested=rested) == act
    )


@given(
    desired=st.sampled_from(["", *Desired.values]),
    observed=st.sampled_from(Observed.values),
    proven=st.booleans(),
    rested=st.booleans(),
)
def test_living_instance_is_never_started_twice(
    desired: str, observed: str, proven: bool, rested: bool
) -> None:
    act = decide(desired=desired, observed=observed, alive=True, proven=proven, rested=rested)
    assert act != Act.START


@given(lives=st.lists(st.floats(min_value=0, max_value=10_000), max_size=30))
def test_pause_grows_and_has_bounds(lives: list[float]) -> None:
    pause = FIRST_PAUSE_SECONDS
    for lived in lives:
        after = next_pause(pause, lived=lived)
        assert FIRST_PAUSE_SECONDS <= after <= LONGEST_PAUSE_SECONDS
        assert after >= pause or lived > 60
        pause = after
