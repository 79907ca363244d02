"""Where those are who carry a device that says so: units (处置力量) on their way and on patrol.

Only the last position of a device is kept, never the way it went.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from pipelines.connectors.record import Record
from pipelines.errors import BadRecordError
from pipelines.geo.history import GridHistory
from pipelines.model.device import POSITION, DeviceState, Measured, Signal
from pipelines.registers.units import UnitEntry, Units, UnitSettings, metres
from pipelines.snapshot import UnitSpot
from pipelines.store import schema
from pipelines.store.device_rows import device_from
from pipelines.store.store import Reader

Point = tuple[float, float]
Heard = tuple[Record, Signal]
_DECIMALS = 6


def checked_positions(
    signals: Sequence[Heard],
    grids: GridHistory,
    to_wgs84: Callable[[Sequence[Point]], Sequence[Point]] | None,
) -> tuple[list[Heard], list[tuple[Record, BadRecordError]]]:
    """The signals, their positions in WGS-84, and what is wrong with those that cannot be right.

    A signal whose position is left out says the rest of what it said.
    """
    at = [i for i, (_, signal) in enumerate(signals) if POSITION in signal.values]
    checked: list[Heard] = list(signals)
    problems: list[tuple[Record, BadRecordError]] = []
    if not at:
        return checked, problems
    points = [_point(signals[i][1].values[POSITION]) for i in at]
    converted = to_wgs84(points) if to_wgs84 is not None else points
    for i, point, (lat, lon) in zip(at, points, converted, strict=True):
        record, signal = signals[i]
        # zero is missing in every coordinate system; the rest is judged in degrees
        doubt = grids.doubt(lat, lon) if any(point) else grids.doubt(*point)
        values = {name: value for name, value in signal.values.items() if name != POSITION}
        if doubt is None:
            values[POSITION] = f"{lat:.{_DECIMALS}f},{lon:.{_DECIMALS}f}"
        else:
            problem = BadRecordError("(position)", signal.values[POSITION], doubt)
            problems.append((record, problem))
        checked[i] = record, signal._replace(values=values)
    return checked, problems


def read_units(
    reader: Reader,
    units: Units,
    settings: UnitSettings,
    within: Collection[str] | None,
    *,
    now: datetime,
) -> tuple[UnitSpot, ...]:
    """Where the units are that would be there first: as they say themselves, or where they start.

    Others are named when they say where they are. ``within`` are the grids that may be seen: a
    unit belongs to the grid of its row. A position older than ``position_lasts`` counts no more.
    """
    seen = _seen(reader, settings, now)
    known = {unit.code: unit for unit in units if within is None or unit.grid in within}
    wanted = [unit for unit in known.values() if unit.code in seen or units.is_first(unit)]
    spots = [_spot(unit, seen.get(unit.code), is_first=units.is_first(unit)) for unit in wanted]
    if within is None:
        registered = {unit.code for unit in units}
        spots += [_stranger(code, at) for code, at in seen.items() if code not in registered]
    return tuple(spots)


def nearest(
    spots: Iterable[UnitSpot], lat: float, lon: float, *, most: int
) -> list[tuple[float, UnitSpot]]:
    """Who would be there first, nearest first, with their distance in metres."""
    far = ((metres(lat, lon, spot.lat, spot.lon), spot) for spot in spots if spot.is_first)
    return sorted(far, key=lambda item: (item[0], item[1].code))[:most]


def _seen(reader: Reader, settings: UnitSettings, now: datetime) -> Mapping[str, Measured]:
    """The last position of every device that stands for a unit, by its code."""
    if not settings.located_by:
        return {}
    query = select(schema.device).where(schema.device.c.source.in_(settings.located_by))
    states = (device_from(row) for row in reader.rows(query))
    last: dict[str, Measured] = {}
    for code, measured in _positions(states):
        fresh = now - measured.at <= settings.position_lasts
        if fresh and (code not in last or measured.at > last[code].at):
            last[code] = measured
    return last


def _positions(states: Iterable[DeviceState]) -> Iterable[tuple[str, Measured]]:
    return ((s.device, s.values[POSITION]) for s in states if POSITION in s.values)


def _spot(unit: UnitEntry, seen: Measured | None, *, is_first: bool) -> UnitSpot:
    lat, lon = (unit.lat, unit.lon) if seen is None else _point(seen.value)
    return UnitSpot(
        code=unit.code,
        names=unit.names,
        type=unit.type,
        lat=lat,
        lon=lon,
        seen_at=None if seen is None else seen.at,
        strength=unit.strength,
        is_first=is_first,
    )


def _stranger(code: str, seen: Measured) -> UnitSpot:
    """A unit that no row of the register knows."""
    lat, lon = _point(seen.value)
    names = {"zh": code, "en": code}
    return UnitSpot(code=code, names=names, type="", lat=lat, lon=lon, seen_at=seen.at)


def _point(text: str) -> Point:
    lat, lon = text.split(",")
    return float(lat), float(lon)
