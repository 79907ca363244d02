"""A connector that is polled as the schedule would, over a web service of the test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors.http_poll.options import HttpPollOptions
from pipelines.connectors.http_poll.poll import HttpPoll
from pipelines.connectors.http_poll.service import Service
from pipelines.connectors.record import Record
from pipelines.errors import (
    SourceUnavailableError,
)
from tests.builders import at
from tests.pipelines.connectors.web_service import (
    Request,
    Said,
    WebService,
    said,
)

SECRETS = {"TOKEN": "s3cret", "CLUMSY": "line\nbreak"}


class Poll:
    """A connector that is polled, its position kept as the store would, and how often it waited."""

    def __init__(self, web: WebService, folder: Path = Path(), **options: Any) -> None:
        given = {"url": web.url(), **options}
        parsed = HttpPollOptions.model_validate(given, context={"secrets": SECRETS})
        self.waits: list[float] = []
        self.elapsed = 0.0
        service = Service(parsed, base=folder, wait=self.waits.append, elapsed=self._tick)
        self.connector = HttpPoll(parsed, base=folder, service=service)
        self.positions: dict[str, str] = {}

    def _tick(self) -> float:
        self.elapsed += 0.001
        return self.elapsed

    def __call__(self, seconds: float = 0) -> list[Record]:
        records: list[Record] = []
        for batch in self.connector.poll(dict(self.positions), now=at(seconds)):
            records += batch.records
            self.positions[batch.part] = batch.position
        return records

    def fails(self, seconds: float = 0) -> str:
        """The message of a poll that must fail, leaving the position where it was."""
        before = dict(self.positions)
        with pytest.raises(SourceUnavailableError) as caught:
            self(seconds)
        assert self.positions == before
        return str(caught.value)


def ids(records: Sequence[Record]) -> list[str]:
    return [record.fields["id"] for record in records if record.fields is not None]


def rows(*names: int | str) -> list[dict[str, Any]]:
    return [{"id": name} for name in names]


def in_pages(content: Sequence[dict[str, Any]], size: int, *, beyond: str = "empty") -> Any:
    """A service with ``page`` or ``offset``; behind the last page it repeats it, or is empty."""

    def answer(request: Request) -> Said:
        start = int(request.params.get("offset", 0)) or (
            (int(request.params.get("page", 1)) - 1) * size
        )
        if start >= len(content) and beyond == "repeats":
            start = (len(content) - 1) // size * size
        return said({"total": len(content), "rows": content[start : start + size]})

    return answer
