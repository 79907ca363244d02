"""The run chart: each emergency of half a year, by when it was and how soon somebody came."""

from datetime import datetime
from typing import Any

from dashboard.elements import html
from dashboard.panels.desk.links import incident_link
from dashboard.panels.panel import Leaves, Panel, labelled
from dashboard.text import Say
from dashboard.text.format import date_and_minute
from pipelines.gridfile.course import CourseDot
from pipelines.gridfile.file import GridFile, GridSheet

_MOST = 2.0
"""The top of the chart, in targets; who came later still, or never, stands at the top."""
_TICKS = 6


def draw(file: GridFile, say: Say) -> Leaves:
    """A dot a case over its target; the line is the target, whatever each case's is."""
    grid = file.grid
    if grid is None:
        return {"gridcourse-heading": {"children": []}, "gridcourse-dots": {"children": []}}
    missed = sum(1 for dot in grid.course if dot.verdict == "miss")
    counts = say("grid.course_counts", n=len(grid.course), missed=missed)
    return {
        "gridcourse-heading": {"children": [say("grid.course"), html.Em(counts)]},
        "gridcourse-dots": {"children": _chart(grid, file, say)},
    }


def _chart(grid: GridSheet, file: GridFile, say: Say) -> list[object]:
    if not grid.course:
        return [html.P(say("grid.no_emergency"), className="empty")]
    dots = [_dot(dot, grid.course_start, file, say) for dot in grid.course]
    line = html.I(className="course__target", style={"bottom": _up(1.0)})
    label = html.Span(say("grid.target"), className="course__target-name")
    return [
        html.Div([line, *dots, label], className="course__plot"),
        html.Div(_axis(grid.course_start, file), className="course__axis"),
    ]


def _dot(dot: CourseDot, start: datetime, file: GridFile, say: Say) -> html.A:
    share = _MOST if dot.seconds is None else min(dot.seconds / dot.target_s, _MOST)
    took = say("case.took", seconds=dot.seconds) if dot.seconds is not None else say("verdict.miss")
    time = date_and_minute(dot.t0, file.time_zone)
    hint = say("grid.course_dot", time=time, took=took, target=dot.target_s)
    attributes: dict[str, Any] = labelled(hint)
    return html.A(
        href=incident_link(dot.id, say),
        className=f"course__dot course__dot--{dot.verdict}",
        style={"left": _along(dot.t0, start, file.now), "bottom": _up(share)},
        title=hint,
        **attributes,
    )


def _axis(start: datetime, file: GridFile) -> list[html.Span]:
    step = (file.now - start) / _TICKS
    moments = [start + step * i for i in range(_TICKS)]
    return [html.Span(date_and_minute(at, file.time_zone)[5:10]) for at in moments]


def _along(moment: datetime, start: datetime, end: datetime) -> str:
    return f"{(moment - start) / (end - start) * 100:.2f}%"


def _up(share: float) -> str:
    return f"{share / _MOST * 100:.1f}%"


COURSE = Panel(id="gridcourse", leaves=("gridcourse-heading", "gridcourse-dots"), draw=draw)
