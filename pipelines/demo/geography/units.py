"""Who responds in the demo street: patrols, estate squads, building teams, micro fire stations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from pipelines.demo.geography.blocks import Block
from pipelines.demo.geography.frame import DECIMALS, distance_m
from pipelines.demo.geography.land import COMMUNITIES
from pipelines.demo.geography.places import Place

BUILDING_TEAMS = 60
_SECOND_STATION = 3
"""三堡, the longest way from end to end, has two micro fire stations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One unit (处置力量) where it stands by; ``strength`` is how many people."""

    code: str
    type: str
    name: str
    name_en: str
    block: Block
    lat: float
    lon: float
    strength: int


def make_units(
    blocks: Sequence[Block], places: Sequence[Place], random: Random
) -> tuple[Unit, ...]:
    """All units: patrol, squad, building, fire_station."""
    towers = sorted((p for p in places if p.type == "tower"), key=lambda p: (-p.floors, p.code))
    guarded = sorted(towers[:BUILDING_TEAMS], key=lambda p: p.code)
    estates = [p for p in places if p.type == "estate"]
    return (
        *_patrols(blocks, random),
        *_at(estates, "squad", ("应急小分队", "Squad"), (4, 8), random),
        *_at(guarded, "building", ("楼宇处置队", "Building Team"), (3, 6), random),
        *_stations(blocks, random),
    )


def nearest_station(units: Sequence[Unit], lon: float, lat: float) -> str:
    """The code of the micro fire station closest to a point."""
    stations = [unit for unit in units if unit.type == "fire_station"]
    return min(stations, key=lambda s: distance_m((s.lon, s.lat), (lon, lat))).code


def _patrols(blocks: Sequence[Block], random: Random) -> Iterator[Unit]:
    for serial, community in enumerate(COMMUNITIES, 1):
        own = [block for block in blocks if block.community is community]
        name = (f"{community.name}社区巡逻队", f"{community.name_en} Patrol")
        yield _in_block(
            f"patrol-{serial:02d}", "patrol", name, own[len(own) // 2], (12, 20), random
        )


def _stations(blocks: Sequence[Block], random: Random) -> Iterator[Unit]:
    serial = 0
    for community in COMMUNITIES:
        own = [block for block in blocks if block.community is community]
        two = community.serial == _SECOND_STATION
        for part, block in enumerate((own[0], own[-1]) if two else (own[len(own) // 3],)):
            serial += 1
            side, side_en = ((("一", "二")[part]), f" {part + 1}") if two else ("", "")
            name = (
                f"{community.name}{side}微型消防站",
                f"{community.name_en}{side_en} Micro Fire Station",
            )
            yield _in_block(f"station-{serial:02d}", "fire_station", name, block, (6, 10), random)


def _in_block(
    code: str,
    kind: str,
    name: tuple[str, str],
    block: Block,
    strength: tuple[int, int],
    random: Random,
) -> Unit:
    at = block.shape.representative_point()
    return Unit(
        code=code,
        type=kind,
        name=name[0],
        name_en=name[1],
        block=block,
        lat=round(at.y, DECIMALS),
        lon=round(at.x, DECIMALS),
        strength=random.randint(*strength),
    )


def _at(
    places: Sequence[Place],
    kind: str,
    words: tuple[str, str],
    strength: tuple[int, int],
    random: Random,
) -> Iterator[Unit]:
    """One unit of a kind at each of the places."""
    for serial, place in enumerate(places, 1):
        yield Unit(
            code=f"{kind}-{serial:02d}",
            type=kind,
            name=f"{place.name}{words[0]}",
            name_en=f"{place.name_en} {words[1]}",
            block=place.block,
            lat=place.lat,
            lon=place.lon,
            strength=random.randint(*strength),
        )
