"""The open incidents by urgency, each with the clock that runs out next."""

from typing import Any

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import epoch_ms
from pipelines.model.clock import ClockState
from pipelines.model.milestone import Milestone
from pipelines.snapshot import OpenClock, OpenIncident, Snapshot

_MOST_ROWS = 24
"""More than the tallest or widest wall can show."""
_MOST_LETTERS = 120
"""What a line could hold on the widest screen; the rest of a title is not worth sending."""
_LEVELS = (1, 2, 3, 4)


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """The rows; the page hides those that do not fit and says how many those are."""
    steps = step_labels(snapshot)
    return {
        "open-heading": {"children": _heading(snapshot, say)},
        "open-rows": {"children": _rows(snapshot, steps, say)},
        "open-more": {"children": [_more(snapshot, say)]},
    }


def running_clock(incident: OpenIncident) -> OpenClock | None:
    """The clock that runs out next: of the 135 loop, or of the handling."""
    if incident.next_clock is not None:
        return incident.clocks[incident.next_clock]
    return None if incident.clocks else incident.handling


def urgency(incident: OpenIncident) -> str:
    """The state of the clock that runs out next: running, warning, missed, or plain."""
    clock = running_clock(incident)
    shown = (ClockState.RUNNING, ClockState.WARNING, ClockState.MISSED)
    return str(clock.state) if clock is not None and clock.state in shown else "plain"


def place_name(incident: OpenIncident, say: Say) -> str:
    """The grid it lies in, or that nobody knows."""
    return say.name(incident.grid_names) if incident.grid_names else say("open.nowhere")


def state_attributes(incident: OpenIncident) -> dict[str, Any]:
    """What the page needs to turn an element from running to warning to missed by itself."""
    t0 = epoch_ms(incident.t0)
    clock = running_clock(incident)
    if clock is None or urgency(incident) == "plain":
        return data(t0=t0)
    return data(
        t0=t0,
        deadline=None if clock.deadline is None else epoch_ms(clock.deadline),
        warning=None if incident.warning_at is None else epoch_ms(incident.warning_at),
    )


def step_labels(snapshot: Snapshot) -> dict[Milestone, str]:
    """The number in each dot: the minutes its target allows."""
    return {t.milestone: f"{t.target_s / 60:.2g}" for t in snapshot.tiles}


def _heading(snapshot: Snapshot, say: Say) -> list[html.Span]:
    total = say("open.total", n=snapshot.open_total, emergencies=snapshot.open_emergencies)
    return [html.Span(say("open.title")), html.Span(total, className="open__total")]


def _rows(snapshot: Snapshot, steps: dict[Milestone, str], say: Say) -> list[html.Li]:
    if not snapshot.open:
        return [html.Li(say("open.none"), className="open__none")]
    return [row(incident, steps, say) for incident in snapshot.open[:_MOST_ROWS]]


def row(incident: OpenIncident, steps: dict[Milestone, str], say: Say) -> html.Li:
    """One incident: its shape, what and where it is, its dots, and the clock that matters."""
    kind = say.name(incident.kind_names)
    drill = " row--drill" if incident.is_drill else ""
    return html.Li(
        [
            html.I(className=f"shape shape--{incident.shape}"),
            html.Div(
                [
                    html.P(
                        [
                            html.Span(kind, className="row__kind may-clip"),
                            *_drill(incident, say),
                            *level(incident, say),
                            html.Span(dots(incident, steps, say), className="dots"),
                            *_units(incident, say),
                        ],
                        className="row__what",
                    ),
                    html.P(_where(incident, say), className="row__where may-clip"),
                ],
                className="row__text",
            ),
            html.Div(times(incident, say), className="row__times"),
        ],
        className=f"row is-{urgency(incident)}{drill}",
        **state_attributes(incident),
    )


def _drill(incident: OpenIncident, say: Say) -> list[html.Span]:
    return [html.Span(say("reason.drill"), className="tag tag--drill")] if incident.is_drill else []


def level(incident: OpenIncident, say: Say) -> list[html.Span]:
    """红橙黄蓝, always with its number; an incident without a severity has no level."""
    if incident.severity not in _LEVELS:
        return []
    text = say(f"level.{incident.severity}")
    return [html.Span(text, className=f"tag tag--level-{incident.severity}")]


def dots(incident: OpenIncident, steps: dict[Milestone, str], say: Say) -> list[html.B]:
    """The three clocks of the 135 loop: done, next, not yet."""
    return [
        _dot(clock, i == incident.next_clock, steps.get(clock.milestone, str(i + 1)), say)
        for i, clock in enumerate(incident.clocks)
    ]


def _dot(clock: OpenClock, is_next: bool, label: str, say: Say) -> html.B:
    waits = clock.stopped_at is None and clock.state is not ClockState.UNKNOWN
    look = "next" if is_next else "waiting" if waits else str(clock.state)
    hint = say(f"clock.{clock.state}", step=label)
    return html.B(label, className=f"step step--{look}", title=hint)


def _units(incident: OpenIncident, say: Say) -> list[html.Span]:
    if not incident.units:
        return []
    return [html.Span(say("open.units", n=incident.units), className="row__units")]


def _where(incident: OpenIncident, say: Say) -> str:
    parts = [place_name(incident, say), incident.address, incident.title]
    text = " · ".join(dict.fromkeys(part for part in parts if part))
    return text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + "…"


def times(incident: OpenIncident, say: Say) -> list[Component]:
    """What is left of the clock that runs out next, and how long ago it all began."""
    t0 = epoch_ms(incident.t0)
    clock = running_clock(incident)
    if clock is None or urgency(incident) == "plain":
        text = say("open.stopped") if incident.clocks else say("open.no_clock")
        return [
            html.Strong(**data(tick="elapsed", since=t0)),
            html.Span(text),
        ]
    end = None if clock.deadline is None else epoch_ms(clock.deadline)
    return [
        html.Strong(**data(tick="left", deadline=end)),
        html.Span(**data(tick="elapsed", since=t0, say="open.elapsed")),
    ]


def _more(snapshot: Snapshot, say: Say) -> html.P:
    """Filled by the page, which alone knows how many rows fit."""
    return html.P(className="open__more", **data(total=snapshot.open_total))


OPEN = Panel(id="open", leaves=("open-heading", "open-rows", "open-more"), draw=draw)
