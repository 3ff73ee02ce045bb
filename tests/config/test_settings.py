"""What the settings make of the environment: nothing is lax because nobody configured it."""

import json
from collections.abc import Mapping

import pytest

from tests.config.support import Installation

SHOW = """
import json
from tenantry.config import settings
names = {names!r}
print(json.dumps({{name: getattr(settings, name) for name in names}}))
"""
COOKIES = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
COOKIE_NAMES = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME")
DEPLOY = """
import django
django.setup()
from django.core import checks
found = checks.run_checks(include_deployment_checks=True)
print(sorted(message.id for message in found))
"""
# The answer to one request as the web process gives it, and what it took the visitor for.
VISIT = """
import json, sys
from pathlib import Path
from tenantry.config import settings
Path(settings.STATIC_ROOT).mkdir(parents=True)
from django.core.signals import request_started
from django.test import RequestFactory
from tenantry.config.wsgi import application
seen = []
def remember(environ, **_):
    seen.append([environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]])
request_started.connect(remember)
for peer in ("127.0.0.1", "198.51.100.7"):
    environ = RequestFactory().get("/health/").environ
    environ |= {
        "REMOTE_ADDR": peer,
        "HTTP_HOST": "tenantry.example",
        "HTTP_X_FORWARDED_FOR": "203.0.113.9",
        "HTTP_X_FORWARDED_PROTO": "https",
    }
    answer = application(environ, lambda status, headers: seen[-1].extend([status, dict(headers)]))
    b"".join(answer)
    answer.close()
for one in seen:
    one[3] = one[3].get("Strict-Transport-Security", "")
print(json.dumps(seen))
"""


def shown(installation: Installation, *names: str, **environment: str) -> Mapping[str, object]:
    ended = installation.run_program(SHOW.format(names=names), **environment)
    assert ended.stderr == ""
    values: dict[str, object] = json.loads(ended.stdout)
    return values


def test_debug_is_off_and_cannot_be_turned_on(installation: Installation) -> None:
    assert shown(installation, "DEBUG", DEBUG="1") == {"DEBUG": False}


def test_https_makes_cookies_secure(installation: Installation) -> None:
    plain = shown(installation, *COOKIES, BASE_URL="http://tenantry.example")
    secure = shown(installation, *COOKIES, BASE_URL="https://tenantry.example")
    assert list(plain.values()) == [False, False, 0]
    assert list(secure.values()) == [True, True, 31_536_000]


def test_https_names_cookies_so_that_tenants_cannot_set_them(installation: Installation) -> None:
    plain = shown(installation, *COOKIE_NAMES, BASE_URL="http://tenantry.example")
    secure = shown(installation, *COOKIE_NAMES, BASE_URL="https://tenantry.example")
    assert list(plain.values()) == ["sessionid", "csrftoken"]
    assert list(secure.values()) == ["__Host-sessionid", "__Host-csrftoken"]


def test_only_our_own_origin_may_post(installation: Installation) -> None:
    names = ("CSRF_TRUSTED_ORIGINS", "X_FRAME_OPTIONS", "SESSION_COOKIE_HTTPONLY")
    assert shown(installation, *names, BASE_URL="https://tenantry.example") == {
        "CSRF_TRUSTED_ORIGINS": ["https://tenantry.example"],
        "X_FRAME_OPTIONS": "DENY",
        "SESSION_COOKIE_HTTPONLY": True,
    }


def test_checks_of_a_deployment_leave_only_what_the_proxy_does(installation: Installation) -> None:
    ended = installation.run_program(
        DEPLOY,
        BASE_URL="https://tenantry.example",
        SECRET_KEY="k" * 25 + "".join(map(chr, range(33, 73))),
        DJANGO_SETTINGS_MODULE="tenantry.config.settings",
    )
    assert ended.stderr == ""
    # HSTS for subdomains and its preload list are the domain's owner's choice (W005, W021), and
    # the proxy leads from http to https (W008).
    assert ended.stdout.strip() == str(["security.W005", "security.W008", "security.W021"])


def test_only_a_trusted_proxy_says_who_the_visitor_is(installation: Installation) -> None:
    ended = installation.run_program(
        VISIT, BASE_URL="https://tenantry.example", ALLOWED_HOSTS="tenantry.example"
    )
    assert ended.stderr == ""
    assert json.loads(ended.stdout) == [
        ["203.0.113.9", "https", "200 OK", "max-age=31536000"],
        ["198.51.100.7", "http", "200 OK", ""],
    ]


def test_trusted_proxies_are_a_setting(installation: Installation) -> None:
    ended = installation.run_program(
        VISIT,
        BASE_URL="https://tenantry.example",
        ALLOWED_HOSTS="tenantry.example",
        TRUSTED_PROXIES="198.51.100.0/24",
    )
    assert [one[0] for one in json.loads(ended.stdout)] == ["127.0.0.1", "203.0.113.9"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EMAIL_PORT", "smtp", "EMAIL_PORT='smtp' is not a whole number."),
        ("DATABASE_URL", "mysql://x:hush@y/z", "DATABASE_URL must read postgresql://"),
    ],
)
def test_wrong_setting_stops_every_command_with_its_remedy(
    installation: Installation, name: str, value: str, said: str
) -> None:
    ended = installation.run("doctor", **{name: value})
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith(f"tenantry: {said}")
    assert "Traceback" not in ended.stderr
    assert "hush" not in ended.stderr
