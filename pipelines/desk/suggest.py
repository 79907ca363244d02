"""What a search box offers while somebody types: places, and the newest incidents that say it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from pipelines.desk.board_map import place_filter
from pipelines.figures.groups import Desk, in_scope, sees
from pipelines.installation import Installation
from pipelines.privacy.clearance import Clearance
from pipelines.privacy.masking import in_rows
from pipelines.snapshot import Names
from pipelines.store import schema
from pipelines.store.rows import from_ms
from pipelines.store.search import candidates, containing, has_index, sought_in
from pipelines.store.store import Reader

PLACES_MOST, INCIDENTS_MOST = 6, 8
_LOOKED_AT_MOST = 3000
"""So many incidents that may say it are looked at, the latest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundPlace:
    """An area or a grid, with the filter that leaves it alone."""

    filters: Mapping[str, str]
    level: str
    names: Names
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundIncident:
    """An incident, masked."""

    id: str
    key: str
    kind_names: Names
    shape: str
    t0: datetime
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestions:
    """What was found."""

    time_zone: str
    places: tuple[FoundPlace, ...]
    incidents: tuple[FoundIncident, ...]


def suggest(
    reader: Reader, installation: Installation, sought: str, *, clearance: Clearance
) -> Suggestions:
    """What says all that is sought; nothing for nothing."""
    if not sought.strip():
        return Suggestions(time_zone=str(installation.desk.zone), places=(), incidents=())
    return Suggestions(
        time_zone=str(installation.desk.zone),
        places=tuple(islice(_places(installation, sought), PLACES_MOST)),
        incidents=tuple(
            sorted(
                islice(_incidents(reader, installation, sought, clearance), INCIDENTS_MOST),
                key=lambda found: found.t0,
                reverse=True,
            )
        ),
    )


def _places(installation: Installation, sought: str) -> Iterator[FoundPlace]:
    areas = installation.desk.areas
    below = [areas.top]
    while below:
        area = below.pop(0)
        below += areas.children(area.code)
        if area is not areas.top and sought_in(sought, (*area.names.values(), area.code)):
            yield FoundPlace(
                filters=place_filter(area),
                level=str(area.level),
                names=area.names,
                code=area.code,
            )
    for grid in installation.grids:
        if sees(installation.desk, grid.code) and sought_in(
            sought, (*grid.names.values(), grid.code)
        ):
            yield FoundPlace(
                filters={"grid": grid.code}, level="grid", names=grid.names, code=grid.code
            )


def _incidents(
    reader: Reader, installation: Installation, sought: str, clearance: Clearance
) -> Iterator[FoundIncident]:
    sensitive, seen = installation.settings.sensitive_kinds, set[str]()
    for row in islice(_looked_at(reader, installation.desk, sought), _LOOKED_AT_MOST):
        shown = in_rows(
            {
                "kind": row.kind,
                "title": row.title,
                "address": row.address,
                "lat": row.lat,
                "lon": row.lon,
            },
            sensitive,
            clearance,
        )
        texts = (row.key, shown["title"], shown["address"], row.id)
        if row.id not in seen and sought_in(sought, texts):
            seen.add(row.id)
            yield _found(row, shown, installation)


def _looked_at(reader: Reader, desk: Desk, sought: str) -> Iterator[Any]:
    if not has_index(reader.connection):
        column = schema.incident.c.t0_ms
        yield from containing(reader, sought, [in_scope(desk)], [column.desc()])
        return
    for ids in candidates(reader, sought):
        rows = reader.incidents(ids)
        found = (rows[one] for one in ids if one in rows)
        yield from (row for row in found if sees(desk, row.grid))


def _found(row: Any, shown: Mapping[str, Any], installation: Installation) -> FoundIncident:
    code = row.kind or ""
    kind = installation.settings.kinds.get(code)
    words = [text for text in (shown["address"], shown["title"]) if text]
    return FoundIncident(
        id=row.id,
        key=row.key,
        kind_names=kind.name.as_dict() if kind else {"zh": code or "—", "en": code or "—"},
        shape=str(kind.shape) if kind else "square",
        t0=from_ms(row.t0_ms),
        text=" · ".join(dict.fromkeys(words)),
    )
