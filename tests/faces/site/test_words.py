"""Words for whoever waits."""

import pytest
from django.utils import translation

from tenantry.faces.site import words
from tenantry.fleet.provisioning.failures import Failure
from tenantry.fleet.provisioning.states import ConditionType, RunKind
from tenantry.fleet.provisioning.steps import STEPS


@pytest.mark.parametrize("name", STEPS[RunKind.CREATE])
def test_every_step_has_words(name: str) -> None:
    said = words.step(name)
    assert str(said.title) != name
    assert str(said.doing).startswith("We ")


def test_a_step_without_words_goes_by_its_name() -> None:
    assert words.step("some_new_step").title == "some new step"


@pytest.mark.parametrize("condition", ConditionType)
def test_every_check_has_words(condition: ConditionType) -> None:
    assert str(words.check(condition)) not in {condition.value, condition.label}


@pytest.mark.parametrize("code", Failure)
def test_no_failure_speaks_of_our_machines(code: Failure) -> None:
    for hitch in (words.hitch(code), words.stopped(code)):
        if hitch is not None:
            said = f"{hitch.cause} {hitch.remedy}"
            assert str(hitch.remedy)
            assert not {"log", "gateway", "process", "port"} & set(said.lower().split())


def test_what_is_usual_is_no_hitch() -> None:
    assert words.hitch("") is None
    assert words.hitch(Failure.INSTANCE_STARTING) is None


@pytest.mark.parametrize(
    ("length", "said"),
    [(0, "0.1 s"), (0.41, "0.5 s"), (9.9, "9.9 s"), (10, "10 s"), (119, "119 s"), (180, "3 min")],
)
def test_lengths_of_time_are_short(length: float, said: str) -> None:
    with translation.override("en"):
        assert words.seconds(length) == said


@pytest.mark.parametrize(
    ("wanted", "language", "regions", "likely"),
    [
        ("sg", "ko", ["kr", "sg"], "sg"),
        ("", "ko", ["kr", "sg"], "kr"),
        ("", "en", ["sg", "us"], "sg"),
        ("mars", "ko", ["sg"], "sg"),
        ("sg", "en", [], ""),
    ],
)
def test_the_likely_region_is_an_open_one(
    wanted: str, language: str, regions: list[str], likely: str
) -> None:
    assert words.likely_region(wanted=wanted, language=language, regions=regions) == likely


def test_a_region_without_words_goes_by_its_code() -> None:
    assert words.region("xx").name == "XX"
