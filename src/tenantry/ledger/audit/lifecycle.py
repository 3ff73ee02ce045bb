"""The one authority that writes state fields: check, compare, swap and record in one go."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Model, Q

from tenantry.core.states import Moves, require_move
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.services import append


def transition(  # noqa: PLR0913  # the words of one sentence
    obj: Model,
    *,
    field: str,
    target: str,
    moves: Moves,
    action: str,
    actor: str,
    at: datetime,
    tenant_id: UUID | None,
    reason: str = "",
    body: Mapping[str, object] | None = None,
    guard: Q | None = None,
    extra: Mapping[str, object] | None = None,
) -> bool:
    """Move a row to another state, with its audit entry, in one transaction; tell whether it moved.

    One UPDATE demands that the state is still what `obj` says and that `guard` holds; it also sets
    the `extra` fields. The entry's body says from, to and what `body` adds. Being there already is
    no move. Refuses: `IllegalMove` by the table of moves, `Stale` when the row changed meanwhile
    or the guard is closed; `obj` is changed only after success.
    """
    source = str(getattr(obj, field))
    if source == target:
        return False
    require_move(moves, source=source, target=target)
    changes = {**(extra or {}), field: target}
    with transaction.atomic():
        rows = type(obj)._base_manager.filter(guard or Q(), pk=obj.pk, **{field: source})  # noqa: SLF001
        if not rows.update(**changes):
            raise Stale
        append(
            action=action,
            tenant_id=tenant_id,
            actor=actor,
            target=(str(obj._meta.model_name), str(obj.pk)),  # noqa: SLF001
            at=at,
            reason=reason,
            body={**(body or {}), "from": source, "to": str(target)},
        )
    computed = [name for name, value in changes.items() if hasattr(value, "resolve_expression")]
    for name in changes.keys() - set(computed):
        setattr(obj, name, changes[name])
    if computed:
        obj.refresh_from_db(fields=computed)
    return True
