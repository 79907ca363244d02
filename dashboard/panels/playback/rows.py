"""What was open at the moment shown, with its clocks as they stood; nothing ticks."""

from datetime import datetime

from dashboard.elements import html
from dashboard.panels.desk.links import incident_link
from dashboard.panels.open_list import dots, level, place_name, running_clock, urgency
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import duration, since
from pipelines.desk.playback import Playback
from pipelines.model.milestone import Milestone
from pipelines.snapshot import OpenIncident


def draw(page: Playback, say: Say) -> Leaves:
    """A row an incident, most urgent first; each leads to its page, which shows it as it is now."""
    steps = {tile.milestone: f"{tile.target_s / 60:.2g}" for tile in page.tiles}
    rows = [_row(incident, steps, page, say) for incident in page.open]
    heading = [say("playback.open"), html.Em(str(page.open_total))]
    return {
        "playopen-heading": {"children": heading},
        "playopen-rows": {"children": rows or [html.Li(say("open.none"), className="empty")]},
    }


def _row(incident: OpenIncident, steps: dict[Milestone, str], page: Playback, say: Say) -> html.Li:
    words = [place_name(incident, say), incident.address, incident.title]
    text = " · ".join(dict.fromkeys(word for word in words if word))
    drill = [html.Span(say("reason.drill"), className="tag tag--drill")]
    return html.Li(
        html.A(
            [
                html.I(className=f"shape shape--{incident.shape}"),
                html.Div(
                    [
                        html.P(
                            [
                                html.Span(say.name(incident.kind_names), className="may-clip"),
                                *(drill if incident.is_drill else []),
                                *level(incident, say),
                                html.Span(dots(incident, steps, say), className="dots"),
                            ],
                            className="row__what",
                        ),
                        html.P(text, className="row__where may-clip"),
                    ],
                    className="row__text",
                ),
                html.Div(
                    [
                        html.Strong(_left(incident, page.at, say)),
                        html.Span(since(incident.t0, page.at, page.time_zone)),
                    ],
                    className="row__times",
                ),
            ],
            href=incident_link(incident.id, say),
            className="open-row__way",
        ),
        className=f"open-row is-{urgency(incident)}",
    )


def _left(incident: OpenIncident, at: datetime, say: Say) -> str:
    """What was left of the clock that ran out next, at the moment shown."""
    clock = running_clock(incident)
    if clock is None or clock.deadline is None or urgency(incident) == "plain":
        return say("open.stopped") if incident.clocks else ""
    left = (clock.deadline - at).total_seconds()
    key = "open.left" if left >= 0 else "open.over"
    return say(key, duration=duration(abs(left), say))


ROWS = Panel(id="playopen", leaves=("playopen-heading", "playopen-rows"), draw=draw)
