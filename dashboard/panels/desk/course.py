"""The course of time: what was reported in each hour or day, and how much of it missed."""

from zoneinfo import ZoneInfo

from dash import html

from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from pipelines.board import Bar, Board


def draw(board: Board, say: Say) -> Leaves:
    """A bar an hour or day: its height how many count, its marked part how many missed."""
    most = max((_known(bar) for bar in board.bars), default=0)
    every = max(1, len(board.bars) // 8)
    bars = [_bar(bar, most, i % every == 0, board, say) for i, bar in enumerate(board.bars)]
    key = "desk.by_hour" if board.by_hour else "desk.by_day"
    return {
        "course-heading": {"children": [say(key), html.Em(say("desk.most", n=most))]},
        "course-bars": {"children": bars},
    }


def _count(bar: Bar, key: str) -> int:
    value = bar.figures.get(key)
    return int(value) if isinstance(value, int | float) else 0


def _known(bar: Bar) -> int:
    return _count(bar, "hit") + _count(bar, "miss")


def _bar(bar: Bar, most: int, is_named: bool, board: Board, say: Say) -> html.Div:
    n, missed = _known(bar), _count(bar, "miss")
    local = bar.start.astimezone(ZoneInfo(board.time_zone))
    time = local.strftime("%H:%M" if board.by_hour else "%m-%d")
    height = 100 * n / most if most else 0
    share = 100 * missed / n if n else 0
    inner = [html.I(style={"height": f"{share:.0f}%"})] if missed else []
    return html.Div(
        [
            html.Div(inner, className="course__bar", style={"height": f"{height:.1f}%"}),
            html.Span(time if is_named else "", className="course__time"),
        ],
        className="course__slot",
        title=say("desk.bar", time=time, n=n, missed=missed),
    )


COURSE = Panel(id="course", leaves=("course-heading", "course-bars"), draw=draw)
