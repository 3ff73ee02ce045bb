"""The browser's own types, so that a product needs no browser library of its own.

At run time the names of types are placeholders: the library takes a fifth of a second to import,
and most processes have no browser. The errors are the real ones, since they are caught.
"""

from typing import TYPE_CHECKING

from playwright._impl._errors import Error as PageError
from playwright._impl._errors import TimeoutError as PageTimeout

if TYPE_CHECKING:
    from playwright.async_api import (
        Browser,
        BrowserContext,
        FilePayload,
        Locator,
        Page,
        Playwright,
        Request,
        Response,
        Route,
        StorageState,
        WebSocketRoute,
    )
else:
    FilePayload = StorageState = dict
    Browser = BrowserContext = Locator = Page = Playwright = object
    Request = Response = Route = WebSocketRoute = object

__all__ = [
    "Browser",
    "BrowserContext",
    "FilePayload",
    "Locator",
    "Page",
    "PageError",
    "PageTimeout",
    "Playwright",
    "Request",
    "Response",
    "Route",
    "StorageState",
    "WebSocketRoute",
]
