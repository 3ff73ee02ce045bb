"""The pages of products, mounted below each tenant and made tenant pages one by one."""

from collections.abc import Sequence
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, include, path

from tenantry.faces.portal.access import tenant_page
from tenantry.sdk import registry

# Products say themselves what a page does with a method; the portal lets these through.
_METHODS = ("GET", "POST")


def urlpatterns() -> list[URLResolver]:
    """Return one include per product with pages: `/t/<short_id>/<slug>/`, namespace the slug."""
    return [
        path(
            f"t/<slug:short_id>/{product.slug}/",
            include((_wrapped(_patterns(product.portal.urls)), product.slug)),
        )
        for product in registry.products()
        if product.portal
    ]


def _patterns(module: str) -> Sequence[URLPattern | URLResolver]:
    patterns: Sequence[URLPattern | URLResolver] = import_module(module).urlpatterns
    return patterns


def _wrapped(patterns: Sequence[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    return [_wrapped_one(pattern) for pattern in patterns]


def _wrapped_one(pattern: URLPattern | URLResolver) -> URLPattern | URLResolver:
    if isinstance(pattern, URLResolver):
        return URLResolver(
            pattern.pattern,
            _wrapped(pattern.url_patterns),
            pattern.default_kwargs,
            pattern.app_name,
            pattern.namespace,
        )
    if pattern.callback is None:
        reason = f"{pattern} has no view"
        raise ImproperlyConfigured(reason)
    view = tenant_page(methods=_METHODS)(pattern.callback)
    return URLPattern(pattern.pattern, view, pattern.default_args, pattern.name)
