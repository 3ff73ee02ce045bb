"""The browser's own types, so that a product needs no browser library of its own."""

from playwright.async_api import Error as PageError
from playwright.async_api import FilePayload, Locator, Page, Request, Response, Route
from playwright.async_api import TimeoutError as PageTimeout

__all__ = [
    "FilePayload",
    "Locator",
    "Page",
    "PageError",
    "PageTimeout",
    "Request",
    "Response",
    "Route",
]
