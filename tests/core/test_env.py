"""Settings from the environment fail loudly."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tenantry.core import env


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("PROBE_FILE", str(tmp_path / "secret"))
    assert env.text("PROBE") == "hush"


def test_an_unreadable_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROBE_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="PROBE_FILE"):
        env.text("PROBE")


def test_a_missing_variable_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="Set PROBE_NOT_THERE"):
        env.text("PROBE_NOT_THERE")


@pytest.mark.parametrize(
    ("value", "meant"), [("1", True), ("Yes", True), ("off", False), ("", False)]
)
def test_flags(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    monkeypatch.setenv("PROBE", value)
    assert env.flag("PROBE", default=not meant) is meant


def test_words_that_are_no_flag_or_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE", "maybe")
    with pytest.raises(ImproperlyConfigured, match="neither yes nor no"):
        env.flag("PROBE", default=True)
    with pytest.raises(ImproperlyConfigured, match="not a whole number"):
        env.number("PROBE", 1)


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE", " a, ,b ")
    assert env.words("PROBE") == ["a", "b"]
