"""The tree of areas: province → city → district → street → community, and below them the grids.

China's statistical codes of administrative divisions say the tree by their beginnings: two digits
a province, two more a city, two a district, three a street, three a community (GB/T 2260, GB/T
10114; National Bureau of Statistics). An owner's own codes are as good where each says its parent.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pipelines.model.place import NOT_ON_MAP


class AreaLevel(StrEnum):
    """What an area is called, from wide to narrow."""

    PROVINCE = "province"
    CITY = "city"
    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"

    @property
    def depth(self) -> int:
        """0 for the widest; a part is deeper than what it is part of."""
        return _DEPTHS[self]


_DEPTHS = {level: depth for depth, level in enumerate(AreaLevel)}
CODE_WIDTHS = {
    AreaLevel.PROVINCE: 2,
    AreaLevel.CITY: 4,
    AreaLevel.DISTRICT: 6,
    AreaLevel.STREET: 9,
    AreaLevel.COMMUNITY: 12,
}
"""How many digits of a statistical code name an area of each level."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """One node of the tree; the ``parent`` of the topmost is the empty text."""

    code: str
    level: AreaLevel
    names: Mapping[str, str]
    parent: str = ""


class AreaError(ValueError):
    """The areas are no tree; ``code`` is the one that breaks ``rule``."""

    def __init__(self, code: str, rule: str) -> None:
        super().__init__(f"{code!r} {rule}")
        self.code = code
        self.rule = rule


class AreaTree:
    """The areas of one installation: all below ``top``, and the grids in them.

    ``grids`` says which area each grid lies in; one that is in none counts for the top alone.
    Raises AreaError when the areas do not make a tree below the top.
    """

    def __init__(self, top: Area, areas: Iterable[Area], grids: Mapping[str, str]) -> None:
        self.top = top
        self._areas = {top.code: top}
        for area in areas:
            if area.code in self._areas:
                raise AreaError(area.code, "occurs twice; codes must differ")
            self._areas[area.code] = area
        lines = {code: self._line(code) for code in self._areas}
        self._at = {code: {area.level: area.code for area in line} for code, line in lines.items()}
        self._lines = {code: tuple(area.code for area in line) for code, line in lines.items()}
        self._children: dict[str, list[Area]] = defaultdict(list)
        for _, area in sorted(self._areas.items()):
            if area is not top:
                self._children[area.parent].append(area)
        self._home = {grid: parent for grid, parent in grids.items() if parent in self._areas}
        self._grids: dict[str, list[str]] = defaultdict(list)
        for grid, parent in sorted(self._home.items()):
            if grid in self._areas:
                raise AreaError(grid, "is the code of a grid and of an area; codes must differ")
            for code in self._lines[parent]:
                self._grids[code].append(grid)
        present = {area.level for area in self._areas.values()}
        self.levels = tuple(level for level in AreaLevel if level in present)
        """The levels that have an area, from the top's own downwards."""

    def _line(self, code: str) -> tuple[Area, ...]:
        """The areas from the top down to one."""
        line = [self._areas[code]]
        while line[-1] is not self.top:
            area = line[-1]
            parent = self._areas.get(area.parent)
            if parent is None:
                raise AreaError(area.code, f"has the parent {area.parent!r}; there is no such area")
            if parent.level.depth >= area.level.depth:
                raise AreaError(
                    area.code,
                    f"is a {area.level} in {parent.code!r}, a {parent.level}; "
                    "a part must be of a lower level than the whole",
                )
            line.append(parent)
        return tuple(reversed(line))

    def __iter__(self) -> Iterator[Area]:
        """Every area, the topmost first."""
        return iter(self._areas.values())

    def get(self, code: str) -> Area | None:
        """The area with this code."""
        return self._areas.get(code)

    def children(self, code: str) -> tuple[Area, ...]:
        """The areas directly below one, by code."""
        return tuple(self._children.get(code, ()))

    def path(self, code: str) -> tuple[Area, ...]:
        """The areas from the top down to an area, or to the one a grid lies in."""
        line = self._lines.get(code) or self._lines.get(self._home.get(code, ""), ())
        return tuple(self._areas[area] for area in line)

    def grids(self, code: str) -> tuple[str, ...]:
        """The codes of all grids in an area, or of the one grid that this is, by code."""
        if code in self._home:
            return (code,)
        return tuple(self._grids.get(code, ()))

    def holds(self, code: str, grid: str) -> bool:
        """True when a grid lies in an area; the top holds also what is not on the map."""
        if code in (self.top.code, grid):
            return True
        return code in self._lines.get(self._home.get(grid, ""), ())

    def at(self, level: AreaLevel, grid: str) -> str:
        """The code of the area of a level that a grid lies in; empty where there is none."""
        if level is self.top.level:
            return self.top.code
        return self._at.get(self._home.get(grid, ""), {}).get(level, "")

    def homes(self, level: AreaLevel) -> Iterator[tuple[str, str]]:
        """Every grid with the area of a level that it lies in, where there is one."""
        for grid in self._home:
            if code := self.at(level, grid):
                yield grid, code

    def knows(self, code: str) -> bool:
        """True for the code of an area, and for that of a grid in one."""
        return code in self._areas or code in self._home

    def below(self, code: str) -> AreaLevel | None:
        """The level that an area is parted into; None where only grids are below it."""
        levels = (area.level for area in self._children.get(code, ()))
        return min(levels, key=lambda level: level.depth, default=None)

    def part_of(self, grid: str) -> str:
        """Which part of the whole a grid lies in: of a street's communities, a district's streets.

        Empty where it is in none.
        """
        level = self.below(self.top.code)
        return NOT_ON_MAP if level is None else self.at(level, grid)

    def under(self, code: str) -> "AreaTree":
        """The tree of one area alone; what lies outside is unknown to it.

        Raises KeyError for an unknown area.
        """
        top = self._areas[code]
        mine = [area for area in self._areas.values() if code in self._lines[area.code]]
        home = {grid: parent for grid, parent in self._home.items() if self.holds(code, grid)}
        return AreaTree(top, [area for area in mine if area is not top], home)

    def around(self, grid: str, names: Mapping[str, str]) -> "AreaTree":
        """The tree of one grid alone: the area it lies in, called by both names, and nothing else.

        Raises KeyError for an unknown grid.
        """
        home = self._areas[self._home[grid]]
        both = {
            language: f"{home.names.get(language, home.code)} · {name}"
            for language, name in names.items()
        }
        return AreaTree(replace(home, names=both, parent=""), (), {grid: home.code})
