import re

import pytest
from django.utils.translation import override

from tenantry.ledger.audit.vocabulary import Action, label_of, require_known


@pytest.mark.parametrize("action", list(Action))
def test_action_is_named_after_its_code(action: Action) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+\.[a-z_]+", action.value)
    assert action.name == action.value.upper().replace(".", "_")
    assert f"{action}" == action.value


def test_every_action_reads_differently() -> None:
    with override("en"):
        labels = [str(label) for label in Action.labels]
    assert len(set(labels)) == len(labels)


def test_label_of_a_product_that_is_gone_is_its_code() -> None:
    assert label_of("gone.thing.done") == "gone.thing.done"


def test_unknown_word_is_refused() -> None:
    require_known("vault.secret.stored")
    with pytest.raises(ValueError, match=re.escape("'vault.secret.sold' is in no vocabulary")):
        require_known("vault.secret.sold")
