"""The integrator's view: what records would become, and which ones made no sense."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Protocol

from pipelines.connectors.record import Record
from pipelines.decoders.gb26875 import hex_lines as gb26875
from pipelines.errors import BadRecordError, SettingsError, SourceUnavailableError
from pipelines.ingest import Door
from pipelines.installation import prepare
from pipelines.model.fact import Flag, Statement
from pipelines.settings import Settings
from pipelines.sources import Source
from pipelines.store.rows import from_ms
from pipelines.store.store import Reader, Store

_ENDINGS = {b"\x1f\x8b": ".gz", b"PK": ".xlsx"}


class FrameDecoder(Protocol):
    """Reads frames from lines of hex: each line by itself, or all as the reads of one stream."""

    def decode_lines(self, stream: BinaryIO) -> Iterator[dict[str, Any]]:
        """Yield what each line holds, or why that is nothing."""
        ...

    def decode_stream(self, stream: BinaryIO) -> Iterator[dict[str, Any]]:
        """Yield the frames of the stream."""
        ...


FRAME_DECODERS: Mapping[str, FrameDecoder] = {"gb26875": gb26875}
"""Binary protocols by the name ``decode --decoder`` uses."""


def decode_frames(
    decoder: str, file: Path | None, stream: BinaryIO, *, glued: bool
) -> Iterator[dict[str, Any]]:
    """Yield what the hex lines of a file or of ``stream`` say; store nothing.

    ``glued`` lines are the reads of one stream. Raises SourceUnavailableError when there is no
    such file.
    """
    chosen = FRAME_DECODERS[decoder]
    read = chosen.decode_stream if glued else chosen.decode_lines
    if file is None:
        yield from read(stream)
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise SourceUnavailableError(f"{file}: {error.strerror}") from error
    with opened:
        yield from read(opened)


def decode_file(
    settings: Settings, source_id: str, file: Path | None, stream: BinaryIO, *, now: datetime
) -> Iterator[dict[str, Any]]:
    """Yield, for each record of a file or of ``stream``, what it would become; store nothing.

    Raises SettingsError when there is no such source, SourceUnavailableError when there is no
    such file.
    """
    grids, sources = prepare(settings)
    source = next((s for s in sources if s.id == source_id), None)
    if source is None:
        known = ", ".join(s.id for s in sources)
        raise SettingsError(f"--source {source_id!r}: there is no such source; use one of: {known}")
    with TemporaryDirectory() as folder:
        path = file or _spool(stream, Path(folder))
        store = Store(Path(folder) / "unused.sqlite3")
        door = Door(store, rules=settings.rules, grids=grids, zone=settings.area.time_zone)
        for batch in source.poller.over(path).poll({}, now=now):
            yield from _shown(door, source, batch.records, now, grids)
        store.close()


def _shown(
    door: Door, source: Source, records: tuple[Record, ...], now: datetime, grids: Any
) -> Iterator[dict[str, Any]]:
    said, bad = door.decode(source, records, received_at=now)
    places = {id(record): statement for record, statement in said}
    errors = {id(b.record): b.error for b in bad}
    for record in records:
        where = {"file": record.origin.part, "line": record.origin.line}
        if id(record) in errors:
            yield {**where, "quarantined": _rule(errors[id(record)])}
        else:
            yield {**where, **_statement(places[id(record)], grids)}


def _statement(statement: Statement, grids: Any) -> dict[str, Any]:
    place = statement.place
    position = None
    if place is not None and place.lat is not None and place.lon is not None:
        position = {
            "lat": place.lat,
            "lon": place.lon,
            "grid": grids.locate([place[:2]])[0] or None,
        }
    return {
        "incident": statement.incident_key,
        "record": statement.record_id,
        "kind": statement.kind,
        "unit": statement.unit,
        "facts": [
            {
                "milestone": fact.milestone.value,
                "at": fact.at.isoformat() if fact.at else None,
                "precision_s": fact.precision_s,
                "method": fact.method.value,
            }
            for fact in statement.facts
        ],
        "position": position,
        "own_grid": place.grid if place else None,
        "address": place.address if place else None,
        "title": statement.title,
        "excluded": statement.excluded,
        "flags": [_rule(flag) for flag in statement.flags],
    }


def _rule(doubt: BadRecordError | Flag) -> dict[str, str]:
    return {"column": doubt.column, "value": doubt.value, "rule": doubt.rule}


def _spool(stream: BinaryIO, folder: Path) -> Path:
    """Put standard input into a file, so that it is read like any other."""
    path = folder / "-"
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file)
    with path.open("rb") as file:
        begins = file.read(2)
    # where the first bytes do not tell, the ending in the source's own path does
    return path.rename(path.with_suffix(_ENDINGS[begins])) if begins in _ENDINGS else path


def quarantined(reader: Reader, *, limit: int) -> list[dict[str, Any]]:
    """The records in quarantine, newest first: where, what, why."""
    return [
        {
            "source": row.source,
            "file": row.part,
            "line": row.line,
            "column": row.column_name,
            "value": row.value,
            "rule": row.rule,
            "received_at": from_ms(row.received_ms).isoformat(),
            "raw": row.raw.decode("utf-8", errors="backslashreplace"),
        }
        for row in reader.quarantined(limit)
    ]
