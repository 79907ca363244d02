"""An open incident as a row that leads to its own page, for lists that somebody reads at a desk."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.elements import html
from dashboard.panels.desk.links import incident_link
from dashboard.panels.open_list import dots, level, urgency
from dashboard.text import Say
from pipelines.model.milestone import Milestone
from pipelines.snapshot import OpenIncident


def open_row(
    incident: OpenIncident,
    steps: dict[Milestone, str],
    say: Say,
    *,
    words: Sequence[str | None],
    times: Sequence[Any],
    attributes: Mapping[str, Any] | None = None,
) -> html.Li:
    """Its shape, what it is, the three dots, ``words`` of where and what, and ``times``."""
    text = " · ".join(dict.fromkeys(word for word in words if word))
    drill = [html.Span(say("reason.drill"), className="tag tag--drill")]
    what = [
        html.Span(say.name(incident.kind_names), className="may-clip"),
        *(drill if incident.is_drill else []),
        *level(incident, say),
        html.Span(dots(incident, steps, say), className="dots"),
    ]
    return html.Li(
        html.A(
            [
                html.I(className=f"shape shape--{incident.shape}"),
                html.Div(
                    [
                        html.P(what, className="row__what"),
                        html.P(text, className="row__where may-clip"),
                    ],
                    className="row__text",
                ),
                html.Div(list(times), className="row__times"),
            ],
            href=incident_link(incident.id, say),
            className="open-row__way",
        ),
        className=f"open-row is-{urgency(incident)}",
        **(attributes or {}),
    )
