"""The course of time: what was reported in each hour, day, week or month, and what missed."""

from zoneinfo import ZoneInfo

from dashboard.elements import html
from dashboard.panels.desk.links import board_link
from dashboard.panels.panel import Leaves, Panel, data, labelled
from dashboard.text import Say
from pipelines.desk.board import Bar, Board
from pipelines.desk.board_filters import Step

_FORM = {Step.HOUR: "%H:%M", Step.DAY: "%m-%d", Step.WEEK: "%m-%d", Step.MONTH: "%Y-%m"}
_TIMES = 9
"""About so many bars are named."""


def draw(board: Board, say: Say) -> Leaves:
    """A bar a step: its height how many, its marked part how many missed."""
    before = [bar.before or 0 for bar in board.bars]
    most = max([bar.incidents for bar in board.bars] + before, default=0)
    every = max(1, -(-len(board.bars) // _TIMES))
    bars = [_bar(bar, most, i % every == 0, board, say) for i, bar in enumerate(board.bars)]
    return {
        "course-heading": {"children": _heading(board, say)},
        "course-bars": {"children": bars, **data(many="yes" if len(bars) > 60 else None)},
    }


def _heading(board: Board, say: Say) -> list[object]:
    keys = [html.Span([html.I(className="key key--all"), say("desk.key_all")])]
    keys.append(html.Span([html.I(className="key key--miss"), say("desk.key_miss")]))
    if board.before is not None:
        there = sum(bar.before or 0 for bar in board.bars)
        text = say("desk.key_before", versus=say(f"desk.as_{board.versus}"), n=there)
        keys.append(html.Span([html.I(className="key key--before"), text]))
    # of what is counted here, not of the marks that it is compared with
    most = max((bar.incidents for bar in board.bars), default=0)
    total = say("desk.total", n=board.incidents, most=most)
    return [say(f"desk.by_{board.step}"), html.Em(total), html.Span(keys, className="keys")]


def _count(bar: Bar, key: str) -> int:
    value = bar.figures.get(key)
    return int(value) if isinstance(value, int | float) else 0


def _bar(bar: Bar, most: int, is_named: bool, board: Board, say: Say) -> html.A:
    missed, known = _count(bar, "miss"), _count(bar, "hit") + _count(bar, "miss")
    zone = ZoneInfo(board.time_zone)
    start, end = bar.start.astimezone(zone), bar.end.astimezone(zone)
    time = start.strftime(_FORM[board.step])
    # by hour a day's beginning is told by its date
    if board.step is Step.HOUR and start.hour == 0:
        time = start.strftime("%m-%d")
    share = 100 * missed / bar.incidents if bar.incidents else 0
    inner = [html.I(style={"height": f"{share:.1f}%"})] if missed else []
    parts = [html.Span(inner, className="course__bar", style=_height(bar.incidents, most))]
    hint = say("desk.bar", time=time, n=bar.incidents, known=known, missed=missed)
    if bar.before is not None:
        parts.append(html.Span(className="course__before", style=_height(bar.before, most)))
        hint = say("desk.bar_before", bar=hint, n=bar.before)
    parts.append(html.Span(time if is_named else "", className="course__time"))
    form = "%Y-%m-%dT%H:%M" if board.step is Step.HOUR else "%Y-%m-%d"
    return html.A(
        parts,
        href=board_link(board, say, from_=start.strftime(form), to=end.strftime(form), window=None),
        className="course__slot",
        title=hint,
        **labelled(hint),
        **data(begin=start.strftime(form), end=end.strftime(form)),
    )


def _height(n: int, most: int) -> dict[str, str]:
    return {"height": f"{100 * n / most if most else 0:.1f}%"}


COURSE = Panel(id="course", leaves=("course-heading", "course-bars"), draw=draw)
