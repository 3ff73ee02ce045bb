"""Places to run instances, behind one Protocol: `compute.ComputeDriver`.

Which one is used is the setting COMPUTE_DRIVER: the dotted path of a class without arguments.
"""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from tenantry.fleet.provisioning.drivers.compute import ComputeDriver


def current() -> ComputeDriver:
    """Return this process's driver; made once per dotted path."""
    return _made(str(settings.COMPUTE_DRIVER))


@cache
def _made(path: str) -> ComputeDriver:
    driver: ComputeDriver = import_string(path)()
    return driver
