"""The browser's own types, so that a product needs no browser library of its own."""

from playwright.async_api import Error as PageError
from playwright.async_api import Locator, Page, Response
from playwright.async_api import TimeoutError as PageTimeout

__all__ = ["Locator", "Page", "PageError", "PageTimeout", "Response"]
