"""Two shares of a grid: found by its patrols, and resolved without anybody else."""

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.grid.links import number
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.rate import FULL_FROM, PERCENT_FROM, percent, whole_percent
from pipelines.gridfile.file import DAYS, GridFile, GridSheet


def draw(file: GridFile, say: Say) -> Leaves:
    """k/n first, then the share where n allows, its interval, and its coverage."""
    grid = file.grid
    if grid is None:
        return {"gridhandling-heading": {"children": []}, "gridhandling-rows": {"children": []}}
    n = grid.handling
    window = html.Em(say("tile.days", n=DAYS))
    found = (n.found, n.found + n.reported)
    return {
        "gridhandling-heading": {"children": [say("grid.handling"), window]},
        "gridhandling-rows": {
            "children": [
                _row(
                    "discovery",
                    found,
                    (("found", n.found), ("reported", n.reported), ("untold", n.untold)),
                    grid,
                    file,
                    say,
                ),
                _row(
                    "self_resolution",
                    (n.alone, n.resolved),
                    (("alone", n.alone), ("resolved", n.resolved), ("unsaid", n.unsaid)),
                    grid,
                    file,
                    say,
                ),
            ]
        },
    }


def _row(
    figure: str,
    rate: tuple[int, int],
    counts: tuple[tuple[str, int], ...],
    grid: GridSheet,
    file: GridFile,
    say: Say,
) -> html.Li:
    k, n = rate
    parts: list[Component] = [html.Strong(f"{k}/{n}" if n else "—")]
    bounds = grid.handling_figures[f"{figure}_wilson"]
    if n >= PERCENT_FROM and isinstance(bounds, tuple):
        low, high = (f"{100 * bound:.0f}" for bound in bounds)
        look = "is-greyed" if n < FULL_FROM else None
        parts.append(html.Span(f"{percent(k, n)}% [{low}–{high}]", className=look))
    coverage = grid.handling_figures[f"{figure}_coverage"]
    share = "—" if not isinstance(coverage, float) else whole_percent(coverage)
    parts.append(html.Em(say("tile.coverage", share=share)))
    ways = [
        html.Span(
            [say(f"grid.{name}"), html.B(number(file, count, f"handling.{name}", say))],
            className="count",
        )
        for name, count in counts
    ]
    return html.Li(
        [
            html.P(say(f"grid.{figure}"), className="handling__what"),
            html.P(parts, className="handling__figure"),
            html.P(ways, className="desk-tile__counts"),
            html.P(say(f"grid.{figure}_means"), className="handling__means"),
        ],
        className="handling",
    )


HANDLING = Panel(id="gridhandling", leaves=("gridhandling-heading", "gridhandling-rows"), draw=draw)
