"""What the service says, as one JSON object a line on standard output, which journald keeps."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO, Any

LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning", logging.ERROR: "error"}


class JsonLines(logging.Handler):
    """Writes each message as a line: time, level, who, what, and what else the caller gave as
    `extra`.
    """

    def __init__(self, out: IO[str] | None = None, **always: Any) -> None:
        super().__init__(logging.INFO)
        self._out, self._always = out if out is not None else sys.stdout, always

    def emit(self, record: logging.LogRecord) -> None:
        """One line; never raises.

        record  the log record
        """
        try:
            told = {
                "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
                "level": LEVELS.get(record.levelno, "error"),
                "of": record.name.removeprefix("skywarden."),
                "message": record.getMessage(),
                **self._always,
                **getattr(record, "told", {}),
            }
            if record.exc_info:
                told["traceback"] = logging.Formatter().formatException(record.exc_info)
            self._out.write(json.dumps(told, ensure_ascii=False, default=str) + "\n")
            self._out.flush()
        except (OSError, ValueError):
            pass


def begin(**always: Any) -> logging.Logger:
    """The service's own logger, with every one of ours writing such lines."""
    root = logging.getLogger("skywarden")
    root.handlers = [JsonLines(**always)]
    root.setLevel(logging.INFO)
    root.propagate = False
    return logging.getLogger("skywarden.service")
