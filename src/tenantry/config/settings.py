"""All settings, for every environment; what differs comes from environment variables."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from tenantry.config import state
from tenantry.core import env
from tenantry.faces.console import menu
from tenantry.sdk import registry

STATE_DIR = state.folder()
_local = state.LocalDefaults(STATE_DIR)

DEBUG = False
SECRET_KEY = env.text("SECRET_KEY", lambda: _local.secret("secret_key"))
# id:base64 of 32 bytes, the current key first; older ones stay for reading.
ENCRYPTION_KEYS = env.text("ENCRYPTION_KEYS", _local.encryption_key)
PEPPER = env.text("PEPPER", lambda: _local.secret("pepper"))
# Ed25519 seed, base64: signs the audit log's checkpoints.
AUDIT_SIGNING_KEY = env.text("AUDIT_SIGNING_KEY", _local.signing_key)
AUDIT_ORIGIN = env.text("AUDIT_ORIGIN", "tenantry.local/audit")
# Public keys of earlier signers, so that their checkpoints still count.
AUDIT_TRUSTED_KEYS = env.words("AUDIT_TRUSTED_KEYS")

BASE_URL = env.text("BASE_URL", "http://127.0.0.1:8000")
LIVE_URL = env.text("LIVE_URL", "http://127.0.0.1:8001")
# Where tenants' instances are reached: scheme and port of the gateway, and the base of their names.
GATEWAY_URL = env.text("GATEWAY_URL", "http://localhost:8080")
TENANT_DOMAIN = env.text("TENANT_DOMAIN", "localhost")
# Where instances run: the dotted path of a driver of fleet/provisioning/drivers.
COMPUTE_DRIVER = env.text("COMPUTE_DRIVER", "tenantry.fleet.provisioning.drivers.local.LocalDriver")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost,testserver")
# Whose X-Forwarded-For and X-Forwarded-Proto are believed.
TRUSTED_PROXIES = env.words("TRUSTED_PROXIES", "127.0.0.1")
CSRF_TRUSTED_ORIGINS = [BASE_URL]
CSRF_FAILURE_VIEW = "tenantry.faces.portal.refusals.csrf_failure"
_https = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
# Over https no other site of the same domain, like a tenant's instance, can set what has this name.
_only_here = "__Host-" if _https else ""
SESSION_COOKIE_NAME = f"{_only_here}sessionid"
CSRF_COOKIE_NAME = f"{_only_here}csrftoken"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    # Before Unfold and allauth, so that its templates win over theirs.
    "tenantry.faces.console",
    "unfold",
    # The simple one: tables are imported with the console's addresses, not by every process.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
    "tenantry.ledger.audit",
    "tenantry.ledger.funnel",
    "tenantry.governance.policies",
    "tenantry.governance.vault",
    "tenantry.customers.notices",
    "tenantry.customers.accounts",
    "tenantry.customers.tenants",
    "tenantry.fleet.hosts",
    "tenantry.fleet.domains",
    "tenantry.fleet.gateway",
    "tenantry.fleet.provisioning",
    "tenantry.work.automation",
    "tenantry.work.schedules",
    "tenantry.journeys.onboarding",
    "tenantry.faces.site",
    "tenantry.faces.portal",
    *registry.apps(),
    "tenantry.config",
]

MIDDLEWARE = [
    "tenantry.core.trace.TraceMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tenantry.faces.portal.policy.PortalMiddleware",
    "tenantry.faces.console.policy.ConsoleMiddleware",
]

ROOT_URLCONF = "tenantry.config.urls"
WSGI_APPLICATION = "tenantry.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": state.database()}
# Where tenants' own databases are made: a function that returns the provisioner's address.
INSTANCES_DATABASE = state.instances_database(STATE_DIR)
# Where the hosts of this machine keep applications and instances.
INSTANCES_FOLDER = STATE_DIR / "instances"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
OBJECT_STORE_URL = env.text("OBJECT_STORE_URL", f"file://{STATE_DIR / 'objects'}")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Operators only: customers sign in with e-mailed codes of our own.
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_ADAPTER = "tenantry.faces.console.adapter.OperatorAdapter"
ACCOUNT_SESSION_REMEMBER = False
# Whoever is signed in to the portal must still reach the console's door.
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = False
MFA_ADAPTER = "tenantry.faces.console.adapter.OperatorMfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Tenantry"
# A phone's clock may be half a minute off; each code works once all the same.
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _https
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/console/"
UNFOLD = menu.UNFOLD

# In production one of anymail's, for example anymail.backends.resend.EmailBackend.
EMAIL_BACKEND = env.text(
    "EMAIL_BACKEND", "tenantry.customers.notices.drivers.mailbox.MailboxBackend"
)
if EMAIL_BACKEND.startswith("anymail."):
    # Only then: no process waits for an HTTP client that it does not need.
    INSTALLED_APPS.append("anymail")
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "Tenantry <no-reply@localhost>")
EMAIL_TIMEOUT = 10
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=False)
ANYMAIL = {"RESEND_API_KEY": env.text("RESEND_API_KEY", "")}

# Who is asked where a domain's mail goes: addresses, or address:port; empty: the system's own.
NAME_SERVERS = env.words("NAME_SERVERS")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ko", _("Korean"))]
LOCALE_PATHS = [Path(__file__).parents[1] / "locale"]
LANGUAGE_COOKIE_NAME = "language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Ten images of 10 MB, and the form around them.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"
SILENCED_SYSTEM_CHECKS: list[str] = []
LOGGING_CONFIG = None
