"""The register of units (处置力量): who could go, and where they start from."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from pipelines.errors import SettingsError
from pipelines.geo.coordinates import KNOWN, converter
from pipelines.reading.options import Duration, Options
from pipelines.reading.register import Row, number, read_register

COLUMNS = ("code", "type", "name", "lat", "lon")
"""The columns a register must have; the others may be missing."""
_EARTH_M = 6_371_008.8


class UnitSettings(Options):
    """The register of units, for those that are nearest to an incident."""

    file: str | None = Field(
        default=None,
        description="CSV with a row a unit, relative to the config file: `code`, `type`, `name`, "
        "`lat`, `lon`, and if known `name_en`, `community`, `grid`, `strength` (people).",
    )
    crs: str = Field(default="WGS-84", description=f"CRS of the register: {KNOWN}.")
    first_there: tuple[str, ...] = Field(
        default=("fire_station", "patrol"),
        description="Types of unit that are named as near; empty is all.",
    )
    located_by: tuple[str, ...] = Field(
        default=(),
        description="Sources whose devices are units and say where they are: the device is the "
        "unit's `code`, its `position` (see `device_table`) counts instead of the register's.",
    )
    position_lasts: Duration = Field(
        default=timedelta(minutes=15),
        description="How long a position counts; an older one says nothing of where a unit is.",
    )


class UnitEntry(NamedTuple):
    """One row of the register; the position is WGS-84, ``strength`` is how many people."""

    code: str
    type: str
    name: str
    name_en: str
    community: str
    grid: str
    lat: float
    lon: float
    strength: int | None

    @property
    def names(self) -> Mapping[str, str]:
        """What it is called, by language."""
        return {"zh": self.name, "en": self.name_en or self.name}


class Units:
    """Every unit of the register, asked by distance."""

    def __init__(self, entries: Sequence[UnitEntry], *, first_there: Sequence[str] = ()) -> None:
        self._entries = tuple(entries)
        self._first = frozenset(e for e in entries if not first_there or e.type in first_there)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[UnitEntry]:
        return iter(self._entries)

    def is_first(self, unit: UnitEntry) -> bool:
        """Whether it is of a type that is named as near."""
        return unit in self._first

    def nearest(self, lat: float, lon: float, *, most: int) -> list[tuple[float, UnitEntry]]:
        """The units that would be there first, nearest first, with their distance in metres."""
        far = ((metres(lat, lon, unit.lat, unit.lon), unit) for unit in self._first)
        return sorted(far, key=lambda item: (item[0], item[1].code))[:most]


def metres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """The distance of two points over the ground, as the crow flies (haversine)."""
    up, across = radians(other_lat - lat) / 2, radians(other_lon - lon) / 2
    share = sin(up) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(across) ** 2
    return 2 * _EARTH_M * asin(min(1.0, sqrt(share)))


def load_units(file: Path | None, settings: UnitSettings) -> Units:
    """Read the register; without a file it is empty.

    Raises SettingsError naming file, line, column, value and rule.
    """
    if file is None:
        return Units(())
    entries = read_register(file, COLUMNS, UnitEntry._fields, _entry)
    return Units(_converted(entries, settings.crs), first_there=settings.first_there)


def _entry(row: Row, where: str) -> UnitEntry:
    if not row["code"]:
        raise SettingsError(f"{where}: column 'code' is empty; a unit needs one")
    lat, lon = (number(row, name, where, float) for name in ("lat", "lon"))
    strength = number(row, "strength", where, int) if row["strength"] else None
    numbers = {"lat": lat, "lon": lon, "strength": strength}
    return UnitEntry(**{**row, **numbers})  # type: ignore[arg-type]


def _converted(entries: list[UnitEntry], crs: str) -> list[UnitEntry]:
    to_wgs84 = converter(crs)
    if to_wgs84 is None or not entries:
        return entries
    moved = to_wgs84([(e.lat, e.lon) for e in entries])
    return [e._replace(lat=lat, lon=lon) for e, (lat, lon) in zip(entries, moved, strict=True)]
