"""What is masked of one incident, each with a button to ask for it; empty for who may not."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from pipelines.desk.casefile import CaseFile
from pipelines.desk.reveal import Hidden

_MOST = 30


def draw(file: CaseFile, say: Say) -> Leaves:
    """A row a masked value. What it says is asked for by a script, never put here."""
    case = file.case
    hidden = () if case is None else case.hidden
    rows = [_row(one, case.incident.id, say) for one in hidden[:_MOST]] if case else []
    return {
        "hidden-heading": {"children": say("reveal.heading") if rows else ""},
        "hidden-rows": {"children": rows},
    }


def _row(hidden: Hidden, incident_id: str, say: Say) -> html.Li:
    name = say(f"reveal.{hidden.what}")
    asks = data(reveal=hidden.what, number=hidden.number, incident=incident_id, mask=hidden.mask)
    return html.Li(
        [
            html.Span(name, className="hidden__what"),
            html.Span(hidden.mask, className="hidden__mask may-clip"),
            html.Button(say("reveal.ask"), className="hidden__ask", **asks),
        ]
    )


HIDDEN = Panel(id="hidden", leaves=("hidden-heading", "hidden-rows"), draw=draw)
