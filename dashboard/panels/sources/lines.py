"""One row a source: its state in words, what it delivers beside what is usual, its clock."""

from datetime import datetime
from urllib.parse import urlencode

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel, data, labelled
from dashboard.panels.sources.words import is_ahead, offset, sentence
from dashboard.text import Say
from dashboard.text.format import duration, epoch_ms, minute_of_day, since
from pipelines.desk.roster import Roster, SourceDetail, Standing
from pipelines.feeds.arrivals import Hour
from pipelines.store.heard_rows import Rehearsal

_COLUMNS = ("name", "last", "success", "hours", "lag", "clock", "aside", "canary")
_WORST_FIRST = (
    Standing.UNATTENDED,
    Standing.DOWN,
    Standing.SILENT,
    Standing.WAITING,
    Standing.ACTIVE,
    Standing.QUIET,
    Standing.ENDED,
)


def draw(roster: Roster, say: Say) -> Leaves:
    """The names of the columns, and the rows, the worst first."""
    ordered = sorted(roster.lines, key=lambda line: _WORST_FIRST.index(line.standing))
    rows: list[object] = [_row(line, roster, say) for line in ordered]
    return {
        "lines-head": {"children": [html.Span(say(f"sources.column_{name}")) for name in _COLUMNS]},
        "lines-rows": {"children": rows or [html.Li(say("sources.none"), className="lines__none")]},
    }


def _row(line: SourceDetail, roster: Roster, say: Say) -> html.Li:
    return html.Li(
        [
            _name(line, roster, say),
            html.Div(_age(line.last_record_at, say), className="line__age"),
            html.Div(_age(line.last_success_at, say), className="line__age"),
            _hours(line, roster.time_zone, say),
            html.Div(_lag(line, say), className="line__number"),
            html.Div(
                offset(line.clock_offset, say),
                className="line__clock is-off" if is_ahead(line.clock_offset) else "line__clock",
            ),
            _aside(line, say),
            _canary(line, roster, say),
        ],
        className=f"line line--{line.standing}",
    )


def _name(line: SourceDetail, roster: Roster, say: Say) -> html.Div:
    text = sentence(line, say, now=roster.now, time_zone=roster.time_zone)
    return html.Div(
        [
            html.I(className=f"state state--{line.standing}"),
            html.Div(
                [
                    html.P(
                        [
                            html.Span(say.name(line.names), className="line__name may-clip"),
                            html.B(say(f"sources.{line.standing}"), className="line__state"),
                        ],
                        className="line__what",
                    ),
                    html.P(text, className="line__words", title=text),
                    *_earlier(line, roster, say),
                ],
                className="line__text",
            ),
        ],
        className="line__source",
    )


def _earlier(line: SourceDetail, roster: Roster, say: Say) -> list[html.P]:
    """The last trouble of a source that is well again."""
    at = line.last_problem_at
    if line.standing is Standing.DOWN or line.last_problem is None or at is None:
        return []
    time = since(at, roster.now, roster.time_zone)
    text = say("sources.last_problem", time=time, problem=line.last_problem)
    return [html.P(text, className="line__earlier may-clip", title=text)]


def _age(at: datetime | None, say: Say) -> "html.Span | str":
    if at is None:
        return say("sources.unknown")
    return html.Span(**data(tick="age", since=epoch_ms(at), say="age.ago"))


def _lag(line: SourceDetail, say: Say) -> str:
    if line.lag is None:
        return say("sources.unknown")
    seconds = line.lag.total_seconds()
    return say("sources.under_a_second") if seconds < 1 else duration(seconds, say)


def _hours(line: SourceDetail, zone: str, say: Say) -> html.Div:
    """A bar an hour before the band of what is usual; the last one is not over yet."""
    top = max((*(hour.records for hour in line.hours), *(hour.high for hour in line.hours), 1))
    last = len(line.hours) - 1
    columns = [
        _column(hour, line, top, zone, say, running=i == last) for i, hour in enumerate(line.hours)
    ]
    total = say("sources.hours_sum", n=sum(hour.records for hour in line.hours))
    label = total
    if line.has_rhythm:
        expected = round(sum(hour.expected for hour in line.hours))
        label = say("sources.hours_usual", sum=total, n=expected)
    return html.Div(
        [html.Div(columns, className="hours__columns"), html.Span(label, className="hours__sum")],
        className="hours",
        role="img",
        **labelled(label),
    )


def _column(
    hour: Hour, line: SourceDetail, top: float, zone: str, say: Say, *, running: bool
) -> html.Div:
    time = minute_of_day(hour.start, zone)
    title = say("sources.hour", time=time, n=hour.records)
    marks = []
    if line.has_rhythm:
        low, high = round(hour.low), round(hour.high)
        title = say("sources.hour_usual", hour=title, low=low, high=high)
        style = {
            "bottom": f"{hour.low / top * 100:.1f}%",
            "height": f"{(hour.high - hour.low) / top * 100:.1f}%",
        }
        marks.append(html.I(className="hours__band", style=style))
    if hour.records:
        height = {"height": f"{hour.records / top * 100:.1f}%"}
        marks.append(html.I(className="hours__bar", style=height))
    state = " hours__column--running" if running else ""
    return html.Div(marks, className=f"hours__column{state}", title=title)


def _aside(line: SourceDetail, say: Say) -> html.Div:
    if not line.quarantined:
        return html.Div("0", className="line__number line__number--none")
    query = urlencode({"source": line.id, "lang": say.language})
    link = html.A(
        str(line.quarantined),
        href=f"/quarantine?{query}",
        title=say("sources.open_quarantine", n=line.quarantined),
    )
    return html.Div(link, className="line__number")


def _canary(line: SourceDetail, roster: Roster, say: Say) -> html.Div:
    returned = _returned(line.canary, roster, say)
    if not roster.may_rehearse:
        return html.Div(returned, className="line__canary")
    button = html.Button(
        say("sources.canary_send"),
        type="button",
        title=say("sources.canary_hint"),
        **data(canary=line.id),
        **labelled(say("sources.canary_of", source=line.id)),
    )
    return html.Div([button, returned], className="line__canary")


def _returned(sent: Rehearsal | None, roster: Roster, say: Say) -> html.Span:
    if sent is None or not sent.was_sent:
        return html.Span(say("sources.canary_never"), className="canary")
    time = since(sent.at, roster.now, roster.time_zone)
    if sent.problem is not None:
        return html.Span(
            [html.I(className="canary__mark"), say("sources.canary_lost", time=time)],
            className="canary canary--lost",
            title=sent.problem,
        )
    text = say("sources.canary_back", ms=f"{sent.took_ms:.0f}", time=time)
    return html.Span([html.I(className="canary__mark"), text], className="canary canary--back")


LINES = Panel(id="lines", leaves=("lines-head", "lines-rows"), draw=draw)
