"""The desk: from the street down to the incident, every number a way to its rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dash import html
from dash_ag_grid import AgGrid

from dashboard.pages.box import box
from dashboard.pages.map_box import map_box
from dashboard.pages.page import Page
from dashboard.panels.desk import cases, course, heading, parts, tiles
from dashboard.panels.desk import map as of_map
from pipelines.desk.board import FILTERS, Board, check


def layout() -> html.Div:
    """The boxes of the page. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            html.A(id="desk-skip", href="#cases-grid", className="skip"),
            _heading(),
            box("tiles", html.Div(id="tiles-row")),
            map_box(),
            box("parts", html.H2(id="parts-heading"), html.Ul(id="parts-rows"), framed=True),
            box("kinds", html.H2(id="kinds-heading"), html.Ul(id="kinds-rows"), framed=True),
            box("course", html.H2(id="course-heading"), html.Div(id="course-bars"), framed=True),
            _cases(),
        ],
        className="desk-page",
    )


def _heading() -> html.Section:
    return box(
        "desk",
        html.Div(
            [
                html.Nav(id="desk-crumbs", className="crumbs"),
                html.Div(id="desk-find"),  # filled by find.js
                html.Div(id="desk-ways"),
            ],
            className="desk__top",
        ),
        html.Div(
            [html.Div(id="desk-span"), html.Div(id="desk-filters")], className="desk__filters"
        ),
    )


def _cases() -> html.Section:
    return box(
        "cases",
        html.Div(
            [
                html.H2(id="cases-heading"),
                html.Div(id="cases-export"),  # filled by export.js
                html.Div(id="cases-columns"),
            ],
            className="cases__top",
        ),
        html.Div(id="cases-state", hidden=True),
        html.Div(
            [
                AgGrid(
                    id="cases-grid",
                    rowModelType="infinite",
                    columnDefs=[],
                    className="cases__grid",
                    style={"height": "100%"},
                    dashGridOptions=_GRID,
                ),
                html.Div(id="cases-none", className="cases__none"),
            ],
            className="cases__body",
        ),
        framed=True,
    )


_GRID = {
    "rowHeight": 32,
    "headerHeight": 34,
    "cacheBlockSize": 100,
    # the wrapper's own source of rows never answers, and must not use up the requests there may be
    "maxConcurrentDatasourceRequests": -1,
    "maxBlocksInCache": 20,
    "rowBuffer": 10,
    "suppressCellFocus": False,
    "suppressMultiSort": True,
    "animateRows": False,
    "suppressColumnMoveAnimation": True,
    "suppressDragLeaveHidesColumns": True,
    "ensureDomOrder": True,
    "enableCellTextSelection": True,
    "suppressNoRowsOverlay": True,
}


def _shown(board: Board) -> object:
    """All but the moment: of the end of the window the page says the day."""
    last = (board.end - timedelta(milliseconds=1)).astimezone(ZoneInfo(board.time_zone))
    before = None if board.before is None else (_NO_MOMENT, _NO_MOMENT)
    return last.date(), replace(board, now=_NO_MOMENT, end=_NO_MOMENT, before=before)


_NO_MOMENT = datetime.min.replace(tzinfo=UTC)


PAGE = Page(
    layout=layout,
    panels=(
        heading.HEADING,
        tiles.TILES,
        of_map.MAP,
        parts.PARTS,
        parts.KINDS,
        course.COURSE,
        cases.CASES,
    ),
    read=lambda backend, filters: backend.board(filters),
    filters=FILTERS,
    check=check,
    shown=_shown,
)
