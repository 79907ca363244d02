"""What the map colours: the grids of a street, or the parts of a wider whole, and what is around.

A chart (图幅) is all that the map draws as long as one version of the boundaries is valid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import shapely

from pipelines.geo.backdrop import Backdrop, BackdropSettings
from pipelines.geo.grids import Grid, Grids
from pipelines.geo.layers import load_backdrop
from pipelines.model.area import AreaLevel, AreaTree

_QUIET_SHARE = 20
"""A part of so many grids reaches the next step of the ramp with one more open incident."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """One version of the boundaries, drawn.

    ``cells`` are what the map colours, each a grid or a part of the whole, with the codes of its
    grids in ``members``. ``level`` is what the cells are, None for grids. ``step`` is how many open
    incidents more make a cell darker.
    """

    grids: Grids
    cells: Grids
    members: dict[str, tuple[str, ...]]
    level: AreaLevel | None
    step: int
    backdrop: Backdrop


def make_chart(
    grids: Grids, areas: AreaTree, settings: BackdropSettings, path: Callable[[str], Path]
) -> Chart:
    """The chart of some boundaries: a street's grids, a wider whole's next level down."""
    level = areas.below(areas.top.code)
    cells = grids
    members: dict[str, tuple[str, ...]] = {grid.code: (grid.code,) for grid in grids}
    if level is None or areas.top.level.depth >= AreaLevel.STREET.depth:
        level = None
    else:
        cells, members = _parts(grids, areas)
    sizes = [len(codes) for codes in members.values()]
    step = 1 if level is None or not sizes else max(1, sum(sizes) // len(sizes) // _QUIET_SHARE)
    return Chart(
        grids=grids,
        cells=cells,
        members=members,
        level=level,
        step=step,
        backdrop=load_backdrop(settings, path, cells),
    )


def _parts(grids: Grids, areas: AreaTree) -> tuple[Grids, dict[str, tuple[str, ...]]]:
    """The parts of the whole as polygons, each the sum of its grids; the rest as they are."""
    shapes = {grid.code: shape for grid, shape in grids.shapes()}
    members: dict[str, list[str]] = {}
    for grid in grids:
        members.setdefault(areas.part_of(grid.code) or grid.code, []).append(grid.code)
    cells, outlines = [], []
    for code, codes in sorted(members.items()):
        area = areas.get(code)
        names = area.names if area is not None else grids.get(code).names
        cells.append(Grid(code=code, name=names["zh"], name_en=names["en"], parent=""))
        outlines.append(shapely.union_all([shapes[one] for one in codes]))
    return Grids(cells, outlines, ()), {code: tuple(codes) for code, codes in members.items()}
