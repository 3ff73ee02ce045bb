"""Log lines are JSON with process and trace, and hide what sounds secret."""

import json
import logging

import pytest

from tenantry.core import logs, trace


def test_a_line_carries_process_and_trace(capsys: pytest.CaptureFixture[str]) -> None:
    handlers, level = logging.root.handlers, logging.root.level
    try:
        logs.configure(process="probe")
        with trace.start() as hop:
            logs.get_logger("probe").info("said", password="hunter2", error_code="X")
    finally:
        logging.root.handlers, logging.root.level = handlers, level
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["process"], line["trace_id"], line["event"]) == ("probe", hop.trace_id, "said")
    assert (line["password"], line["error_code"]) == (logs.REDACTED, "X")


@pytest.mark.parametrize(
    "key", ["Password", "api_token", "cookie", "sign_in_code", "client_secret"]
)
def test_what_sounds_secret_is_blanked(key: str) -> None:
    assert logs.redact(None, "", {key: "x", "event": "e"}) == {key: logs.REDACTED, "event": "e"}
