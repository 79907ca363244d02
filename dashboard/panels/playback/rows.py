"""What was open at the moment shown, with its clocks as they stood; nothing ticks."""

from datetime import datetime

from dashboard.elements import html
from dashboard.panels.open_list import place_name, running_clock, urgency
from dashboard.panels.open_row import open_row
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
    return open_row(
        incident,
        steps,
        say,
        words=(place_name(incident, say), incident.address, incident.title),
        times=(
            html.Strong(_left(incident, page.at, say)),
            html.Span(since(incident.t0, page.at, page.time_zone)),
        ),
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
