"""The object store: written once where it must be, with words when it cannot be used."""

import os
from pathlib import Path

import pytest
from pytest_django import Settings

from tenantry.core import objects


@pytest.fixture(autouse=True)
def store(settings: Settings, tmp_path: Path) -> Path:
    settings.OBJECT_STORE_URL = f"file://{tmp_path / 'objects'}"
    return tmp_path / "objects"


def test_what_is_put_is_got() -> None:
    objects.put("a/b", b"1")
    objects.put("a/b", b"2")
    assert objects.get("a/b") == b"2"
    assert objects.keys("a") == ["a/b"]


def test_create_only_refuses_a_second_writer() -> None:
    objects.put("checkpoint/1", b"first", create_only=True)
    with pytest.raises(objects.ObjectExists):
        objects.put("checkpoint/1", b"second", create_only=True)
    assert objects.get("checkpoint/1") == b"first"


def test_a_missing_object_is_said_to_be_missing() -> None:
    with pytest.raises(objects.ObjectMissing):
        objects.get("nothing")
    objects.delete("nothing")


def test_a_store_that_cannot_be_written_says_why(store: Path, settings: Settings) -> None:
    store.write_text("a file where the folder should be")
    settings.OBJECT_STORE_URL = f"file://{store}/below"
    with pytest.raises(objects.ObjectStoreUnavailable) as refusal:
        objects.put("a", b"1")
    assert "cannot be used" in refusal.value.text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_store_says_why(store: Path) -> None:
    objects.put("a", b"1")
    store.chmod(0o500)
    with pytest.raises(objects.ObjectStoreUnavailable):
        objects.put("b", b"1")
