"""Rows of a view in a file, one JSON object a line: to try a mapping, or a quarantined row."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path

from pipelines.connectors.file_drop.lines import MAX_BYTES
from pipelines.connectors.record import Batch, Origin, Record
from pipelines.connectors.sql_view.values import QUERY_COLUMN, Json, as_fields
from pipelines.errors import SourceUnavailableError

_BATCH = 2000


class SqlRowsFile:
    """Reads one file from its beginning to its end.

    ``query`` names the query the rows are of; None when each row says that itself.
    """

    def __init__(self, file: Path, *, query: str | None, encoding: str) -> None:
        self._file = file
        self._query = query
        self._encoding = encoding
        self.unfinished: tuple[str, ...] = ()

    def poll(self, positions: Mapping[str, str], *, now: datetime) -> Iterator[Batch]:
        """Yield every row of the file; there is no position to go on from."""
        try:
            with self._file.open("rb") as stream:
                records = self._records(iter(lambda: stream.readline(MAX_BYTES), b""))
                while batch := tuple(islice(records, _BATCH)):
                    yield Batch(records=batch, part=self._file.name, position="")
        except OSError as error:
            raise SourceUnavailableError(
                f"{self._file}: cannot be read: {error.strerror}"
            ) from error

    def over(self, file: Path) -> "SqlRowsFile":
        """The same for another file."""
        return SqlRowsFile(file, query=self._query, encoding=self._encoding)

    def _records(self, lines: Iterator[bytes]) -> Iterator[Record]:
        for number, line in enumerate(lines, start=1):
            raw = line.strip()
            if raw:
                yield self._record(raw, Origin(self._file.name, number))

    def _record(self, raw: bytes, origin: Origin) -> Record:
        row, rule = row_in(raw)
        if row is None:
            shown = raw[:80].decode("utf-8", errors="backslashreplace")
            return Record(raw, b"", None, origin, origin.line, ("(row)", shown, rule))
        own = {} if self._query is None else {QUERY_COLUMN: self._query}
        fields, problem = as_fields(own | row, self._encoding)
        return Record(raw, b"", fields, origin, origin.line, problem)


def row_in(raw: bytes) -> tuple[dict[str, Json] | None, str]:
    """The row a line holds, or the rule it breaks."""
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return None, f"is not JSON: {error}"
    return (row, "") if isinstance(row, dict) else (None, "is no JSON object; one row a line")
