"""The top of the page of sources: how many are well, and who takes the records in."""

from collections import Counter

from dashboard.elements import html
from dashboard.panels.labels import honest_labels
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.panels.sources.words import who
from dashboard.text import Say
from pipelines.desk.roster import Roster, Standing

_ORDER = (
    Standing.UNATTENDED,
    Standing.DOWN,
    Standing.SILENT,
    Standing.ACTIVE,
    Standing.QUIET,
    Standing.WAITING,
    Standing.ENDED,
)


def draw(roster: Roster, say: Say) -> Leaves:
    """Title, labels, a count a standing, and the clock."""
    return {
        "roster-title": {"children": say("sources.title")},
        "roster-labels": {"children": _labels(roster, say)},
        "roster-summary": {"children": _summary(roster, say)},
        "roster-clock": {"children": _clock(roster, say)},
    }


def _labels(roster: Roster, say: Say) -> list[object]:
    labels: list[object] = [*honest_labels(roster.labels, say)]
    if roster.is_standby:
        holders = say("sources.and").join(who(holder) for holder in roster.holders)
        text = say("sources.standby", holder=holders or say("sources.nobody"))
        labels.append(html.Span(text, className="label"))
    return labels


def _summary(roster: Roster, say: Say) -> list[html.Span]:
    counts = Counter(line.standing for line in roster.lines)
    return [
        html.Span(
            [
                html.I(className=f"state state--{standing}"),
                html.Span(say(f"sources.{standing}")),
                html.B(str(counts[standing])),
            ],
            className="roster__count",
        )
        for standing in _ORDER
        if counts[standing]
    ]


def _clock(roster: Roster, say: Say) -> list[object]:
    area = say.name(roster.area_names)
    return [
        html.Div(className="clock__time", **data(tick="time", zone=roster.time_zone)),
        html.Div(html.A(say("sources.to_wall", area=area), href=f"/wall?lang={say.language}")),
    ]


HEADING = Panel(
    id="roster",
    leaves=("roster-title", "roster-labels", "roster-summary", "roster-clock"),
    draw=draw,
)
