"""Wiring of the product."""

from django.apps import AppConfig


class CafeConfig(AppConfig):
    """The product as a Django app."""

    name = "tenantry_cafe"
    label = "cafe"
