"""A product's way into the audit log: same transaction, the product's own vocabulary."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Sink(Protocol):
    """Appends one entry in the caller's transaction; installed by the audit log itself."""

    def __call__(
        self,
        *,
        action: str,
        tenant_id: UUID | None,
        actor: str,
        target: tuple[str, str],
        at: datetime,
        reason: str = "",
        body: Mapping[str, object] | None = None,
    ) -> object:
        """Append the entry."""
        ...


_sinks: list[Sink] = []


def install(sink: Sink) -> None:
    """Let entries go to this sink from now on."""
    _sinks[:] = [sink]


def record(
    *,
    action: str,
    tenant_id: UUID,
    actor: str,
    target: tuple[str, str],
    at: datetime,
    body: Mapping[str, object] | None = None,
) -> None:
    """Append one entry, for example `cafe.template.saved` on `("template", id)`.

    The action must be declared in `Product.audit_actions`. Call it inside the transaction that
    makes the change.
    """
    _sinks[0](action=action, tenant_id=tenant_id, actor=actor, target=target, at=at, body=body)
