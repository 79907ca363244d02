"""The list of the desk: how many incidents it has, and what its grid is to ask for."""

from dashboard.elements import html
from dashboard.panels.desk.links import board_link
from dashboard.panels.panel import Leaves, Panel, checked, data
from dashboard.text import Say
from pipelines.desk.board import Board
from pipelines.desk.board_filters import Column


def draw(board: Board, say: Say) -> Leaves:
    """The heading; the rows are asked for by the grid, as far as they are looked at."""
    return {
        "cases-heading": {"children": _heading(board, say)},
        "cases-state": data(
            token=board.rows_token,
            total=board.rows_total,
            sort=board.sort,
            columns=",".join(board.columns),
        ),
        "cases-grid": {"columnDefs": [_column(column, board, say) for column in board.columns]},
        "cases-export": {
            **data(
                label=say("export.take"),
                why=say("export.why"),
                hint=say("export.hint", n=f"{board.rows_total:,}"),
                failed=say("export.failed"),
                working=say("export.working"),
            ),
        },
        "cases-columns": {"children": _columns(board, say)},
        "cases-none": {"children": [] if board.rows_total else _none(board, say)},
    }


def _heading(board: Board, say: Say) -> list[object]:
    parts: list[object] = [
        say("desk.incidents"),
        html.Em(say("desk.all_rows", n=f"{board.rows_total:,}"), id="cases-total"),
    ]
    verdict = board.filters.get("verdict")
    if verdict:
        text = say(f"verdict.{verdict}")
        target = say(f"milestone.{board.milestone}")
        parts.append(
            html.A(
                [say("desk.only", milestone=target, verdict=text), html.I("×")],
                href=board_link(board, say, verdict=None),
                className="chip",
                **data(clear="verdict"),
            )
        )
    return parts


_WIDTHS = {
    Column.T0: 110,
    Column.KIND: 156,
    Column.SEVERITY: 84,
    Column.GRID: 100,
    Column.COMMUNITY: 116,
    Column.SECONDS: 76,
    Column.VERDICT: 124,
    Column.SOURCE: 116,
    Column.KEY: 150,
    Column.UNITS: 72,
}
"""In pixels, as wide as what stands in it usually is on a small screen; on a larger one, where the
letters are larger too, all grow alike."""
_CLIPS = {Column.ADDRESS: 150, Column.TITLE: 96}
"""What may be cut off, and so gives way first."""
_LEAST = 76
_DRAWN = {Column.KIND: "CaseKind", Column.VERDICT: "CaseVerdict", Column.T0: "CaseLink"}
"""What draws a cell that is more than its text; see case_cells.js."""


def _column(column: Column, board: Board, say: Say) -> dict[str, object]:
    """A column as the grid wants it."""
    width = _WIDTHS.get(column, 128)
    direction = "desc" if board.sort.startswith("-") else "asc"
    described: dict[str, object] = {
        "field": column.value,
        "headerName": say(f"list.{column}"),
        "minWidth": _LEAST if column in _CLIPS else width,
        "flex": _CLIPS.get(column, width),
        "sortable": True,
        "sort": direction if board.sort.removeprefix("-") == column else None,
        "sortingOrder": ["desc", "asc"],
        "comparator": None,
        "resizable": True,
        "suppressMovable": True,
        "tooltipField": column.value if column in _CLIPS else None,
        "type": "rightAligned" if column in {Column.SECONDS, Column.UNITS} else None,
    }
    if column in _DRAWN:
        described["cellRenderer"] = _DRAWN[column]
    return {name: value for name, value in described.items() if value is not None}


def _columns(board: Board, say: Say) -> html.Details:
    items = [
        html.A(
            say(f"list.{column}"),
            href=board_link(board, say, columns=_with(board, column)),
            className="pick__item" + (" is-on" if column in board.columns else ""),
            role="menuitemcheckbox",
            **checked(column in board.columns),
        )
        for column in Column
    ]
    return html.Details(
        [html.Summary(html.Span(say("desk.columns"))), html.Div(items, className="pick__menu")],
        className="pick pick--right",
        **data(pick="columns"),
    )


def _with(board: Board, column: Column) -> str | None:
    """The columns with one more or one fewer, in their own order; never none."""
    wanted = {*board.columns} ^ {column}
    return ",".join(c for c in Column if c in wanted) or None


def _none(board: Board, say: Say) -> list[object]:
    """What stands in the place of rows when there are none."""
    return [
        html.P(say("desk.no_rows")),
        html.P(say("desk.no_rows_hint")),
        html.A(say("desk.wider"), href=board_link(board, say, **_WIDER)),
    ]


_WIDER: dict[str, str | None] = {
    "window": "365d",
    "from_": None,
    "to": None,
    "verdict": None,
    "q": None,
    "state": None,
    "severity": None,
}


CASES = Panel(
    id="cases",
    leaves=(
        "cases-heading",
        "cases-state",
        "cases-grid",
        "cases-export",
        "cases-columns",
        "cases-none",
    ),
    draw=draw,
)
