"""The parts beside each other, fairly: counts, days since the last miss, a funnel, no ranking."""

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import DASH, minute_of_day
from dashboard.text.rate import whole_percent
from pipelines.snapshot import (
    CommunityBoard,
    CommunityState,
    FunnelLimit,
    Snapshot,
    Standing,
)

_FLOOR_STEP = 0.1
_NAMED = (Standing.BELOW, Standing.FAR_BELOW, Standing.ABOVE)


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """A cell a part in the order of their codes, and the funnel around the whole's rate."""
    board = snapshot.communities
    if board is None or not board.communities:
        return {
            "communities-heading": {"children": [say("areas.community")]},
            "communities-cells": {
                "children": [html.Li(say("communities.none"), className="empty")]
            },
            "communities-funnel": {"children": []},
        }
    return {
        "communities-heading": {"children": _heading(board, snapshot, say)},
        "communities-cells": {"children": [_cell(c, board, say) for c in board.communities]},
        "communities-funnel": {"children": _funnel(board, say)},
    }


def _heading(board: CommunityBoard, snapshot: Snapshot, say: Say) -> list[object]:
    time = minute_of_day(board.as_of, snapshot.time_zone)
    return [
        say(f"areas.{board.level}"),
        html.Em(say("communities.scope", n=board.days)),
        html.Span(say("communities.as_of", time=time), className="communities__as-of"),
    ]


def _cell(state: CommunityState, board: CommunityBoard, say: Say) -> html.Li:
    return html.Li(
        [
            html.Span(say.name(state.names), className="community__name may-clip"),
            html.Span(_quiet(state, board, say), className="community__quiet"),
            html.Span(say("communities.open", n=state.open), className="community__open"),
            html.Span(_fraction(state), className="community__known"),
        ],
        className=f"community community--{state.standing} {_busy(state)}",
        title=say(f"communities.{state.standing}", whole=say(f"area.{board.whole}")),
    )


def _busy(state: CommunityState) -> str:
    return "community--busy" if state.open else "community--calm"


def _fraction(state: CommunityState) -> str:
    return f"{state.hit}/{state.known}" if state.known else DASH


def _quiet(state: CommunityState, board: CommunityBoard, say: Say) -> list[Component]:
    """Days since the last miss: what does not swing with one case more or less."""
    mark = html.I(className="community__mark")
    if not state.known:
        return [mark, html.Strong(DASH), html.Small(say("communities.no_case"))]
    if state.quiet_days is None:
        return [
            mark,
            html.Strong(f"{board.known_days}+"),
            html.Small(say("communities.days", n=board.known_days)),
        ]
    if state.quiet_days == 0:
        return [mark, html.Strong("0"), html.Small(say("communities.days", n=0))]
    n = state.quiet_days
    return [mark, html.Strong(str(n)), html.Small(say("communities.days", n=n))]


def _funnel(board: CommunityBoard, say: Say) -> list[object]:
    """Dots within two bands: the larger the number of cases, the narrower what chance allows."""
    if board.rate is None or len(board.limits) < 2:
        return [html.P(say("communities.no_funnel"), className="empty")]
    most = board.limits[-1].known
    floor = _floor(board)
    dots = [_dot(c, most, floor, say) for c in board.communities if c.known]
    rate = whole_percent(board.rate)
    return [
        html.Div(
            [
                html.I(
                    className="funnel__band funnel__band--far", style=_band(board.limits, floor, 2)
                ),
                html.I(className="funnel__band", style=_band(board.limits, floor, 1)),
                html.I(className="funnel__rate", style={"bottom": _up(board.rate, floor)}),
                *dots,
            ],
            className="funnel__plot",
        ),
        html.Div(
            [
                html.Span(whole_percent(share), style={"bottom": _up(share, floor)})
                for share in _ticks(floor)
            ],
            className="funnel__scale",
        ),
        html.Div(
            [
                html.Span(say("communities.cases", n=most), className="funnel__most"),
                html.Span(say("communities.rate", share=rate, whole=say(f"area.{board.whole}"))),
                html.Span([html.I(className="funnel__key"), say("communities.chance")]),
            ],
            className="funnel__foot",
        ),
    ]


def _floor(board: CommunityBoard) -> float:
    """Where the axis begins: below every community and below the inner limit of a few cases."""
    rates = [c.hit / c.known for c in board.communities if c.known]
    rates.extend(limit.low for limit in board.limits[1:])
    return max(0.0, (min(rates) // _FLOOR_STEP) * _FLOOR_STEP)


def _ticks(floor: float) -> tuple[float, ...]:
    return (floor, (1 + floor) / 2, 1.0)


def _up(share: float, floor: float) -> str:
    return f"{max(0.0, (share - floor) / (1 - floor)) * 100:.2f}%"


def _band(limits: tuple[FunnelLimit, ...], floor: float, which: int) -> dict[str, str]:
    """A polygon over the plot: along the upper limits, and back along the lower ones."""
    most = limits[-1].known

    def point(known: int, share: float) -> str:
        down = (1 - max(0.0, (share - floor) / (1 - floor))) * 100
        return f"{known / most * 100:.1f}% {down:.1f}%"

    upper = [point(x.known, x.high if which == 1 else x.far_high) for x in limits]
    lower = [point(x.known, x.low if which == 1 else x.far_low) for x in reversed(limits)]
    return {"clipPath": f"polygon({', '.join([*upper, *lower])})"}


def _dot(state: CommunityState, most: int, floor: float, say: Say) -> html.Span:
    name = say.name(state.names)
    style = {
        "left": f"{state.known / most * 100:.2f}%",
        "bottom": _up(state.hit / state.known, floor),
    }
    text = [html.B(name)] if state.standing in _NAMED else []
    return html.Span(
        [html.I(), *text],
        className=f"funnel__dot funnel__dot--{state.standing}",
        style=style,
        title=say("communities.dot", name=name, k=state.hit, n=state.known),
    )


COMMUNITIES = Panel(
    id="communities",
    leaves=("communities-heading", "communities-cells", "communities-funnel"),
    draw=draw,
)
