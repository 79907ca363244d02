"""What else belongs to one incident: merged incidents, and other alarms of its device."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from pipelines.connectors.record import Origin
from pipelines.connectors.reread import Kept, read_again
from pipelines.door.episodes import episode_key
from pipelines.figures.groups import sees
from pipelines.installation import Installation
from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.incident import incident_id as id_of
from pipelines.snapshot import Names
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Device, Reader

_EPISODES_MOST = 8
_MERGED_WITHIN = timedelta(days=1)
"""How far from an incident those are looked for that were merged into it."""
_MERGED_MOST = 200
_COLUMNS_MOST = 64


class Tie(StrEnum):
    """How another incident belongs to this one."""

    MERGED_INTO = "merged_into"
    MERGED_FROM = "merged_from"
    SAME_DEVICE = "same_device"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """Another incident that belongs to this one."""

    tie: Tie
    id: str
    kind_names: Names
    shape: str
    t0: datetime
    key: str


def read_links(
    reader: Reader,
    installation: Installation,
    incident: Incident,
    device: Device | None,
) -> tuple[Link, ...]:
    """The incidents that belong to this one, by how they do, the newest first."""
    found: dict[str, Tie] = {}
    if incident.excluded is Reason.MERGED_CHILD:
        found |= dict.fromkeys(_named_by(reader, installation, [incident.id]), Tie.MERGED_INTO)
    else:
        children = _children(reader, installation, incident)
        found |= dict.fromkeys(children, Tie.MERGED_FROM)
    if device is not None:
        found |= dict.fromkeys(_episodes(reader, device), Tie.SAME_DEVICE)
    found.pop(incident.id, None)
    rows = reader.incidents(found)
    mine = (row for row in rows.values() if sees(installation.desk, row.grid))
    links = (_link(row, found[row.id], installation) for row in mine)
    ties = list(Tie)
    return tuple(sorted(links, key=lambda x: (ties.index(x.tie), -x.t0.timestamp(), x.id)))


def _link(row: Any, tie: Tie, installation: Installation) -> Link:
    kind = installation.settings.kinds.get(row.kind or "")
    code = row.kind or "—"
    return Link(
        tie=tie,
        id=row.id,
        kind_names=kind.name.as_dict() if kind else {"zh": code, "en": code},
        shape=kind.shape if kind else "square",
        t0=from_ms(row.t0_ms),
        key=row.key,
    )


def _episodes(reader: Reader, device: Device) -> list[str]:
    """The last episodes of a device."""
    table = schema.alarm
    source, name = device
    query = (
        select(table.c.first_ms)
        .where(table.c.source == source, table.c.device == name)
        .distinct()
        .order_by(table.c.first_ms.desc())
        .limit(_EPISODES_MOST)
    )
    return [id_of(source, episode_key(name, row.first_ms)) for row in reader.rows(query)]


def _children(reader: Reader, installation: Installation, incident: Incident) -> Iterator[str]:
    """Those of the same source that were merged, and say that it was into this one."""
    table, t0 = schema.incident, incident.t0.at
    query = (
        select(table.c.id)
        .where(
            table.c.t0_ms.between(to_ms(t0 - _MERGED_WITHIN), to_ms(t0 + _MERGED_WITHIN)),
            table.c.source == incident.source,
            table.c.excluded == Reason.MERGED_CHILD.value,
        )
        .limit(_MERGED_MOST)
    )
    merged = [row.id for row in reader.rows(query)]
    for row, fields in _fields_of(reader, installation, merged):
        if incident.key in fields.values():
            yield row.incident_id


def _named_by(reader: Reader, installation: Installation, ids: Sequence[str]) -> set[str]:
    """The incidents of the same source whose key stands in a column of these ones' reports.

    A record that was merged names the one it was merged into; which column that is, every
    platform does differently, and no other column holds an incident's key.
    """
    named = {
        id_of(row.source, value)
        for row, fields in _fields_of(reader, installation, ids)
        for value in list(fields.values())[:_COLUMNS_MOST]
        if value
    }
    return set(reader.incidents(named - set(ids)))


def _fields_of(
    reader: Reader, installation: Installation, ids: Iterable[str]
) -> Iterator[tuple[Any, Mapping[str, str]]]:
    """Each report of these incidents with its columns, as its connector reads them today."""
    table, context = schema.report, schema.context
    connectors = {source.id: source.connector for source in installation.sources}
    query = select(table, context.c.content.label("context")).join(
        context, context.c.context_id == table.c.context_id
    )
    for row in reader.among(query, table.c.incident_id, list(ids)):
        kept = Kept(
            raw=bytes(row.raw),
            context=bytes(row.context),
            origin=Origin(row.part, row.line),
            ordinal=row.ordinal,
        )
        if row.raw and row.source in connectors:
            yield row, read_again(connectors[row.source], kept).fields or {}
