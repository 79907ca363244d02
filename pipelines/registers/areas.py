"""Putting the tree of areas together: the top from ``[area]``, the rest from the boundary set."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from pipelines.errors import SettingsError
from pipelines.geo.grids import Grid
from pipelines.model.area import CODE_WIDTHS, Area, AreaError, AreaLevel, AreaTree
from pipelines.reading.options import Name, Options, Zone
from pipelines.reading.register import Row, read_register

COLUMNS = ("code", "level", "name")
"""The columns a list of areas must have."""
_FIELDS = (*COLUMNS, "name_en", "parent")


class AreaSettings(Options):
    """The whole that one installation is responsible for, usually a street."""

    code: str = Field(min_length=1, description="Area code; the whole's key in every figure.")
    name: Name = Field(description="Name of the command centre, as the header shows it.")
    level: AreaLevel = Field(
        default=AreaLevel.STREET,
        description="What it is: `province`, `city`, `district`, `street` or `community`.",
    )
    time_zone: Zone = Field(
        default="Asia/Shanghai", validate_default=True, description="Local days and clocks."
    )
    synthetic: bool = Field(
        default=False, description="Say on every screen that data are synthetic."
    )


def read_areas(file: Path) -> list[Area]:
    """The areas that a CSV file lists, each with what it says of itself.

    Raises SettingsError naming file, line, column, value and rule.
    """
    return read_register(file, COLUMNS, _FIELDS, _area)


def _area(row: Row, where: str) -> Area:
    if not row["code"]:
        raise SettingsError(f"{where}: column 'code', value '': every area needs a code")
    try:
        level = AreaLevel(row["level"])
    except ValueError as error:
        known = ", ".join(AreaLevel)
        raise SettingsError(
            f"{where}: column 'level', value {row['level']!r}: must be one of: {known}"
        ) from error
    name = row["name"] or row["code"]
    names = {"zh": name, "en": row["name_en"] or name}
    return Area(code=row["code"], level=level, names=names, parent=row["parent"])


def make_tree(
    settings: AreaSettings,
    listed: Iterable[Area],
    grids: Iterable[Grid],
    *,
    file: Path,
    areas_file: Path | None = None,
) -> AreaTree:
    """The tree of the whole, of ``listed`` areas, and of what the grids say they lie in.

    An area that names no parent lies in the one whose statistical code its own begins with; the
    street of a community that nobody lists is called by its code. Raises SettingsError naming the
    file, the code and the rule.
    """
    top = Area(code=settings.code, level=settings.level, names=settings.name.as_dict())
    known = _unique(listed, areas_file or file)
    known.setdefault(top.code, top)
    if known[top.code] is not top:
        raise _wrong(areas_file or file, AreaError(top.code, "is the whole; [area] says all of it"))
    home = {}
    for grid in grids:
        home[grid.code] = grid.parent or grid.street or top.code
        for area in _said(grid, top):
            _agree(known, area, file)
    for area in list(known.values()):
        _with_parents(known, area, top)
    try:
        return AreaTree(top, [area for area in known.values() if area is not top], home)
    except AreaError as error:
        raise _wrong(areas_file or file, error) from error


def _unique(listed: Iterable[Area], file: Path) -> dict[str, Area]:
    known: dict[str, Area] = {}
    for area in listed:
        if area.code in known:
            raise _wrong(file, AreaError(area.code, "occurs twice; codes must differ"))
        known[area.code] = area
    return known


def _said(grid: Grid, top: Area) -> Iterable[Area]:
    """The areas that a grid says it lies in."""
    street = grid.street if grid.street != top.code else ""
    if street:
        yield Area(code=street, level=AreaLevel.STREET, names=grid.street_names)
    if grid.parent and grid.parent != top.code:
        above = grid.street
        yield Area(
            code=grid.parent, level=AreaLevel.COMMUNITY, names=grid.parent_names, parent=above
        )


def _agree(known: dict[str, Area], area: Area, file: Path) -> None:
    """Take in what a grid says of an area; raise SettingsError where others said otherwise."""
    before = known.setdefault(area.code, area)
    if area.parent and before.parent and before.parent != area.parent:
        rule = f"lies in {before.parent!r} and in {area.parent!r}; it can lie in one alone"
        raise _wrong(file, AreaError(area.code, rule))
    if before.level is not area.level:
        rule = f"is a {before.level} and a {area.level}; it can be one alone"
        raise _wrong(file, AreaError(area.code, rule))
    if area.parent and not before.parent:
        known[area.code] = Area(
            code=area.code, level=area.level, names=before.names, parent=area.parent
        )


def _with_parents(known: dict[str, Area], area: Area, top: Area) -> None:
    """Find the parent of an area that names none, and of those above it."""
    if area is top or area.parent:
        return
    parent = _by_code(known, area, top)
    known[area.code] = Area(code=area.code, level=area.level, names=area.names, parent=parent.code)
    if parent.code not in known:
        known[parent.code] = parent
        _with_parents(known, parent, top)


def _by_code(known: dict[str, Area], area: Area, top: Area) -> Area:
    """The area whose code is the beginning of this one's; the top where none is."""
    if area.code.startswith(top.code):
        for level in sorted(AreaLevel, key=lambda level: -level.depth):
            if not top.level.depth < level.depth < area.level.depth:
                continue
            code = area.code[: CODE_WIDTHS[level]]
            if code in known:
                return known[code]
            if len(area.code) == CODE_WIDTHS[area.level] and area.code.isdigit():
                return Area(code=code, level=level, names={"zh": code, "en": code})
    return top


def _wrong(file: Path, error: AreaError) -> SettingsError:
    return SettingsError(f"{file}: the area {error.code!r} {error.rule}")
