"""The declaration that the platform reads."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from tenantry.sdk import (
    AuditAction,
    Capability,
    Content,
    Credentials,
    Image,
    JobKind,
    PersonalData,
    PortalSection,
    Product,
)
from tenantry.sdk.errors import CODES
from tenantry_cafe.audit_actions import Action
from tenantry_cafe.connector import BrowserConnector
from tenantry_cafe.content import TemplateContent
from tenantry_cafe.fakesite.catalogue import DEFAULT_PASSWORD
from tenantry_cafe.picture import png
from tenantry_cafe.services import PRODUCT


class FakeCafe:
    """The bundled cafe site; see `sdk.FakeSite`."""

    def command(self, *, port: int, data: Path, control_token: str) -> Sequence[str]:
        """Return the command of the site's process."""
        del control_token  # goes by the environment: everybody on a machine sees command lines
        module = "tenantry_cafe.fakesite"
        return (sys.executable, "-m", module, "--port", str(port), "--data", str(data))

    def environment(self, *, url: str, control_token: str) -> Mapping[str, str]:
        """Return where the site is and the token that steers it."""
        return {"CAFE_SITE_URL": url, "FAKE_CAFE_CONTROL_TOKEN": control_token}

    def credentials(self) -> Credentials:
        """Return the first preset account."""
        return Credentials(account="seller01", password=DEFAULT_PASSWORD)

    def content(self, number: int) -> Content:
        """Return a short article with one picture."""
        picture = Image(name="phone.png", media_type="image/png", data=png())
        return Content(
            title=f"Offer {number}",
            body="Checked and cleaned.\nAsk us anything.",
            target="market/sale",
            digest="",
            images=(picture,),
        )


product = Product(
    slug=PRODUCT,
    name=_("CafeManager"),
    version="0.1.0",
    requires_platform=">=0.1,<0.2",
    app="tenantry_cafe",
    connectors=(BrowserConnector(),),
    job_kinds=(
        JobKind(
            name="cafe.publish",
            label=_("Post to a cafe"),
            capability=Capability.PUBLISH,
            error_codes=CODES - {"AUTH_INVALID", "LOGIN_FAILED"},
        ),
    ),
    content=TemplateContent(),
    portal=PortalSection(
        label=_("Templates"), icon="template", urls="tenantry_cafe.urls", index="templates"
    ),
    audit_actions=(
        AuditAction(code=Action.TEMPLATE_CREATED, label=_("Template created")),
        AuditAction(code=Action.TEMPLATE_SAVED, label=_("Template saved")),
        AuditAction(code=Action.TEMPLATE_DELETED, label=_("Template deleted")),
    ),
    personal_data=(
        PersonalData(
            label=_("Post templates and their images"),
            exporter="tenantry_cafe.privacy.export",
            eraser="tenantry_cafe.privacy.erase",
        ),
    ),
    fake_site=FakeCafe(),
    story="tenantry_cafe.story.play",
)
