"""The ways units go: from where they are to where they are needed, and what their devices say."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from pipelines.demo.model.case import Message
from pipelines.demo.model.street import Place, Point, Street, Unit

POSITIONS = "unit_positions"
"""The source that says where units are."""
CARRIED = ("fire_station", "patrol")
"""The types of unit that carry a device."""
_LEG = timedelta(minutes=12)
"""How long a patrol walks from one place of its community to the next."""


def trip(unit: str, to: Point, *, leaves: datetime, arrives: datetime, over: datetime) -> Message:
    """That a unit goes somewhere and comes back; no source tells of it but by its positions."""
    body = {"unit": unit, "to": to, "leaves": leaves, "arrives": arrives, "over": over}
    return Message(leaves, POSITIONS, body)


class Ways:
    """Where every unit that carries a device is at a moment; the same whenever it is asked."""

    def __init__(self, street: Street) -> None:
        grids = street.grids
        self._units = tuple(unit for unit in street.units if unit.type in CARRIED)
        self._places: dict[str, list[Place]] = {}
        for place in street.places:
            self._places.setdefault(grids[place.grid].community, []).append(place)
        self._trips: dict[str, dict[str, Any]] = {}

    def learn(self, trips: Iterable[Message]) -> None:
        """Send units somewhere; who is sent again goes there instead."""
        for message in trips:
            self._trips[message.body["unit"]] = dict(message.body)

    def at(self, now: datetime) -> dict[str, Point]:
        """Where each unit is, by its code."""
        return {unit.code: self._where(unit, now) for unit in self._units}

    def _where(self, unit: Unit, now: datetime) -> Point:
        way = self._trips.get(unit.code)
        if way is None or now < way["leaves"]:
            return self._usual(unit, now)
        there = way["arrives"] - way["leaves"]
        if now < way["over"]:
            start = self._usual(unit, way["leaves"])
            return _between(start, way["to"], (now - way["leaves"]) / there if there else 1.0)
        back = (now - way["over"]) / there if there else 1.0
        return _between(way["to"], self._usual(unit, now), back)

    def _usual(self, unit: Unit, now: datetime) -> Point:
        """A station stays at home; a patrol goes from place to place of its community."""
        places = self._places.get(unit.community)
        if unit.type != "patrol" or not places:
            return unit.point
        leg, gone = divmod(now.timestamp(), _LEG.total_seconds())
        start, end = (Random(f"{unit.code}/{leg + i:.0f}").choice(places).point for i in (0, 1))
        return _between(start, end, gone / _LEG.total_seconds())


def _between(start: Point, end: Point, share: float) -> Point:
    share = min(max(share, 0.0), 1.0)
    lat, lon = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return Point(lat, lon)
