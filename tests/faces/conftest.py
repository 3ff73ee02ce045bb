"""Browsers and companies for the faces' tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from tenantry.core import clock
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.models import Tenant
from tests.faces.company import Company

Browser = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _plain_static_files(settings: LazySettings) -> None:
    """Give static files their plain names: no manifest is collected for tests."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def browser() -> Browser:
    """Return a function that gives a person's browser, signed in to the portal."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        session = client.session
        session["face"] = "portal"
        session.save()
        return client

    return signed_in


@pytest.fixture
def company(tenant: Tenant, settings: LazySettings, tmp_path: Path) -> Company:
    settings.OBJECT_STORE_URL = f"file://{tmp_path}"
    return Company(tenant=tenant, now=clock.now())


@pytest.fixture
def other_company(other_tenant: Tenant, company: Company) -> Company:
    return Company(tenant=other_tenant, now=company.now)
