"""What must hold in the settings for the console's door to be shut."""

from django.conf import settings
from django.core.checks import CheckMessage, Error

_ADAPTERS = {
    "ACCOUNT_ADAPTER": "tenantry.faces.console.adapter.OperatorAdapter",
    "MFA_ADAPTER": "tenantry.faces.console.adapter.OperatorMfaAdapter",
}
_MIDDLEWARE = "tenantry.faces.console.policy.ConsoleMiddleware"
_APP = "tenantry.faces.console"


def check_settings(**_options: object) -> list[CheckMessage]:
    """System check: our adapters are asked, pages have their policy, our templates win."""
    found: list[CheckMessage] = [
        Error(
            f"{name} is not {adapter}: who may sign in to the console is not asked.",
            hint=f'Set {name} = "{adapter}".',
            id="tenantry.console.E001",
        )
        for name, adapter in _ADAPTERS.items()
        if getattr(settings, name, "") != adapter
    ]
    if _MIDDLEWARE not in settings.MIDDLEWARE:
        found.append(
            Error(
                "The console's pages have no content security policy.",
                hint=f'Add "{_MIDDLEWARE}" to MIDDLEWARE.',
                id="tenantry.console.E002",
            )
        )
    apps = list(settings.INSTALLED_APPS)
    if apps.index(_APP) > min(apps.index("unfold"), apps.index("allauth")):
        found.append(
            Error(
                "The console's templates lose against those of its libraries.",
                hint=f'Put "{_APP}" before "unfold" and "allauth" in INSTALLED_APPS.',
                id="tenantry.console.E003",
            )
        )
    return found
