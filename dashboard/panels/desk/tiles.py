"""The figures of the board's window; every number of them opens into its rows."""

from collections.abc import Mapping

from dashboard.elements import html
from dashboard.panels.desk.links import board_link
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.rate import RateText, rate_text, small_percent
from pipelines.desk.board import Board, BoardTile
from pipelines.kpis import Value
from pipelines.model.clock import Verdict

_SHOWN = (
    Verdict.HIT,
    Verdict.MISS,
    Verdict.UNKNOWN,
    Verdict.QUARANTINED,
    Verdict.PENDING,
    Verdict.EXCLUDED,
)


_VALVES = ("cancelled", "downgraded", "returned", "backfilled", "very_short")


def draw(board: Board, say: Say) -> Leaves:
    """One tile a target."""
    return {"tiles-row": {"children": [_tile(board, tile, say) for tile in board.tiles]}}


def compared(board: Board, figures: Mapping[str, Value] | None, say: Say) -> str:
    """The figures of the span that is compared with, always with their n."""
    if figures is None:
        return ""
    rate = rate_text(figures, None)
    share = "" if rate.percent is None else f" {rate.percent}%"
    return say("desk.compared", versus=say(f"desk.as_{board.versus}"), figure=rate.fraction + share)


def _tile(board: Board, tile: BoardTile, say: Say) -> html.Section:
    rate = rate_text(tile.figures, None)
    chosen = " is-chosen" if tile.milestone is board.milestone else ""
    doubt = " is-insufficient" if rate.insufficient else ""
    miss = " has-miss" if _count(tile, Verdict.MISS) else ""
    return html.Section(
        [
            html.H2(
                html.A(
                    [_name(tile, say), html.Em(say(f"tile.{board.reading}"))],
                    href=board_link(board, say, milestone=str(tile.milestone), verdict=None),
                )
            ),
            html.P([html.Strong(rate.fraction), *_percent(rate)], className="desk-tile__figure"),
            html.Div(_bar(tile), className="bar"),
            html.P(_scope(rate, say), className="desk-tile__scope"),
            html.P(_counts(board, tile, say), className="desk-tile__counts"),
            html.P(compared(board, tile.before, say), className="desk-tile__before"),
            html.P(
                _valves(tile, say), className="desk-tile__valves", title=say("desk.valves_hint")
            ),
        ],
        className=f"desk-tile box{chosen}{doubt}{miss}",
    )


def _name(tile: BoardTile, say: Say) -> str:
    if tile.target_s % 60:
        return say(f"tile.seconds_{tile.milestone}", seconds=tile.target_s)
    return say(f"tile.{tile.milestone}", minutes=tile.target_s // 60)


def _percent(rate: RateText) -> list[html.Span]:
    if rate.percent is None:
        return []
    return [html.Span(f"{rate.percent}%", className="is-greyed" if rate.greyed else None)]


def _bar(tile: BoardTile) -> list[html.I]:
    """The interval on a line from 0 to 100 %, and the rate as a tick on it, as on the wall."""
    bounds, known = tile.figures["wilson"], tile.figures["known"]
    if not isinstance(bounds, list | tuple) or not isinstance(known, int | float):
        return []
    low, high = bounds
    return [
        html.I(
            className="bar__range",
            style={"left": f"{low * 100:.2f}%", "width": f"{(high - low) * 100:.2f}%"},
        ),
        html.I(className="bar__rate", style={"left": f"{known * 100:.2f}%"}),
    ]


def _scope(rate: RateText, say: Say) -> str:
    parts = []
    if rate.interval is not None:
        parts.append(say("tile.interval", low=rate.interval[0], high=rate.interval[1]))
    if rate.coverage is not None:
        parts.append(say("tile.coverage", share=rate.coverage))
    if rate.insufficient:
        parts.append(say("tile.insufficient"))
    return " · ".join(parts) or say("tile.nothing")


def _counts(board: Board, tile: BoardTile, say: Say) -> list[html.A]:
    """Each count leads to the very incidents it counts."""
    counts = {verdict: _count(tile, verdict) for verdict in _SHOWN}
    return [
        html.A(
            [say(f"verdict.{verdict}"), html.B(str(n))],
            href=board_link(board, say, milestone=str(tile.milestone), verdict=str(verdict)),
            className=f"count count--{verdict if n else 'none'}",
        )
        for verdict, n in counts.items()
    ]


def _count(tile: BoardTile, verdict: Verdict) -> int:
    value = tile.figures.get(str(verdict))
    # the ledger counts the excluded by reason
    if isinstance(value, Mapping):
        return sum(value.values())
    return value if isinstance(value, int) else 0


def _valves(tile: BoardTile, say: Say) -> list[html.Span]:
    """What else the rate could owe its height to (KPI contract, section 4)."""
    shares = [(name, tile.figures.get(name)) for name in _VALVES]
    return [
        html.Span(say(f"desk.valve_{name}", share=small_percent(share)))
        for name, share in shares
        if isinstance(share, int | float)
    ]


TILES = Panel(id="tiles", leaves=("tiles-row",), draw=draw)
