import pytest

from tenantry.work.automation.fence import is_allowed

ORIGINS = ("https://cafe.example", "http://127.0.0.1:8002")


@pytest.mark.parametrize(
    "url",
    [
        "https://cafe.example/",
        "https://CAFE.example:443/path?x=1",
        "wss://cafe.example/socket",
        "http://127.0.0.1:8002/static/x.css",
        "data:text/html,hello",
        "about:blank",
        "blob:https://cafe.example/9f6a",
    ],
)
def test_own_origins_are_allowed(url: str) -> None:
    assert is_allowed(url, ORIGINS)


@pytest.mark.parametrize(
    "url",
    [
        "http://cafe.example/",
        "https://cafe.example.evil.test/",
        "https://cafe.example@evil.test/",
        "https://evil.test/?https://cafe.example",
        "https://cafe.example:8443/",
        "http://169.254.169.254/latest/meta-data",
        "blob:https://evil.test/9f6a",
        "file:///etc/passwd",
        "https://cafe.example:99999999/",
    ],
)
def test_everything_else_is_blocked(url: str) -> None:
    assert not is_allowed(url, ORIGINS)
