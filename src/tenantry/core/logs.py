"""Log lines: one JSON object each, with process and trace, and never a secret."""

import logging
import sys
from collections.abc import MutableMapping

import structlog
from structlog.typing import EventDict, WrappedLogger

from tenantry.core import trace

_SECRET_WORDS = ("password", "secret", "token", "cookie", "authorization", "code", "storage_state")
_PLAIN_KEYS = frozenset({"error_code", "exit_code", "status_code", "code_name"})
REDACTED = "[redacted]"


def redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Blank every value whose key sounds like a secret."""
    return {key: REDACTED if _is_secret(key) else value for key, value in event.items()}


def _is_secret(key: str) -> bool:
    lowered = key.lower()
    return lowered not in _PLAIN_KEYS and any(word in lowered for word in _SECRET_WORDS)


def _add_trace(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    event.setdefault("trace_id", trace.current().trace_id)
    return event


def configure(*, process: str, level: str = "INFO") -> None:
    """Send this process's log lines, the standard library's too, to standard error as JSON."""

    def add_process(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_process,
        _add_trace,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    # Their info lines name every job and its arguments; ours say what matters.
    for chatty in ("procrastinate", "psycopg.pool", "asyncio"):
        logging.getLogger(chatty).setLevel("WARNING")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger


def bind(values: MutableMapping[str, object]) -> None:
    """Add facts (tenant, job) to every further line of this thread or task."""
    structlog.contextvars.bind_contextvars(**values)
