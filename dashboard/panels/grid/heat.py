"""When it is reported: a cell an hour of the week, with its number; no data is no colour."""

from dashboard.elements import html
from dashboard.panels.grid.links import grid_link, number
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from pipelines.gridfile.file import DAYS, GridFile
from pipelines.gridfile.heat import Heat

_STEPS = 3
"""Of the ramp beyond zero."""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def draw(file: GridFile, say: Say) -> Leaves:
    """Seven rows of 24 cells, and what they add up to."""
    if file.grid is None:
        return {"gridheat-heading": {"children": []}, "gridheat-table": {"children": []}}
    heat = file.grid.heat
    total = number(file, heat.total, "heat", say, say("grid.heat_n", n=heat.total))
    scope = say("grid.heat_scope", days=say("tile.days", n=DAYS), n=heat.hours)
    return {
        "gridheat-heading": {"children": [say("grid.heat"), html.Em([total, f" · {scope}"])]},
        "gridheat-table": {"children": _table(heat, file, say)},
    }


def _table(heat: Heat, file: GridFile, say: Say) -> list[object]:
    hours = [html.Th(f"{hour:02d}" if hour % 3 == 0 else "") for hour in range(24)]
    rows = [
        html.Tr(
            [
                html.Th(say(f"grid.{_DAYS[day]}")),
                *(_cell(n, day, hour, heat, file, say) for hour, n in enumerate(cells)),
            ]
        )
        for day, cells in enumerate(heat.cells)
    ]
    return [html.Thead(html.Tr([html.Th(""), *hours])), html.Tbody(rows)]


def _cell(n: int | None, day: int, hour: int, heat: Heat, file: GridFile, say: Say) -> html.Td:
    when = say("grid.heat_cell", day=say(f"date.{_DAYS[day]}"), hour=f"{hour:02d}")
    if n is None:
        return html.Td("", className="heat heat--no-data", title=f"{when} {say('grid.no_data')}")
    step = 0 if not n else -(-_STEPS * n // heat.most)
    if not n:
        return html.Td("0", className="heat heat--0", title=f"{when} 0")
    href = grid_link(file.code, say, pick=f"heat.{day}.{hour}", theme=file.theme)
    return html.Td(html.A(str(n), href=href), className=f"heat heat--{step}", title=f"{when} {n}")


HEAT = Panel(id="gridheat", leaves=("gridheat-heading", "gridheat-table"), draw=draw)
