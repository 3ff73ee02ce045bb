"""Every rule holds in the whole tree, and every rule catches a planted violation."""

import pytest

from tests.architecture import rules
from tests.architecture.source import PLATFORM, parse, sources

TYPE_IGNORE_BUDGET = 10
CORE_LINES = 1500

PLANTED: dict[rules.Rule, tuple[str, str]] = {
    rules.file_is_short: ("tenantry.work.x.services", "\n" * 401),
    rules.functions_are_short: ("tenantry.work.x.services", "def f():\n" + "    pass\n" * 50),
    rules.no_junk_rooms: ("tenantry.work.x.utils", ""),
    rules.imports_stand_at_the_top: ("tenantry.work.x.services", "def f():\n    import os\n"),
    rules.states_change_in_one_place: ("tenantry.work.x.services", "job.state = 'DONE'\n"),
    rules.no_signals_and_no_logic_in_save: (
        "tenantry.work.x.models",
        "from django.db.models.signals import post_save\n",
    ),
    rules.moments_are_passed_in: ("tenantry.work.x.services", "a = clock.now()\n"),
    rules.tables_are_written_by_their_owner: (
        "tenantry.work.x.services",
        "from tenantry.customers.tenants.models import Tenant\nTenant.objects.all()\n",
    ),
    rules.faces_read_through_queries: ("tenantry.faces.portal.views", "Tenant.objects.all()\n"),
    rules.rooms_import_downwards: (
        "tenantry.work.x.queries",
        "from tenantry.work.x import services\n",
    ),
    rules.ignores_give_code_and_reason: ("tenantry.work.x.services", "a = 1  # type: ignore\n"),
}
MORE_PLANTED = [
    (rules.states_change_in_one_place, "tenantry.work.x.services", "q.update(admin_status='A')\n"),
    (rules.no_signals_and_no_logic_in_save, "tenantry.work.x.models", "def save(self): ...\n"),
    (rules.moments_are_passed_in, "tenantry.work.x.gates", "a = timezone.now()\n"),
    (
        rules.tables_are_written_by_their_owner,
        "tenantry.work.x.services",
        "from tenantry.customers.tenants import models as t\nt.Tenant.objects.all()\n",
    ),
    (
        rules.rooms_import_downwards,
        "tenantry.work.x.models",
        "from tenantry.work.x.services import f\n",
    ),
]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule_holds_in_the_whole_tree(rule: rules.Rule) -> None:
    assert [fault for source in sources() for fault in rule(source)] == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule_catches_a_planted_violation(rule: rules.Rule) -> None:
    assert len(list(rule(parse(*PLANTED[rule])))) == 1


@pytest.mark.parametrize(("rule", "module", "text"), MORE_PLANTED)
def test_rule_catches_other_forms(rule: rules.Rule, module: str, text: str) -> None:
    assert len(list(rule(parse(module, text)))) == 1


def test_core_stays_small() -> None:
    lines = sum(
        source.text.count("\n") for source in sources() if source.context == "tenantry.core"
    )
    assert lines < CORE_LINES


def test_core_owns_no_tables() -> None:
    assert [
        s.module for s in sources() if s.context == "tenantry.core" and s.room == "models"
    ] == []


def test_type_ignores_stay_within_budget() -> None:
    ignores = [
        s.module for s in sources() for line in s.text.splitlines() if "# type: ignore" in line
    ]
    assert len(ignores) <= TYPE_IGNORE_BUDGET, ignores


def test_every_context_says_its_purpose() -> None:
    silent = [
        path
        for path in PLATFORM.rglob("__init__.py")
        if "migrations" not in path.parts and not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert silent == []
