"""Counters: never more than the limit, whoever reserves at once."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from tenantry.core import tenancy
from tenantry.governance.policies import queries, services
from tenantry.governance.policies.models import Counter
from tests.probes import at_once

WRITERS = 64


def reserve_one(limit: int, *, amount: int = 1) -> bool:
    with tenancy.platform("test"):
        return services.reserve(key="k", window="w", limit=limit, amount=amount)


def used() -> int:
    with tenancy.platform("test"):
        return queries.used(key="k", window="w")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [1, 5, 63])
def test_reserve_never_admits_more_than_the_limit(limit: int) -> None:
    answers = at_once([lambda: reserve_one(limit)] * WRITERS)

    assert answers.count(True) == limit
    assert answers.count(False) == WRITERS - limit
    assert used() == limit


@pytest.mark.django_db(transaction=True)
def test_reserve_and_release_in_parallel_balance() -> None:
    def borrow() -> bool:
        if not reserve_one(4):
            return False
        with tenancy.platform("test"):
            services.release(key="k", window="w")
        return True

    answers = at_once([borrow] * WRITERS)

    assert set(answers) <= {True, False}
    assert used() == 0


def test_reserve_takes_the_amount_or_nothing(db: None) -> None:
    assert reserve_one(10, amount=7) is True
    assert reserve_one(10, amount=4) is False
    assert reserve_one(10, amount=3) is True
    assert reserve_one(2, amount=3) is False
    assert used() == 10


def test_first_reservation_above_the_limit_is_refused(db: None) -> None:
    assert reserve_one(2, amount=3) is False
    assert used() == 0


def test_release_never_goes_below_zero(db: None) -> None:
    assert reserve_one(3) is True
    with tenancy.platform("test"):
        services.release(key="k", window="w", amount=5)

    assert used() == 0
    assert reserve_one(1) is True


@pytest.mark.parametrize("amount", [0, -1])
def test_reserve_refuses_an_amount_below_one(db: None, amount: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        reserve_one(3, amount=amount)


def test_reservation_is_undone_with_the_transaction(db: None) -> None:
    with pytest.raises(RuntimeError), tenancy.platform("test"):
        assert services.reserve(key="k", window="w", limit=1)
        raise RuntimeError

    assert used() == 0


def test_windows_are_counted_apart(db: None) -> None:
    with tenancy.platform("test"):
        assert services.reserve(key="k", window="monday", limit=1)
        assert services.reserve(key="k", window="tuesday", limit=1)
        assert not services.reserve(key="k", window="monday", limit=1)


def test_counter_of_a_tenant_is_hidden_from_others(db: None) -> None:
    mine, theirs = uuid4(), uuid4()
    with tenancy.scope(mine):
        assert services.reserve(key="k", window="w", limit=1, tenant_id=mine)
        assert queries.used(key="k", window="w") == 1
    with tenancy.scope(theirs):
        assert queries.used(key="k", window="w") == 0
        services.release(key="k", window="w")
    with tenancy.scope(theirs), pytest.raises(DatabaseError), transaction.atomic():
        services.reserve(key="k", window="w", limit=5, tenant_id=theirs)

    assert used() == 1


def test_counter_without_a_tenant_needs_the_platform(db: None) -> None:
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        services.reserve(key="k", window="w", limit=5)


def test_reserve_from_adds_a_whole_set(db: None) -> None:
    tenant = uuid4()
    source = (
        "(VALUES (%s::uuid, 'a', 'w', 2), (%s::uuid, 'b', 'w', 1))"
        ' AS wanted (tenant_id, key, "window", amount)'
    )
    statement = services.RESERVE_FROM.format(source=source)
    with tenancy.scope(tenant), connection.cursor() as cursor:
        cursor.execute(statement, [tenant, tenant])
        cursor.execute(statement, [tenant, tenant])

        assert queries.used(key="a", window="w") == 4
        assert queries.used(key="b", window="w") == 2


def test_prune_forgets_old_windows_only(db: None, now: datetime) -> None:
    with tenancy.platform("test"):
        services.reserve(key="old", window="w", limit=1)
        services.reserve(key="new", window="w", limit=1)
        Counter.objects.filter(key="old").update(created_at=now - timedelta(days=41))
        Counter.objects.filter(key="new").update(created_at=now - timedelta(days=39))

        assert services.prune_counters(now=now) == 1
        assert list(Counter.objects.values_list("key", flat=True)) == ["new"]
