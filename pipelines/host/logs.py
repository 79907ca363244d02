"""How the log is written: for people, or one JSON object a line for a machine to collect."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from pydantic import Field

from pipelines.errors import Grid135Error
from pipelines.reading.options import Options

_TEXT = "%(asctime)s %(levelname)s %(message)s"
_DEEPEST = 30


class LogSettings(Options):
    """How the log is written, to the standard error stream."""

    format: Literal["text", "json"] = Field(
        default="text",
        description="`text` for people; `json` writes one object a line, for a collector of logs.",
    )


class JsonLines(logging.Formatter):
    """One JSON object a line.

    Of an error it tells the kind and where it happened. Its words stand only there where they are
    ours, or the system's about a file or a connection: those of a database may quote a record, and
    what people reported does not belong into a log.
    """

    def __init__(self, *, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "role": self._role,
            "process": record.process,
            "message": record.getMessage(),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["error"] = type(error).__name__
            if isinstance(error, Grid135Error | OSError):
                line["reason"] = str(error)
            line["where"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
            ]
        return json.dumps(line, ensure_ascii=False)


def set_up(
    settings: LogSettings | None, *, role: str, speaks: bool, stream: TextIO | None = None
) -> None:
    """Write the log of this process from now on.

    Without ``settings``, for people. ``speaks`` also lets through what is no trouble.
    """
    is_json = settings is not None and settings.format == "json"
    logging.basicConfig(
        level=logging.INFO if speaks else logging.WARNING,
        stream=stream or sys.stderr,
        format=_TEXT,
        force=True,
    )
    if is_json:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines(role=role))
    # it warns of each poll that outlasts its interval; how a source is doing is said by its health
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
