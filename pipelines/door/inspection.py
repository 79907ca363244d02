"""The integrator's view: what records would become, and which ones made no sense."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Protocol

from pipelines.connectors.record import Record
from pipelines.decoders.gb26875 import hex_lines as gb26875
from pipelines.door.ingest import Door
from pipelines.door.quarantine import items
from pipelines.door.unmapped import listed
from pipelines.errors import BadRecordError, SettingsError, SourceUnavailableError
from pipelines.feeds.sources import Source
from pipelines.geo.history import GridHistory
from pipelines.installation import prepare
from pipelines.model.device import Signal
from pipelines.model.fact import Flag, Statement
from pipelines.settings import Settings
from pipelines.store.store import Reader, scratch_store

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
    (source,) = chosen(sources, source_id)
    with TemporaryDirectory() as folder, scratch_store() as store:
        path = file or _spool(stream, Path(folder))
        door = Door(store, rules=settings.rules, grids=grids, zone=settings.area.time_zone)
        for batch in source.connector.over(path).poll({}, now=now):
            yield from _shown(door, source, batch.records, now, grids)


def _shown(
    door: Door, source: Source, records: tuple[Record, ...], now: datetime, grids: GridHistory
) -> Iterator[dict[str, Any]]:
    said, bad, signals, _ = door.decode(source, records, received_at=now)
    told: dict[int, list[dict[str, Any]]] = {id(record): [] for record in records}
    for broken in bad:
        told[id(broken.record)].append({"quarantined": _rule(broken.error)})
    for record, statement in said:
        told[id(record)].append(_statement(statement, grids, now))
    for record, signal in signals:
        told[id(record)].append(_signal(signal))
    for record in records:
        where = {"file": record.origin.part, "line": record.origin.line}
        yield from ({**where, **one} for one in told[id(record)] or [{"says": "nothing"}])


def _signal(signal: Signal) -> dict[str, Any]:
    return {
        "device": signal.device,
        "at": signal.at.isoformat(),
        "begun": sorted(signal.begun),
        "ended": sorted(signal.ended),
        "values": dict(signal.values),
    }


def _statement(statement: Statement, grids: GridHistory, now: datetime) -> dict[str, Any]:
    place = statement.place
    position = None
    if place is not None and place.lat is not None and place.lon is not None:
        position = {
            "lat": place.lat,
            "lon": place.lon,
            "grid": grids.at(now).locate([(place.lat, place.lon)])[0] or None,
        }
    return {
        "incident": statement.incident_key,
        "record": statement.record_id,
        "kind": statement.kind,
        "unit": statement.unit,
        "alarm": [statement.alarm.device, statement.alarm.at.isoformat()]
        if statement.alarm
        else None,
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


def quarantined(reader: Reader, *, limit: int, source: str | None = None) -> list[dict[str, Any]]:
    """The records in quarantine, newest first: where, what, why."""
    return [
        {
            "source": item.source,
            "file": item.part,
            "line": item.line,
            "column": item.column,
            "value": item.value,
            "rule": item.rule,
            "received_at": item.received_at.isoformat(),
            "raw": item.raw,
        }
        for item in items(reader, source=source, limit=limit)
    ]


def unmapped_codes(reader: Reader) -> list[dict[str, Any]]:
    """The codes that no mapping names, the most frequent first."""
    return [
        {
            "source": code.source,
            "column": code.column,
            "value": code.value,
            "records": code.records,
            "last_at": code.last_at.isoformat(),
        }
        for code in listed(reader)
    ]


def chosen(sources: Sequence[Source], source_id: str | None) -> Sequence[Source]:
    """The source of that name, or all; raises SettingsError when there is no such source."""
    if source_id is None:
        return sources
    found = [source for source in sources if source.id == source_id]
    if not found:
        known = ", ".join(source.id for source in sources)
        raise SettingsError(f"--source {source_id!r}: there is no such source; use one of: {known}")
    return found
