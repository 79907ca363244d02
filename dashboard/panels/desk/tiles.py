"""The figures of the board's window; every number of them opens into its rows."""

from collections.abc import Mapping

from dash import html

from dashboard.panels.desk.links import board_link
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.rate import RateText, rate_text, small_percent
from pipelines.board import Board, BoardTile
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


def _tile(board: Board, tile: BoardTile, say: Say) -> html.Section:
    rate = rate_text(tile.figures, None)
    chosen = " is-chosen" if tile.milestone is board.milestone else ""
    doubt = " is-insufficient" if rate.insufficient else ""
    return html.Section(
        [
            html.H2(
                html.A(
                    _name(tile, say),
                    href=board_link(board, say, milestone=str(tile.milestone), verdict=None),
                )
            ),
            html.P([html.Strong(rate.fraction), *_percent(rate)], className="desk-tile__figure"),
            html.P(_scope(rate, say), className="desk-tile__scope"),
            html.P(_counts(board, tile, say), className="desk-tile__counts"),
            html.P(_before(board, tile, say), className="desk-tile__before"),
            html.P(
                _valves(tile, say), className="desk-tile__valves", title=say("desk.valves_hint")
            ),
        ],
        className=f"desk-tile box{chosen}{doubt}",
    )


def _name(tile: BoardTile, say: Say) -> str:
    if tile.target_s % 60:
        return say(f"tile.seconds_{tile.milestone}", seconds=tile.target_s)
    return say(f"tile.{tile.milestone}", minutes=tile.target_s // 60)


def _percent(rate: RateText) -> list[html.Span]:
    if rate.percent is None:
        return []
    return [html.Span(f"{rate.percent}%", className="is-greyed" if rate.greyed else None)]


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


def _before(board: Board, tile: BoardTile, say: Say) -> str:
    rate = rate_text(tile.before, None)
    share = "" if rate.percent is None else f" · {rate.percent}%"
    return say("desk.before", figure=f"{rate.fraction}{share}")


TILES = Panel(id="tiles", leaves=("tiles-row",), draw=draw)
