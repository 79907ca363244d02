"""每5分钟接入量: how many incidents were reported in each 5-minute window."""

from datetime import timedelta
from math import ceil

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import minute_of_day
from pipelines.snapshot import Intake, Snapshot

_WINDOW = timedelta(minutes=5)
_LABEL_EVERY = 12
"""A label an hour."""
_AXIS_SHARE = 0.95
_CLEARLY_MORE = 2
_LOWEST_TOP = 4
"""The axis reaches at least this far, so that a single call does not look like a flood."""


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """Bars as elements sized in percent: they scale with the wall and cost the browser nothing."""
    return {
        "intake-heading": {"children": _heading(snapshot.intake, say)},
        "intake-bars": {"children": _bars(snapshot, say)},
        "intake-axis": {"children": _axis(snapshot)},
    }


def _heading(intake: Intake, say: Say) -> list[object]:
    hours = round(len(intake.counts) * _WINDOW / timedelta(hours=1))
    total, most = sum(intake.counts), max(intake.counts, default=0)
    if total and intake.usual:
        total_text = say("intake.sum", n=total, most=most)
        text = f"{say('intake.window', hours=hours)} · {total_text} · {say('intake.usual')}"
    elif total:
        text = f"{say('intake.window', hours=hours)} · {say('intake.sum', n=total, most=most)}"
    else:
        text = say("intake.none", hours=hours)
    return [say("intake.title"), html.Em(text)]


def _top(intake: Intake) -> int:
    """Where the axis ends: an even number, so that its half is a whole one."""
    highs = (ceil(high) for _, high in intake.usual)
    most = max((*intake.counts, *highs, _LOWEST_TOP))
    return most + most % 2


def _bars(snapshot: Snapshot, say: Say) -> list[object]:
    top = _top(snapshot.intake)
    last = len(snapshot.intake.counts) - 1
    bars = [
        _bar(snapshot, i, n, top=top, say=say, running=i == last)
        for i, n in enumerate(snapshot.intake.counts)
    ]
    return [
        *_band(snapshot.intake, top),
        _rule(top, top),
        _rule(top // 2, top),
        html.Div(bars, className="intake__columns"),
    ]


def _band(intake: Intake, top: int) -> list[html.Div]:
    """The usual range (常态区间) as one shape behind the bars; nothing while none is known."""
    count = len(intake.usual)
    if not count:
        return []
    middles = [(i + 0.5) / count * 100 for i in range(count)]
    upper = [_point(x, high, top) for x, (_, high) in zip(middles, intake.usual, strict=True)]
    lower = [_point(x, low, top) for x, (low, _) in zip(middles, intake.usual, strict=True)]
    ends = (_point(100, intake.usual[-1][1], top), _point(100, intake.usual[-1][0], top))
    begin = (_point(0, intake.usual[0][0], top), _point(0, intake.usual[0][1], top))
    shape = ", ".join([*upper, *ends, *reversed(lower), *begin])
    return [html.Div(className="intake__usual", style={"clipPath": f"polygon({shape})"})]


def _point(x: float, n: float, top: int) -> str:
    return f"{x:.1f}% {(1 - n / top) * 100:.1f}%"


def _bar(snapshot: Snapshot, index: int, n: int, *, top: int, say: Say, running: bool) -> html.Div:
    time = minute_of_day(snapshot.intake.start + index * _WINDOW, snapshot.time_zone)
    state = " column--running" if running else _unusual(snapshot.intake, index, n)
    return html.Div(
        html.I(className="column__bar", style={"height": f"{n / top * 100:.2f}%"}) if n else None,
        className=f"column{state}",
        title=say("intake.bar", time=time, n=n),
    )


def _unusual(intake: Intake, index: int, n: int) -> str:
    """Only what leaves the usual range upwards is coloured, and never for a single incident."""
    is_unusual = bool(intake.usual) and n >= intake.usual[index][1] + _CLEARLY_MORE
    return " column--unusual" if is_unusual else ""


def _rule(n: int, top: int) -> html.Div:
    style = {"bottom": f"{n / top * 100:.2f}%"}
    return html.Div(html.Span(str(n)), className="intake__rule", style=style)


def _axis(snapshot: Snapshot) -> list[html.Span]:
    """A label on each full hour of local time, but none that would not fit at the end."""
    count = len(snapshot.intake.counts)
    labels = []
    for i in range(round(count * _AXIS_SHARE)):
        text = minute_of_day(snapshot.intake.start + i * _WINDOW, snapshot.time_zone)
        if text.endswith(":00") or (count <= _LABEL_EVERY and i % 3 == 0):
            labels.append(html.Span(text, style={"left": f"{i / count * 100:.2f}%"}))
    return labels


INTAKE = Panel(id="intake", leaves=("intake-heading", "intake-bars", "intake-axis"), draw=draw)
