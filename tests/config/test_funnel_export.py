"""`tenantry funnel export`: what programs read."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from tenantry.config.cli import main
from tenantry.ledger.funnel import services
from tenantry.ledger.funnel.states import Step

SINCE = datetime(2041, 5, 1, tzinfo=UTC)


def call(*words: str) -> Result:
    return CliRunner().invoke(main, ["funnel", "export", *words])


@pytest.fixture
def subject(db: None) -> str:
    subject = uuid4()
    services.record(step=Step.VISITED, subject=subject, at=SINCE, facts={"region": 'a,"b"'})
    services.record(step=Step.ADDRESS_GIVEN, subject=subject, at=SINCE + timedelta(days=1))
    return str(subject)


def test_csv_has_a_row_per_event(subject: str) -> None:
    answer = call("--since", "2041-05-01")

    assert (answer.exit_code, answer.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(answer.stdout)))
    assert [(row["step"], row["subject"], row["tenant_id"]) for row in rows] == [
        ("visited", subject, ""),
        ("address_given", subject, ""),
    ]
    assert rows[0]["at"] == SINCE.isoformat()
    assert [json.loads(row["facts"]) for row in rows] == [{"region": 'a,"b"'}, {}]


def test_jsonl_has_an_object_per_event(subject: str) -> None:
    answer = call("--since", "2041-05-01", "--until", "2041-05-02T00:00:00+0000", "--format=jsonl")

    assert answer.exit_code == 0
    (line,) = answer.stdout.splitlines()
    event = json.loads(line)
    assert (event["step"], event["subject"], event["tenant_id"]) == ("visited", subject, None)
    assert event["facts"] == {"region": 'a,"b"'}


def test_empty_range_is_an_answer(db: None) -> None:
    assert call("--until", "1999-01-01", "--format", "jsonl").stdout == ""
    header = "at,subject,step,tenant_id,trace_id,facts\n"
    assert call("--until", "1999-01-01").stdout == header


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--format", "xml")])
def test_wrong_words_end_with_two(words: tuple[str, ...]) -> None:
    answer = call(*words)
    assert (answer.exit_code, answer.stdout) == (2, "")
