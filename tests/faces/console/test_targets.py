"""Kinds and moves of the audit log in the reader's language."""

import pytest
from django.utils import translation

from tenantry.faces.console.targets import kind_of, moved


@pytest.mark.parametrize(
    ("kind", "source", "target", "english", "korean"),
    [
        ("run", "queued", "running", "queued → running", "대기 중 → 실행 중"),
        ("job", "QUEUED", "RUNNING", "queued → running", "대기 중 → 실행 중"),
        ("host", "open", "lost", "open → lost", "신규 배치 가능 → 연락 두절"),
        ("tenant", "verifying", "active", "being verified → active", "확인 중 → 활성"),
        ("policy", "3", "5", "3 → 5", "3 → 5"),
        ("run", "queued", "unheard_of", "queued → unheard_of", "queued → unheard_of"),
    ],
)
def test_a_move_is_read_in_words_where_there_are_words(
    kind: str, source: str, target: str, english: str, korean: str
) -> None:
    facts = {"from": source, "to": target}
    with translation.override("en"):
        assert moved(kind, facts) == english
    with translation.override("ko"):
        assert moved(kind, facts) == korean


def test_an_entry_without_two_ends_is_no_move() -> None:
    assert moved("run", {"to": "running"}) == ""


def test_kinds_are_named_as_their_tables_are() -> None:
    with translation.override("ko"):
        assert kind_of("registration") == "체험 신청"
        assert kind_of("nothing") == "nothing"
