"""The register of devices (设备): where each one hangs, what it is, and who goes there."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from pipelines.errors import SettingsError
from pipelines.geo.coordinates import KNOWN, converter
from pipelines.model.fact import Statement
from pipelines.model.place import Place
from pipelines.reading.options import Duration, Options
from pipelines.reading.register import Row, number, read_register

COLUMNS = ("source", "device", "name", "type", "address", "lat", "lon")
"""The columns a register must have; the others may be missing."""


class DeviceSettings(Options):
    """The register of devices, and what is made of their alarms and their silence."""

    file: str | None = Field(
        default=None,
        description="CSV with a row a device, relative to the config file: `source`, `device`, "
        "`name`, `type`, `address`, `lat`, `lon`, and if known `name_en`, `building`, `grid`, "
        "`unit`.",
    )
    crs: str = Field(default="WGS-84", description=f"CRS of the register: {KNOWN}.")
    episode: Duration = Field(
        default=timedelta(minutes=10),
        description="Alarms of one device with no longer pause between them are one incident.",
    )
    silent_after: Duration = Field(
        default=timedelta(hours=1),
        description="A device is never called silent sooner; one with a slower rhythm later.",
    )


class DeviceEntry(NamedTuple):
    """One row of the register; the position is WGS-84, ``building`` and ``unit`` are codes."""

    source: str
    device: str
    name: str
    name_en: str
    type: str
    building: str
    address: str
    lat: float | None
    lon: float | None
    grid: str
    unit: str

    @property
    def names(self) -> Mapping[str, str]:
        """What it is called, by language."""
        return {"zh": self.name, "en": self.name_en or self.name}


class Register:
    """Every device that was registered. One that reports without being in it is kept, unplaced."""

    def __init__(self, entries: Mapping[tuple[str, str], DeviceEntry]) -> None:
        self._entries = entries
        self._confined: dict[frozenset[str], Register] = {}

    @cached_property
    def places(self) -> "Places":
        """Where the devices are, for the map."""
        return Places(e for e in self._entries.values() if e.lat is not None and e.lon is not None)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[DeviceEntry]:
        return iter(self._entries.values())

    def find(self, source: str, device: str) -> DeviceEntry | None:
        """The row of a device, if it has one."""
        return self._entries.get((source, device))

    def within(self, grids: frozenset[str]) -> "Register":
        """The devices that hang in some grids; picked out once, for a scope asks often."""
        if grids not in self._confined:
            mine = {key: e for key, e in self._entries.items() if e.grid in grids}
            self._confined[grids] = Register(mine)
        return self._confined[grids]

    def placed(self, statement: Statement) -> Statement:
        """The statement, with the place and name of the device whose alarm it is about."""
        if statement.alarm is None:
            return statement
        entry = self.find(statement.incident_source, statement.alarm.device)
        if entry is None:
            return statement
        place = statement.place or Place()
        if not place.has_position:
            known = (place.address or entry.address or None, place.grid or entry.grid or None)
            statement = statement._replace(place=Place(entry.lat, entry.lon, *known))
        return statement._replace(title=statement.title or entry.name)


class Places:
    """Where devices are, as one file that a browser keeps: each has its place in it by number.

    The file is a list of [lat, lon] in WGS-84 degrees and says nothing else about a device.
    """

    def __init__(self, entries: Iterable[DeviceEntry]) -> None:
        placed = tuple(entries)
        self._numbers = {(e.source, e.device): i for i, e in enumerate(placed)}
        spots = [[round(e.lat or 0.0, 6), round(e.lon or 0.0, 6)] for e in placed]
        self.file = json.dumps(spots, separators=(",", ":")).encode()
        self.version = hashlib.sha256(self.file).hexdigest()[:12]

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, source: str, device: str) -> int | None:
        """Which place a device has in the file; None when nobody knows where it is."""
        return self._numbers.get((source, device))


def load_register(file: Path | None, *, crs: str = "WGS-84") -> Register:
    """Read the register; without a file it is empty.

    Raises SettingsError naming file, line, column, value and rule.
    """
    if file is None:
        return Register({})
    entries = read_register(file, COLUMNS, DeviceEntry._fields, _entry)
    return Register(_unique(_converted(entries, crs), file))


def _entry(row: Row, where: str) -> DeviceEntry:
    for name in ("source", "device"):
        if not row[name]:
            raise SettingsError(f"{where}: column {name!r} is empty; a device needs one")
    places = {n: number(row, n, where, float) if row[n] else None for n in ("lat", "lon")}
    return DeviceEntry(**{**row, **places})  # type: ignore[arg-type]


def _converted(entries: list[DeviceEntry], crs: str) -> list[DeviceEntry]:
    to_wgs84 = converter(crs)
    at = [i for i, e in enumerate(entries) if e.lat is not None and e.lon is not None]
    if to_wgs84 is None or not at:
        return entries
    points = [(entries[i].lat, entries[i].lon) for i in at]
    moved = list(entries)
    for i, (lat, lon) in zip(at, to_wgs84(points), strict=True):  # type: ignore[arg-type]
        moved[i] = entries[i]._replace(lat=lat, lon=lon)
    return moved


def _unique(entries: list[DeviceEntry], file: Path) -> dict[tuple[str, str], DeviceEntry]:
    found: dict[tuple[str, str], DeviceEntry] = {}
    for entry in entries:
        key = (entry.source, entry.device)
        if key in found:
            raise SettingsError(f"{file}: device {entry.device!r} of {entry.source!r} twice")
        found[key] = entry
    return found
