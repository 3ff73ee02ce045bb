from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tenantry_cafe.fakesite.server import RunningSite, running_site
from tenantry_cafe.fakesite.visitor import Visitor


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    with running_site(tmp_path / "site") as running:
        yield running


@pytest.fixture
def visit(site: RunningSite) -> Iterator[Callable[..., Visitor]]:
    """Make a visitor, signed in as the login given; all are closed at the end."""
    with ExitStack() as stack:

        def make(login: str | None = None) -> Visitor:
            visitor = stack.enter_context(closing(Visitor(site.url)))
            if login is not None:
                assert visitor.log_in(login, site.password).status == 303
            return visitor

        yield make


@pytest.fixture
def seller(visit: Callable[..., Visitor]) -> Visitor:
    return visit("seller01")
