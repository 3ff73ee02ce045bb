"""The pages of the console that are no tables; importing this mounts them."""

from tenantry.faces.console.pages import (
    address,
    approvals,
    company,
    dictionary,
    evidence,
    funnel,
    overview,
    queue,
    trace,
)

__all__ = [
    "address",
    "approvals",
    "company",
    "dictionary",
    "evidence",
    "funnel",
    "overview",
    "queue",
    "trace",
]
