"""The only module a product imports: what it declares, what it may raise, what it is given.

A product's distribution has an entry point in the group `tenantry.products` that names one
`Product`. Everything that crosses is a frozen dataclass or implements a Protocol of this package.
"""

from tenantry.core.clock import now
from tenantry.core.errors import DomainError, Forbidden, InvalidInput, NotFound, Text
from tenantry.sdk.audit import record
from tenantry.sdk.content import (
    Content,
    ContentChoice,
    ContentProvider,
    Image,
    content_changed,
)
from tenantry.sdk.errors import (
    AuthExpired,
    AuthInvalid,
    BrowserFailed,
    ChallengeRequired,
    ConnectorError,
    LoginFailed,
    NetworkError,
    OutcomeUnknown,
    PayloadInvalid,
    PermissionDenied,
    RateLimited,
    SiteTimeout,
    TargetNotFound,
    UiChanged,
    UploadFailed,
)
from tenantry.sdk.portal import TenantAccess, TenantRequest
from tenantry.sdk.product import (
    AuditAction,
    Capability,
    Connector,
    Credentials,
    FakeSite,
    Intent,
    JobKind,
    PersonalData,
    PortalSection,
    Product,
    Proof,
    Published,
    SignedIn,
)

__all__ = [
    "AuditAction",
    "AuthExpired",
    "AuthInvalid",
    "BrowserFailed",
    "Capability",
    "ChallengeRequired",
    "Connector",
    "ConnectorError",
    "Content",
    "ContentChoice",
    "ContentProvider",
    "Credentials",
    "DomainError",
    "FakeSite",
    "Forbidden",
    "Image",
    "Intent",
    "InvalidInput",
    "JobKind",
    "LoginFailed",
    "NetworkError",
    "NotFound",
    "OutcomeUnknown",
    "PayloadInvalid",
    "PermissionDenied",
    "PersonalData",
    "PortalSection",
    "Product",
    "Proof",
    "Published",
    "RateLimited",
    "SignedIn",
    "SiteTimeout",
    "TargetNotFound",
    "TenantAccess",
    "TenantRequest",
    "Text",
    "UiChanged",
    "UploadFailed",
    "content_changed",
    "now",
    "record",
]
