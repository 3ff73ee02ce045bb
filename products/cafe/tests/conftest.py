"""What the product's tests share: a running fake cafe, one Chromium, a tenant."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tenantry.sdk import Content, Credentials, Image
from tenantry.sdk.testing import BrowserBench, browser_bench, captured_audit
from tenantry_cafe.connector import BrowserConnector
from tenantry_cafe.fakesite.control import Control
from tenantry_cafe.fakesite.server import RunningSite, running_site
from tenantry_cafe.fakesite.visitor import make_png
from tenantry_cafe.walking import Patience

BODY = '오늘도 <b>그대로</b> 나갑니다 & "따옴표"\n\n  두 칸  띄운 줄\n{{ 중괄호 }}\n마지막 줄'


@dataclass(frozen=True, kw_only=True)
class CafeUnderTest:
    """The fake cafe as `sdk.testing.SiteUnderTest`."""

    running: RunningSite
    connector: BrowserConnector

    @property
    def control(self) -> Control:
        return self.running.control

    def credentials(self) -> Credentials:
        return Credentials(account="seller01", password=self.running.password)

    def content(self, title: str, *, target: str = "market/sale", images: int = 2) -> Content:
        pictures = tuple(
            Image(name=f"{n}.png", media_type="image/png", data=make_png(40 + n, 30))
            for n in range(images)
        )
        return Content(title=title, body=BODY, target=target, digest="d", images=pictures)

    def count(self, title: str) -> int:
        return [article["title"] for article in self.control.articles()].count(title)


@pytest.fixture(scope="session")
def running_cafe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    folder: Path = tmp_path_factory.mktemp("cafe")
    with running_site(folder) as running:
        yield running


@pytest.fixture
def cafe(running_cafe: RunningSite) -> Iterator[CafeUnderTest]:
    """Give the fake cafe as on its first day, to a connector with little patience."""
    running_cafe.control.reset()
    patience = Patience(page=3.0, landmark=0.5, upload=2.0, submit=2.0)
    connector = BrowserConnector(base_url=running_cafe.url, patience=patience)
    yield CafeUnderTest(running=running_cafe, connector=connector)
    running_cafe.control.clear_faults()


@pytest.fixture(scope="module")
def bench() -> Iterator[BrowserBench]:
    with browser_bench() as opened:
        yield opened


@pytest.fixture
def tenant_id() -> UUID:
    return uuid4()


@pytest.fixture
def audit_entries() -> Iterator[list[dict[str, object]]]:
    with captured_audit() as entries:
        yield entries
