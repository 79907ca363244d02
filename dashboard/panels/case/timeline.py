"""What was said about one incident, in the order in which it happened."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import DASH, second_of_day
from pipelines.desk.casefile import CaseFile, Entry


def draw(file: CaseFile, say: Say) -> Leaves:
    """A row a fact; those that count are marked, those that were replaced are struck out."""
    case = file.case
    entries = () if case is None else case.timeline
    return {
        "timeline-heading": {"children": [say("case.timeline"), html.Em(str(len(entries)))]},
        "timeline-rows": {"children": [_row(entry, file, say) for entry in entries]},
    }


def _row(entry: Entry, file: CaseFile, say: Say) -> html.Li:
    time = DASH if entry.at is None else second_of_day(entry.at, file.time_zone)
    how = [say.name(entry.source_names), say(f"method.{entry.method}")]
    if entry.unit is not None:
        how.append(say("case.unit", unit=entry.unit))
    if entry.at is not None:
        how.append(say("case.coarse", seconds=entry.precision_s))
    how.append(say("case.recorded", time=second_of_day(entry.recorded_at, file.time_zone)))
    if entry.is_replaced:
        how.append(say("case.replaced"))
    classes = "fact"
    classes += " fact--used" if entry.is_used else ""
    classes += " fact--replaced" if entry.is_replaced else ""
    return html.Li(
        [
            html.Time(time, className="fact__time"),
            html.I(className="fact__dot"),
            html.Div(
                [
                    html.P(say(f"milestone.{entry.milestone}"), className="fact__what"),
                    html.P(" · ".join(how), className="fact__how"),
                ]
            ),
        ],
        className=classes,
    )


TIMELINE = Panel(id="timeline", leaves=("timeline-heading", "timeline-rows"), draw=draw)
