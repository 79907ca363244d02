"""What is there for whoever has a scope: one area of the installation, as if it were the whole.

Everything that answers questions takes an :class:`~pipelines.installation.Installation`; whoever
has a scope is answered by a confined one. So nothing has to remember to ask.
"""

from dataclasses import replace

from pipelines.geo.charts import make_chart
from pipelines.installation import Installation
from pipelines.model.area import Area, AreaLevel, AreaTree


def confined(installation: Installation, scope: str) -> Installation:
    """The same installation, for which nothing is there outside an area.

    Of an area that is no longer there nothing is there at all.
    """
    desk, settings = installation.desk, installation.settings
    areas = _tree(desk.areas, scope)
    within = frozenset(areas.grids(scope))
    charts = tuple(
        make_chart(version.grids.only(within), areas, settings.backdrop, settings.path)
        for version in installation.grids.versions
    )
    return replace(installation, desk=replace(desk, areas=areas, within=within), charts=charts)


def _tree(areas: AreaTree, scope: str) -> AreaTree:
    if areas.get(scope) is not None:
        return areas.under(scope)
    gone = Area(code=scope, level=AreaLevel.COMMUNITY, names={"zh": scope, "en": scope})
    return AreaTree(gone, (), {})
