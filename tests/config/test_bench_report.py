"""The shape of a measurement, and that a case really runs and checks what it wrote."""

import pytest
from django.db import connection

from tenantry.config import bench
from tenantry.config.bench import report


def test_figures_ratios_and_targets_keep_their_words() -> None:
    assert report.figure([3, 1, 2.00001], "s") == {
        "median": 2.0,
        "min": 1.0,
        "max": 3.0,
        "n": 3,
        "unit": "s",
    }
    assert report.ratio([2, 6, 100], [1, 2, 100]) == 2.0
    assert report.at_least(0.59, 0.6) == {"at_least": 0.6, "value": 0.59, "holds": False}
    assert report.at_most(0.6, 0.6) == {"at_most": 0.6, "value": 0.6, "holds": True}
    assert report.percentile(range(100), 0.99) == 99
    assert report.percentile([7.0], 0.5) == 7.0


@pytest.mark.django_db
def test_text_names_what_was_missed_broken_and_skipped() -> None:
    result = report.report(
        case="due",
        figures={"slot": report.figure([80], "us")},
        ratios={"of_limit": 0.5},
        targets={"of_limit": report.at_least(0.5, 0.6)},
        checks={"every slot was decided once": False},
        skipped={"peer": "not here"},
    )
    lines = bench.as_text(result).splitlines()
    assert lines[0].startswith("due  (cpus ")
    assert [line.split()[0] for line in lines[1:]] == [
        "slot",
        "of_limit",
        "MISSED",
        "BROKEN",
        "skipped",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_quick_case_runs_in_a_database_of_its_own_and_is_sound() -> None:
    before = connection.settings_dict["NAME"]
    result = bench.run("due", quick=True)
    assert connection.settings_dict["NAME"] == before
    assert set(result) == {
        "case",
        "figures",
        "ratios",
        "targets",
        "checks",
        "skipped",
        "machine",
    }
    assert result["checks"]
    assert all(result["checks"].values())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'tenantry_bench_%'")
        assert cursor.fetchone() == (0,)
