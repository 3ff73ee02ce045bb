"""Posting through the cafe's own pages, in a browser."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenantry.sdk import (
    AuthExpired,
    AuthInvalid,
    Capability,
    ConnectorError,
    Content,
    Credentials,
    Intent,
    LoginFailed,
    Proof,
    Published,
    SignedIn,
    Text,
    UiChanged,
)
from tenantry.sdk.browser import Page
from tenantry_cafe.landmarks import Mark
from tenantry_cafe.reading import find_article, read_article
from tenantry_cafe.walking import Patience, arrive, open_page, require, translated
from tenantry_cafe.writing import fill_in, submit


class SiteNotSet(ConnectorError):
    """Nobody has said which cafe site to use; there is no default on purpose."""


def site_url() -> str:
    """Return CAFE_SITE_URL, of the settings or the environment, without a slash at its end.

    Raises `SiteNotSet` where it is missing or not an http address.
    """
    url: str = getattr(settings, "CAFE_SITE_URL", "") or os.environ.get("CAFE_SITE_URL", "")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SiteNotSet("Set CAFE_SITE_URL to the cafe site's address, like https://cafe.example.")
    return url.rstrip("/")


@dataclass(frozen=True, kw_only=True)
class BrowserConnector:
    """The cafe in a browser; see `sdk.Connector` for what each verb promises.

    The site is `base_url`, or CAFE_SITE_URL at the moment of use.
    """

    slug: ClassVar[str] = "browser"
    label: ClassVar[Text] = _("Cafe account")
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)

    base_url: str = ""
    patience: Patience = field(default_factory=Patience)

    @property
    def base(self) -> str:
        """Return the site's address; raises `SiteNotSet`."""
        return self.base_url or site_url()

    def origins(self) -> Sequence[str]:
        """Return the site's origin, nothing else."""
        parts = urlsplit(self.base)
        return (f"{parts.scheme}://{parts.netloc}",)

    async def sign_in(self, page: Page, credentials: Credentials) -> SignedIn:
        """Sign in with id and password; walls are left to the account's owner."""
        await open_page(
            page, f"{self.base}/login?next=/me", Mark.LOGIN_SUBMIT, patience=self.patience
        )
        await require(page, Mark.LOGIN_ACCOUNT, Mark.LOGIN_PASSWORD, Mark.LOGIN_SUBMIT)
        limit = self.patience.page * 1000
        async with translated(page):
            await page.locator(Mark.LOGIN_ACCOUNT).fill(credentials.account)
            await page.locator(Mark.LOGIN_PASSWORD).fill(credentials.password)
            async with page.expect_navigation(
                wait_until="domcontentloaded", timeout=limit
            ) as navigation:
                await page.locator(Mark.LOGIN_SUBMIT).click(no_wait_after=True)
            response = await navigation.value
        marks = (Mark.LOGIN_ERROR, Mark.ME_ACCOUNT)
        try:
            found = await arrive(page, response, *marks, patience=self.patience)
        except (AuthExpired, UiChanged) as error:
            raise LoginFailed(error.detail) from error
        if found is Mark.LOGIN_ERROR:
            raise AuthInvalid("the site refused id or password")
        return await _signed_in(page)

    async def check(self, page: Page) -> SignedIn:
        """Open the account's own page."""
        await open_page(page, f"{self.base}/me", Mark.ME_ACCOUNT, patience=self.patience)
        return await _signed_in(page)

    async def publish(self, page: Page, content: Content, intent: Intent) -> Published:
        """Write the article and send it once."""
        await fill_in(page, content, base=self.base, patience=self.patience)
        return await submit(page, intent, patience=self.patience)

    async def read_back(self, page: Page, published: Published, content: Content) -> Proof:
        """Open the article afresh; compare title, text and number of images."""
        return await read_article(page, published, content, patience=self.patience)

    async def find_published(
        self, page: Page, content: Content, since: datetime, known: frozenset[str]
    ) -> Published | None:
        """Look through "my posts", newest first."""
        return await find_article(
            page, content, since, known, base=self.base, patience=self.patience
        )


async def _signed_in(page: Page) -> SignedIn:
    await require(page, Mark.ME_ACCOUNT)
    async with translated(page):
        account = await page.locator(Mark.ME_ACCOUNT).get_attribute("data-login")
        expires = page.locator(Mark.ME_EXPIRES)
        until = await expires.get_attribute("datetime") if await expires.count() else None
    return SignedIn(
        account=str(account), expires_at=datetime.fromisoformat(until) if until else None
    )
