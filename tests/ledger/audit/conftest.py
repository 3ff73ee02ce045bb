"""An empty book that really commits, and an object store of its own."""

from pathlib import Path

import pytest
from django.conf import LazySettings


@pytest.fixture
def store(tmp_path: Path, settings: LazySettings) -> Path:
    """The folder in which this test's objects lie."""
    folder = tmp_path / "objects"
    settings.OBJECT_STORE_URL = f"file://{folder}"
    return folder


@pytest.fixture
def book(transactional_db: None, store: Path) -> None:
    """The log, really committed; what it holds is gone when the test is."""
