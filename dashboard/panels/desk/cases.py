"""The incidents behind the figures, newest first; each leads to its own page."""

from dash import html

from dashboard.panels.desk.links import incident_link
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import since
from pipelines.board import Board, BoardRow


def draw(board: Board, say: Say) -> Leaves:
    """A row an incident, with its verdict on the chosen target."""
    shown = len(board.rows)
    key = "desk.newest" if board.more_rows else "desk.all_rows"
    rows: list[object] = [_row(row, board, say) for row in board.rows]
    return {
        "cases-heading": {"children": [say("desk.incidents"), html.Em(say(key, n=shown))]},
        "cases-rows": {"children": rows or [html.Li(say("desk.no_rows"), className="cases__none")]},
    }


def _row(row: BoardRow, board: Board, say: Say) -> html.Li:
    took = say("case.took", seconds=row.seconds) if row.seconds is not None else ""
    grid = say.name(row.grid_names) if row.grid_names else say("desk.not_on_map")
    return html.Li(
        html.A(
            [
                html.Span(since(row.t0, board.now, board.time_zone), className="case-row__time"),
                html.I(className=f"shape shape--{row.shape}"),
                html.Span(say.name(row.kind_names), className="case-row__kind may-clip"),
                html.Span(grid, className="case-row__grid may-clip"),
                html.Span(row.text, className="case-row__text may-clip"),
                html.Span(took, className="case-row__took"),
                html.Span(
                    [
                        html.I(className=f"verdict__mark verdict__mark--{row.verdict}"),
                        say(f"verdict.{row.verdict}"),
                    ],
                    className=f"verdict__word verdict__word--{row.verdict}",
                ),
            ],
            href=incident_link(row.id, say),
            className="case-row",
        )
    )


CASES = Panel(id="cases", leaves=("cases-heading", "cases-rows"), draw=draw)
