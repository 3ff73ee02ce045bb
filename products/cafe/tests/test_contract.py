"""The product against the platform's contract, with its fake site's every fault."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import pytest

from tenantry.sdk import (
    AuthExpired,
    Capability,
    ChallengeRequired,
    Image,
    LoginFailed,
    NetworkError,
    OutcomeUnknown,
    PayloadInvalid,
    PermissionDenied,
    RateLimited,
    SiteTimeout,
    UiChanged,
    UploadFailed,
)
from tenantry.sdk.testing import ProductContract, StoredContent, Trouble, scope
from tenantry_cafe import product as declared
from tenantry_cafe.fakesite.faults import KINDS
from tenantry_cafe.fakesite.visitor import make_png
from tenantry_cafe.services import Draft, create_template

from .conftest import CafeUnderTest

pytestmark = pytest.mark.enable_socket


def fault(name: str, **options: Any) -> Callable[[CafeUnderTest], None]:
    def arrange(cafe: CafeUnderTest) -> None:
        cafe.control.set_fault(name, **options)

    return arrange


def expire(cafe: CafeUnderTest) -> None:
    assert cafe.control.expire_sessions("seller01") == 1


def waits(seconds: int) -> Callable[[RateLimited], bool]:
    return lambda error: error.retry_after == seconds


def lacks(landmark: str) -> Callable[[UiChanged], bool]:
    return lambda error: error.landmark == landmark and f"{landmark} 0" in error.detail


PUBLISH, SIGN_IN, CHECK = Capability.PUBLISH, Capability.SIGN_IN, Capability.CHECK
READ, FIND = Capability.READ_BACK, Capability.FIND_PUBLISHED

TROUBLES: Mapping[str, tuple[Capability, type, Callable[..., None], dict[str, object]]] = {
    # Before anything is sent.
    "expired": (PUBLISH, AuthExpired, expire, {}),
    "changed editor": (PUBLISH, UiChanged, fault("ui_changed"), {"proves": lacks("write.form")}),
    "captcha": (PUBLISH, ChallengeRequired, fault("captcha", where="write"), {}),
    "limit on page": (
        PUBLISH,
        RateLimited,
        fault("rate_limit", where="write", retry_after=77),
        {"proves": waits(77)},
    ),
    "not allowed": (PUBLISH, PermissionDenied, fault("permission_denied", where="write"), {}),
    "broken page": (PUBLISH, NetworkError, fault("server_error", where="write"), {}),
    "slow page": (PUBLISH, SiteTimeout, fault("slow_page", where="write", seconds=9), {}),
    "cut page": (PUBLISH, NetworkError, fault("network_cut", step="write"), {}),
    "refused upload": (PUBLISH, UploadFailed, fault("upload_refused"), {}),
    "slow upload": (PUBLISH, SiteTimeout, fault("slow_upload", seconds=9), {}),
    "limit on upload": (
        PUBLISH,
        RateLimited,
        fault("rate_limit", where="upload", retry_after=5),
        {"proves": waits(5)},
    ),
    "cut upload": (PUBLISH, NetworkError, fault("network_cut", step="upload"), {}),
    "broken upload": (PUBLISH, NetworkError, fault("server_error", where="upload"), {}),
    "log-out at upload": (PUBLISH, AuthExpired, fault("logout_mid_post", where="upload"), {}),
    # The site's own refusal of the article.
    "refused words": (PUBLISH, PayloadInvalid, fault("submit_refused"), {}),
    "log-out at submit": (PUBLISH, AuthExpired, fault("logout_mid_post", where="submit"), {}),
    "not allowed to submit": (
        PUBLISH,
        PermissionDenied,
        fault("permission_denied", where="submit"),
        {},
    ),
    "limit on submit": (
        PUBLISH,
        RateLimited,
        fault("rate_limit", where="submit", retry_after=30),
        {"proves": waits(30)},
    ),
    # Sent, and no answer that proves anything.
    "broken submit": (PUBLISH, OutcomeUnknown, fault("server_error", where="submit"), {}),
    "cut before storing": (PUBLISH, OutcomeUnknown, fault("network_cut", step="submit_before"), {}),
    "cut after storing": (
        PUBLISH,
        OutcomeUnknown,
        fault("network_cut", step="submit_after"),
        {"published": True},
    ),
    "no answer": (
        PUBLISH,
        OutcomeUnknown,
        fault("accept_then_timeout", seconds=30),
        {"published": True},
    ),
    "late answer": (
        PUBLISH,
        OutcomeUnknown,
        fault("accept_then_timeout", seconds=0.1),
        {"published": True},
    ),
    "held before storing": (PUBLISH, OutcomeUnknown, fault("hold_submit", at="before"), {}),
    "held after storing": (
        PUBLISH,
        OutcomeUnknown,
        fault("hold_submit", at="after"),
        {"published": True},
    ),
    "article page broken": (
        PUBLISH,
        OutcomeUnknown,
        fault("server_error", where="page"),
        {"published": True},
    ),
    # Signing in and looking.
    "captcha at login": (SIGN_IN, ChallengeRequired, fault("captcha", where="login"), {}),
    "second factor": (SIGN_IN, ChallengeRequired, fault("two_factor"), {}),
    "limit at login": (
        SIGN_IN,
        RateLimited,
        fault("rate_limit", where="login", retry_after=60),
        {"proves": waits(60)},
    ),
    "broken login": (SIGN_IN, NetworkError, fault("server_error", where="login"), {}),
    "slow login": (SIGN_IN, SiteTimeout, fault("slow_page", where="login", seconds=9), {}),
    "cut login": (SIGN_IN, NetworkError, fault("network_cut", step="login"), {}),
    "cut password": (
        SIGN_IN,
        NetworkError,
        fault("network_cut", step="login", account="seller01"),
        {},
    ),
    "slow password": (
        SIGN_IN,
        SiteTimeout,
        fault("slow_page", where="login", seconds=9, account="seller01"),
        {},
    ),
    "no session": (
        SIGN_IN,
        LoginFailed,
        lambda cafe: cafe.control.session_lifetime(0),
        {},
    ),
    "check expired": (CHECK, AuthExpired, expire, {}),
    "check limited": (CHECK, RateLimited, fault("rate_limit", where="page"), {}),
    "check cut": (CHECK, NetworkError, fault("network_cut", step="page"), {}),
    "check broken": (CHECK, NetworkError, fault("server_error", where="page"), {}),
    "read cut": (READ, NetworkError, fault("network_cut", step="page"), {"published": True}),
    "read limited": (READ, RateLimited, fault("rate_limit", where="page"), {"published": True}),
    "find expired": (FIND, AuthExpired, expire, {}),
    "find broken": (FIND, NetworkError, fault("server_error", where="page"), {}),
}


class TestCafe(ProductContract):
    product = declared.product
    troubles: ClassVar[Mapping[str, Trouble]] = {
        name: Trouble(during=during, raises=raises, arrange=arrange, **more)  # type: ignore[arg-type]  # the table is of mixed options
        for name, (during, raises, arrange, more) in TROUBLES.items()
    }

    @pytest.fixture
    def site(self, cafe: CafeUnderTest) -> CafeUnderTest:
        return cafe

    @pytest.fixture
    def content(
        self,
        tenant_id: UUID,
        audit_entries: list[dict[str, object]],
        db: None,  # noqa: ARG002
    ) -> StoredContent:
        image = Image(name="a.png", media_type="image/png", data=make_png())
        draft = Draft(
            name="Morning",
            title="{{date}} {{time}}",
            body="{{weekday}}",
            cafe="market",
            board="sale",
            images=(image,),
        )
        with scope(tenant_id):
            template = create_template(
                tenant_id=tenant_id, actor="user:1", draft=draft, now=datetime.now(UTC)
            )
        assert len(audit_entries) == 1
        return StoredContent(tenant_id=tenant_id, content_id=template.id)


def test_every_fault_of_the_site_is_tried() -> None:
    tried = {
        cell.cell_contents
        for _capability, _error, arrange, _more in TROUBLES.values()
        for cell in arrange.__closure__ or ()
        if isinstance(cell.cell_contents, str)
    }
    assert tried == set(KINDS)
