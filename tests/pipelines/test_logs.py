"""The log for machines: one object a line, and nothing in it that people reported."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.errors import SourceUnavailableError
from pipelines.host import logs
from pipelines.host.logs import LogSettings

PHONE = "13800138000"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    written = io.StringIO()
    before = logging.getLogger().handlers[:]
    logs.set_up(LogSettings(format="json"), role="ingest", speaks=True, stream=written)
    yield written
    logging.getLogger().handlers[:] = before


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_is_one_object_that_says_who_when_and_how_grave(stream: io.StringIO) -> None:
    logging.getLogger("pipelines.feeds.health").warning("source %s is down:\n%s", "calls", "no way")

    (line,) = lines(stream)
    assert line["message"] == "source calls is down:\nno way"
    assert (line["level"], line["role"], line["logger"]) == (
        "warning",
        "ingest",
        "pipelines.feeds.health",
    )
    assert line["at"].endswith("+00:00")


def test_an_error_says_where_but_not_what_a_database_quotes(stream: io.StringIO) -> None:
    try:
        raise ValueError(f"duplicate key: caller = {PHONE}")
    except ValueError:
        logging.getLogger("pipelines.door.gateway").exception("source calls: could not be stored")

    (line,) = lines(stream)
    assert line["error"] == "ValueError"
    assert "test_logs.py" in line["where"][-1]
    assert PHONE not in stream.getvalue()


def test_an_error_of_our_own_is_told_in_full(stream: io.StringIO) -> None:
    try:
        raise SourceUnavailableError("/data/in: no such folder")
    except SourceUnavailableError:
        logging.getLogger("x").exception("not polled")

    assert lines(stream)[0]["reason"] == "/data/in: no such folder"


def test_the_log_for_people_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    logs.set_up(LogSettings(), role="run", speaks=False, stream=sys.stdout)
    logging.getLogger("x").warning("the wall waits")
    logging.getLogger("x").info("nothing to see")
    logging.getLogger().handlers[:] = before

    said = capsys.readouterr().out
    assert said.endswith("WARNING the wall waits\n")
    assert "nothing to see" not in said
