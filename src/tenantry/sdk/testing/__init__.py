"""The conformance kit: what every product's tests run against its declaration and its fake site.

Needs pytest. A product's test module derives a class from `ProductContract`, names its product and
its troubles, and gives the fixtures `content` (a `StoredContent`), `site` (a `SiteUnderTest`) and
`bench` (a `BrowserBench`):

    class TestCafe(ProductContract):
        product = product
        troubles = {"captcha": Trouble(during=Capability.PUBLISH, raises=ChallengeRequired, ...)}
"""

from tenantry.core.tenancy import scope
from tenantry.sdk.testing.bench import BrowserBench, RecordedIntent, browser_bench, captured_audit
from tenantry.sdk.testing.contract import (
    ConnectorContract,
    ContentContract,
    DeclarationContract,
    ProductContract,
    SiteUnderTest,
    StoredContent,
    Trouble,
)

__all__ = [
    "BrowserBench",
    "ConnectorContract",
    "ContentContract",
    "DeclarationContract",
    "ProductContract",
    "RecordedIntent",
    "SiteUnderTest",
    "StoredContent",
    "Trouble",
    "browser_bench",
    "captured_audit",
    "scope",
]
