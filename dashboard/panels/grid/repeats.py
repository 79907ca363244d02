"""Places with three or more incidents in ninety days: the same device, address or spot."""

from dashboard.elements import html
from dashboard.panels.grid.links import number
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import since
from pipelines.gridfile.file import DAYS, GridFile, Repeat


def draw(file: GridFile, say: Say) -> Leaves:
    """A row a place, the most frequent first."""
    grid = file.grid
    repeats = () if grid is None else grid.repeats
    total = 0 if grid is None else grid.repeats_total
    scope = say("grid.repeats_scope", n=total, days=say("tile.days", n=DAYS))
    rows = [_row(repeat, file, say) for repeat in repeats]
    return {
        "gridrepeats-heading": {"children": [say("grid.repeats"), html.Em(scope)]},
        "gridrepeats-rows": {
            "children": rows or [html.Li(say("grid.no_repeats"), className="empty")]
        },
    }


def _row(repeat: Repeat, file: GridFile, say: Say) -> html.Li:
    last = say("grid.last", time=since(repeat.last, file.now, file.time_zone))
    return html.Li(
        [
            html.Strong(number(file, repeat.n, repeat.pick, say)),
            html.Span(say.name(repeat.names), className="may-clip"),
            html.Em(f"{say(f'grid.by_{repeat.kind}')} · {last}"),
        ],
        className="repeat",
    )


REPEATS = Panel(id="gridrepeats", leaves=("gridrepeats-heading", "gridrepeats-rows"), draw=draw)
