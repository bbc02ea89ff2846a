"""Where log lines go: stderr, as JSON for machines or as text for a terminal.

Rules
 * Tokens, keys and cookies are never given to the logger; names that would hold one are cut out all the same.
 * uvicorn's own few lines come through the same way.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["set_up_logging"]

_SECRET_NAMES: Final = frozenset({"token", "authorization", "cookie", "secret", "password", "private_key"})


def _without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name in _SECRET_NAMES & event.keys():
        event[name] = "(not shown)"
    return event


def set_up_logging(form: str) -> None:
    """Write log lines to stderr. `form` is json, text, or auto: text where stderr is a terminal."""
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    before: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_secrets,
    ]
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if as_text
        else [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in ("httpx2", "httpcore", "httpx", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
