"""The top of the page of a grid: where one is, who looks after it, and how it stands now."""

from dashboard.addresses import address
from dashboard.elements import html
from dashboard.panels.grid.links import number
from dashboard.panels.labels import honest_labels
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from pipelines.gridfile.file import GridFile, GridSheet
from pipelines.gridfile.register import Item
from pipelines.privacy.masking import masked


def draw(file: GridFile, say: Say) -> Leaves:
    """Breadcrumb, name, people, what is open, and days since the last miss."""
    grid = file.grid
    return {
        "grid-crumbs": {"children": _crumbs(file, say)},
        "grid-title": {"children": _missing(say) if grid is None else say.name(grid.names)},
        "grid-people": {"children": say("grid.none_hint") if grid is None else _people(grid, say)},
        "grid-now": {"children": _way_back(say) if grid is None else _now(file, grid, say)},
    }


def _crumbs(file: GridFile, say: Say) -> list[object]:
    crumbs: list[object] = [_way(say.name(file.area_names), say)]
    grid = file.grid
    if grid is not None:
        if grid.community:
            name = say.name(grid.community_names)
            crumbs += [_between(), _way(name, say, community=grid.community)]
        crumbs += [_between(), _way(say("grid.board"), say, grid=grid.code)]
    return [*crumbs, *honest_labels(file.labels, say)]


def _way(text: str, say: Say, **filters: str) -> html.A:
    return html.A(text, href=address("desk", filters, say.language))


def _between() -> html.Span:
    return html.Span("›", className="crumb__between")


def _missing(say: Say) -> html.Span:
    return html.Span(say("grid.none"), className="case__missing grid__missing")


def _way_back(say: Say) -> list[object]:
    return [html.A(say("case.way_back"), href=address("desk", {}, say.language))]


def _people(grid: GridSheet, say: Say) -> list[object]:
    if not grid.facts:
        return [html.Span(say("grid.nobody" if grid.has_register else "grid.no_register"))]
    parts: list[object] = []
    for item in (Item.LEADER, Item.MEMBER):
        names = [masked(say.name(fact.names)) for fact in grid.facts if fact.item is item]
        if names:
            text = say("case.and").join(names)
            parts.append(html.Span([html.Em(say(f"grid.{item}")), text]))
    return parts


def _now(file: GridFile, grid: GridSheet, say: Say) -> list[object]:
    quiet = f"{grid.known_days}+" if grid.quiet_days is None else str(grid.quiet_days)
    return [
        html.P([html.Strong(number(file, grid.open_total, "open", say)), say("grid.open")]),
        html.P(
            [
                html.Strong(number(file, 1, "missed", say, quiet) if grid.emergencies else "—"),
                say("grid.quiet") if grid.emergencies else say("grid.no_emergency"),
            ]
        ),
    ]


HEADING = Panel(
    id="grid", leaves=("grid-crumbs", "grid-title", "grid-people", "grid-now"), draw=draw
)
"""The name and the state of the grid."""
