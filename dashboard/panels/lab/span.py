"""How far the rules lie apart: one line with every defensible rate on it, and what it means."""

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.lab.words import points, rule_name
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import minute_of_day
from dashboard.text.rate import ENOUGH_COVERAGE, PERCENT_FROM, percent, whole_percent
from pipelines.desk.lab_board import LabBoard
from pipelines.figures.lab import Lab, Line, Missing, Status

_FLOORS = (0.8, 0.6, 0.2, 0.0)
"""Where the axis can begin, so that its quarters are round."""


def draw(board: LabBoard, say: Say) -> Leaves:
    """The published figure, the range, the axis with every rule, and what moves it."""
    found = board.lab
    if found is None or found.low is None or found.high is None:
        problem = board.problem or say("lab.nothing")
        blank: Leaves = {leaf: {"children": []} for leaf in SPAN.leaves}
        return {**blank, "span-finding": {"children": html.P(problem, className="span__word")}}
    return {
        "span-figure": {"children": _figure(board, found, say)},
        "span-axis": {"children": _axis(found, say)},
        "span-finding": {"children": _finding(board, found, say)},
        "span-moved": {"children": _moved(found, say)},
    }


def _figure(board: LabBoard, found: Lab, say: Say) -> list[Component]:
    line = found.published
    shown = "—" if not line.known else f"{line.hit}/{line.known}"
    share = f"{percent(line.hit, line.known)}%" if line.known >= PERCENT_FROM else ""
    target = "" if board.target_s is None else say("lab.target", seconds=board.target_s)
    return [
        html.H2([say("lab.ours"), html.Em(rule_name(line.rule, say))]),
        html.P([html.Strong(shown), html.Span(share)], className="desk-tile__figure"),
        html.P(_doubt(found, say), className="desk-tile__scope"),
        html.P(
            say(
                "lab.scope",
                n=found.incidents,
                milestone=say(f"milestone.{board.milestone}"),
                target=target,
                at=minute_of_day(board.as_of, board.time_zone),
            ),
            className="desk-tile__scope",
        ),
    ]


def _doubt(found: Lab, say: Say) -> str:
    """The interval, and how many of those decided have a usable stamp."""
    line = found.published
    decided = next(
        other.known
        for other in found.lines
        if other.rule == line.rule._replace(missing=Missing.MISSED)
    )
    parts = []
    if line.interval is not None and line.known >= PERCENT_FROM:
        low, high = (f"{100 * bound:.1f}" for bound in line.interval)
        parts.append(say("tile.interval", low=low, high=high))
    if decided:
        parts.append(say("tile.coverage", share=whole_percent(line.known / decided)))
        if line.known < ENOUGH_COVERAGE * decided:
            parts.append(say("tile.insufficient"))
    return " · ".join(parts)


def _axis(found: Lab, say: Say) -> list[Component]:
    assert found.low is not None
    assert found.high is not None
    low, high = found.low.rate or 0.0, found.high.rate or 0.0
    floor = next(f for f in _FLOORS if low > f + 0.01 or f == 0)
    scale = 1 - floor

    def at(rate: float) -> str:
        return f"{100 * (rate - floor) / scale:.2f}%"

    parts: list[Component] = [
        html.Div(
            className="axis__range", style={"left": at(low), "width": _width(low, high, scale)}
        )
    ]
    dots = [x for x in found.lines if x.status is Status.DEFENSIBLE and x.rate is not None]
    parts += [_dot(line, at(line.rate or 0.0), "", say) for line in dots]
    published = found.published
    if published.rate is not None and published.interval is not None:
        near, far = max(published.interval[0], floor), published.interval[1]
        style = {"left": at(near), "width": _width(near, far, scale)}
        parts.append(html.Div(className="axis__interval", style=style))
        parts.append(_dot(published, at(published.rate), " is-published", say))
    parts += _ends(found.low, found.high, at)
    ticks = [html.Span(f"{100 * (floor + scale * i / 4):.0f}%") for i in range(5)]
    return [html.Div(parts, className="axis"), html.Div(ticks, className="axis__ticks")]


def _ends(low: Line, high: Line, at: object) -> list[Component]:
    assert callable(at)
    return [
        html.Span(
            f"{percent(line.hit, line.known)}%",
            className=f"axis__end axis__end--{side}",
            style={"left": at(line.rate or 0.0)},
        )
        for side, line in (("low", low), ("high", high))
    ]


def _width(low: float, high: float, scale: float) -> str:
    return f"{100 * (high - low) / scale:.2f}%"


def _dot(line: Line, left: str, more: str, say: Say) -> html.I:
    title = f"{rule_name(line.rule, say)}: {line.hit}/{line.known}"
    return html.I(className=f"axis__dot{more}", style={"left": left}, title=title)


def _finding(board: LabBoard, found: Lab, say: Say) -> list[Component]:
    assert found.spread is not None
    return [
        html.P(
            [
                html.I(className=f"span__mark span__mark--{found.finding}"),
                say(f"lab.word_{found.finding}", points=points(found.spread)),
            ],
            className="span__word",
        ),
        html.P(say(f"lab.means_{found.finding}"), className="span__means"),
    ]


def _moved(found: Lab, say: Say) -> list[Component]:
    order = sorted(found.moved.items(), key=lambda item: -item[1])
    return [
        html.Span(say("lab.moved"), className="span__moved"),
        *(
            html.Span(
                [say(f"lab.choice_{name}"), html.B(f"±{points(far)}")],
                className="chip" + ("" if far >= 0.0005 else " is-none"),
            )
            for name, far in order
        ),
    ]


SPAN = Panel(
    id="span", leaves=("span-figure", "span-axis", "span-finding", "span-moved"), draw=draw
)
