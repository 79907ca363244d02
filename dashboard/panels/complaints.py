"""诉求时限: the open complaints by their working-time targets, and what came and went today."""

from collections.abc import Mapping

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.open_list import row, step_labels
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from pipelines.snapshot import ComplaintBoard, Due, Snapshot

_MOST_ROWS = 20
_MANY = 1000
_SHAPES = {
    Due.OVERDUE: "triangle",
    Due.SOON: "diamond",
    Due.IN_TIME: "circle",
    Due.NO_TARGET: "square",
}


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """A bar of the states, the complaints that are due first, and a bar a community."""
    board = snapshot.complaints
    if board is None:
        return {
            "complaints-heading": {"children": [say("complaints.title")]},
            "complaints-bar": {"children": [html.P(say("complaints.no_kinds"), className="empty")]},
            "complaints-rows": {"children": []},
            "complaints-more": {"children": []},
            "complaints-places": {"children": []},
        }
    return {
        "complaints-heading": {"children": _heading(board, say)},
        "complaints-bar": {"children": _bar(board, say)},
        "complaints-rows": {"children": _rows(board, snapshot, say)},
        "complaints-more": {"children": [_more(board)]},
        "complaints-places": {"children": _places(board, snapshot, say)},
    }


def _heading(board: ComplaintBoard, say: Say) -> list[object]:
    flow = say("complaints.flow", came=board.came_today, closed=board.closed_today)
    return [
        say("complaints.title"),
        html.Em(flow),
        html.Span(say("complaints.open", n=board.open), className="open__total"),
    ]


def _bar(board: ComplaintBoard, say: Say) -> list[Component]:
    if not board.open:
        return [html.P(say("complaints.none"), className="empty")]
    if not board.has_targets:
        return [html.P(say("complaints.no_targets"), className="empty")]
    keys = [_key(due, board.by_due.get(due, 0), say) for due in Due if _is_shown(due, board)]
    long = " stack__keys--long" if board.open >= _MANY else ""
    return [_stack(board.by_due), html.Div(keys, className=f"stack__keys{long}")]


def _is_shown(due: Due, board: ComplaintBoard) -> bool:
    return due is not Due.NO_TARGET or bool(board.by_due.get(due))


def _key(due: Due, n: int, say: Say) -> html.Div:
    none = "" if n else " due--zero"
    return html.Div(
        [
            html.I(className=f"shape shape--{_SHAPES[due]}"),
            html.Strong(str(n)),
            html.Span(say(f"complaints.{due}")),
        ],
        className=f"due due--{due}{none}",
    )


def _stack(by_due: Mapping[Due, int]) -> html.Div:
    """One bar, its parts as wide as their share."""
    parts = [
        html.I(className=f"due--{due}", style={"flexGrow": n})
        for due in Due
        if (n := by_due.get(due))
    ]
    return html.Div(parts, className="stack")


def _rows(board: ComplaintBoard, snapshot: Snapshot, say: Say) -> list[html.Li]:
    steps = step_labels(snapshot)
    return [row(incident, steps, say) for incident in board.rows[:_MOST_ROWS]]


def _more(board: ComplaintBoard) -> html.P:
    """Filled by the page, which alone knows how many rows fit."""
    return html.P(className="open__more", **data(total=board.open))


def _places(board: ComplaintBoard, snapshot: Snapshot, say: Say) -> list[html.Li]:
    """A bar a community, all to one scale: how many, and how they stand."""
    if snapshot.communities is None or not board.open:
        return []
    sums = {code: sum(by_due.values()) for code, by_due in board.by_community.items()}
    most = max(sums.values(), default=0)
    return [
        html.Li(
            [
                html.Span(say.name(place.names), className="place__name may-clip"),
                html.Div(
                    _stack(board.by_community[place.code]),
                    className="place__bar",
                    style={"width": f"{sums[place.code] / most * 100:.1f}%"},
                )
                if sums.get(place.code)
                else html.Div(className="place__bar"),
                html.Strong(str(sums.get(place.code, 0))),
            ],
            className="place",
        )
        for place in snapshot.communities.communities
    ]


COMPLAINTS = Panel(
    id="complaints",
    leaves=(
        "complaints-heading",
        "complaints-bar",
        "complaints-rows",
        "complaints-more",
        "complaints-places",
    ),
    draw=draw,
)
