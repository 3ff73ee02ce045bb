"""Every address below `/console/`."""

from allauth.mfa.recovery_codes.views import download_recovery_codes
from django.urls import URLPattern, URLResolver, path

from tenantry.faces.console import admin, entrance, language, pages
from tenantry.faces.console.entrance import only
from tenantry.faces.console.site import console, sign_out
from tenantry.faces.console.standing import Standing

# Importing them mounts them.
_MOUNTED = (admin, pages)
inside = only(Standing.FULL)
enrolling = only(Standing.FULL, Standing.BARE)

# allauth looks these names up; everything else of it is not mounted.
urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in/", entrance.SignIn.as_view(), name="account_login"),
    path("sign-in/code/", entrance.Code.as_view(), name="mfa_authenticate"),
    path("sign-out/", sign_out, name="account_logout"),
    path(
        "password-again/",
        enrolling(entrance.PasswordAgain.as_view()),
        name="account_reauthenticate",
    ),
    path("second-factor/", enrolling(entrance.SecondFactor.as_view()), name="mfa_index"),
    path("second-factor/app/", enrolling(entrance.AddApp.as_view()), name="mfa_activate_totp"),
    path(
        "second-factor/passkey/",
        enrolling(entrance.AddPasskey.as_view()),
        name="mfa_add_webauthn",
    ),
    path(
        "second-factor/recovery-codes/",
        inside(entrance.RecoveryCodes.as_view()),
        name="mfa_view_recovery_codes",
    ),
    path(
        "second-factor/recovery-codes/new/",
        inside(entrance.NewRecoveryCodes.as_view()),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "second-factor/recovery-codes/download/",
        inside(download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
    path("language/", language.choose, name="console_language"),
    path("", console.urls),
]
