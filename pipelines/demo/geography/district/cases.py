"""What happened in the example district in six weeks: invented, from one seed, about nobody."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import exp, log
from random import Random

import shapely
from shapely import Point, Polygon

from pipelines.demo.geography.district.land import Cell
from pipelines.demo.model.texts import HOTLINE, POLICE

FIRST_DAY = datetime(2026, 9, 7)  # noqa: DTZ001 - a local time, as the file has it
DAYS = 42
_A_DAY = {"police": 1.3, "smoke": 0.5, "complaint": 2.2}
"""Cases a day and street."""
_TRAVEL_S = {"330102014": 128, "330102991": 150, "330102992": 185}
"""The median time to the scene, by street: one is slower, and the board should show it."""
_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 9, 8, 8, 7, 7, 8, 8, 8, 9, 9, 8, 7, 6, 4, 3)
"""How many begin in each hour of the day, in proportion."""
_NO_PLACE = 0.02

Row = dict[str, str]


def make_cases(cells: Sequence[Cell], random: Random) -> list[Row]:
    """Every case, by when it began."""
    by_street: dict[str, list[Cell]] = {}
    for cell in cells:
        by_street.setdefault(cell.code[:9], []).append(cell)
    found = [
        (_moment(random), _case(street, kind, own, random))
        for street, own in sorted(by_street.items())
        for kind, rate in _A_DAY.items()
        for _ in range(round(rate * DAYS))
    ]
    found.sort(key=lambda pair: pair[0])
    return [
        {"id": f"D{number:05d}", **_stamped(began, case, random)}
        for number, (began, case) in enumerate(found, 1)
    ]


def _moment(random: Random) -> datetime:
    hour = random.choices(range(24), weights=_HOURS)[0]
    return FIRST_DAY + timedelta(
        days=random.randrange(DAYS), hours=hour, seconds=random.randrange(3600)
    )


def _case(street: str, kind: str, cells: Sequence[Cell], random: Random) -> Mapping[str, str]:
    cell = random.choice(cells)
    where = {"lat": "", "lon": ""}
    if random.random() >= _NO_PLACE:
        point = _within(cell.shape, random)
        where = {"lat": f"{point.y:.6f}", "lon": f"{point.x:.6f}"}
    address = f"{cell.community_name}{random.randrange(1, 60)}号"
    return {"street": street, "kind": kind, "title": _title(kind, random), "address": address,
            **where}  # fmt: skip


def _title(kind: str, random: Random) -> str:
    if kind == "smoke":
        return "烟感报警"
    texts = POLICE if kind == "police" else HOTLINE
    return random.choice([text for some in texts.values() for text in some])


def _within(shape: Polygon, random: Random) -> Point:
    west, south, east, north = shape.bounds
    while True:
        point = Point(random.uniform(west, east), random.uniform(south, north))
        if shapely.contains(shape, point):
            return point


def _stamped(began: datetime, case: Mapping[str, str], random: Random) -> Row:
    stamps: dict[str, datetime | None] = dict(_stamps(began, case, random))
    times = {
        name: "" if (at := stamps.get(name)) is None else at.isoformat(sep=" ", timespec="seconds")
        for name in ("reported", "accepted", "dispatched", "arrived", "resolved")
    }
    return {**{k: v for k, v in case.items() if k != "street"}, **times}


def _stamps(
    began: datetime, case: Mapping[str, str], random: Random
) -> Iterator[tuple[str, datetime]]:
    """Reported, accepted, sent, there, done; a complaint has no scene, few forget a stamp."""
    yield "reported", began
    moment = began + _lasting(18, 0.7, random)
    yield "accepted", moment
    moment += _lasting(34, 0.6, random)
    yield "dispatched", moment
    if case["kind"] == "complaint":
        yield "resolved", began + _lasting(9 * 3600, 0.9, random)
        return
    pace = 0.72 if case["kind"] == "smoke" else 1.0
    moment += _lasting(_TRAVEL_S[case["street"]] * pace, 0.42, random)
    if random.random() > 0.03:
        yield "arrived", moment
    yield "resolved", moment + _lasting(24 * 60, 0.6, random)


def _lasting(median_s: float, spread: float, random: Random) -> timedelta:
    return timedelta(seconds=round(exp(random.gauss(log(median_s), spread))))
