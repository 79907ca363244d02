"""The register of the demo street's grids: who looks after each, and what is known of it.

All of it is invented. What was audited says how many were looked at and how many were right, and
some grids have no row at all, as real registers do.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from pipelines.demo.geography.blocks import Block
from pipelines.demo.geography.places import People, Place

_COUNTED_ON = date(2026, 9, 30)
_NOT_ENTERED = 37
"""Every so many grids, one has not been entered yet."""
_AUDITED = 0.6
_KEY_PLACES = 4


def register_rows(
    blocks: Sequence[Block],
    people: Mapping[str, People],
    places: Sequence[Place],
    random: Random,
) -> Iterator[dict[str, Any]]:
    """The rows, grid by grid."""
    for serial, block in enumerate(blocks, 1):
        if serial % _NOT_ENTERED:
            here = [place for place in places if place.block is block]
            yield from _of_grid(serial, block, people[block.code], here, random)


def _of_grid(
    serial: int, block: Block, people: People, here: Sequence[Place], random: Random
) -> Iterator[dict[str, Any]]:
    since = _COUNTED_ON - timedelta(days=random.randint(30, 700))
    yield _row(block, "leader", f"网格长 {serial:02d}", since, f"Leader {serial:02d}")
    for member in range(1, random.randint(2, 4)):
        name = f"{serial:02d}-{member}"
        yield _row(block, "member", f"网格员 {name}", since, f"Member {name}")
    counted = {
        "population": people.population,
        "households": people.households,
        "buildings": max(len(here), round(people.households / random.uniform(45, 80))),
        "shops": random.randint(6, 140),
    }
    for item, value in counted.items():
        day = _COUNTED_ON - timedelta(days=random.randint(0, 120))
        yield _row(block, item, str(value), day) | _audit(random)
    for place in sorted(here, key=lambda p: (p.type != "school", -p.floors))[:_KEY_PLACES]:
        yield _row(block, "key_place", place.name, _COUNTED_ON, place.name_en)


def _audit(random: Random) -> dict[str, Any]:
    if random.random() > _AUDITED:
        return {}
    checked = random.choice((30, 40, 50, 60))
    return {"checked": checked, "right": checked - random.choice((0, 1, 1, 2, 3, 5))}


def _row(block: Block, item: str, value: str, day: date, name_en: str = "") -> dict[str, Any]:
    return {
        "grid": block.code,
        "item": item,
        "value": value,
        "name_en": name_en,
        "as_of": day.isoformat(),
        "checked": "",
        "right": "",
    }
