"""What is there for whoever has a scope: one area or grid of the whole, as if it were the whole.

Everything that answers questions takes an :class:`~pipelines.installation.Installation`; whoever
has a scope is answered by a confined one. So nothing has to remember to ask.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipelines.geo.charts import make_chart
from pipelines.geo.grids import Grid
from pipelines.installation import Installation
from pipelines.model.area import Area, AreaLevel, AreaTree
from pipelines.snapshot import Names


def confined(installation: Installation, scope: str) -> Installation:
    """The same installation, for which nothing is there outside an area or a grid.

    Of one that is no longer there nothing is there at all.
    """
    desk, settings = installation.desk, installation.settings
    areas = _tree(installation, scope)
    within = frozenset(areas.grids(scope))
    charts = tuple(
        make_chart(version.grids.only(within), areas, settings.backdrop, settings.path)
        for version in installation.grids.versions
    )
    return replace(installation, desk=replace(desk, areas=areas, within=within), charts=charts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """An area or a grid that somebody can be confined to.

    ``path`` are the codes from the whole down to it; ``level`` is None for a grid.
    """

    code: str
    names: Names
    level: AreaLevel | None
    path: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it is all there is."""
        return len(self.path) == 1


def scopes(areas: AreaTree, grids: Iterable[Grid]) -> tuple[Scope, ...]:
    """All that somebody can be confined to, each area before what lies in it."""
    found = []
    for area in areas:
        path = tuple(one.code for one in areas.path(area.code))
        found.append(Scope(code=area.code, names=area.names, level=area.level, path=path))
    for grid in grids:
        if line := tuple(one.code for one in areas.path(grid.code)):
            path = (*line, grid.code)
            found.append(Scope(code=grid.code, names=grid.names, level=None, path=path))
    return tuple(sorted(found, key=lambda scope: scope.path))


def scope_of(said: str, known: Iterable[Scope]) -> str | None:
    """The code of the scope that a code or a name means; empty for the whole, None for no scope.

    A name must be that of one alone.
    """
    wanted = said.strip()
    if not wanted:
        return ""
    by_code = {scope.code: scope for scope in known}
    named = [scope for scope in by_code.values() if wanted in scope.names.values()]
    found = by_code.get(wanted) or (named[0] if len(named) == 1 else None)
    return None if found is None else "" if found.is_whole else found.code


def _tree(installation: Installation, scope: str) -> AreaTree:
    areas = installation.desk.areas
    if areas.get(scope) is not None:
        return areas.under(scope)
    if areas.knows(scope):
        return areas.around(scope, installation.grids.get(scope).names)
    gone = Area(code=scope, level=AreaLevel.COMMUNITY, names={"zh": scope, "en": scope})
    return AreaTree(gone, (), {})
