"""The stage: which scene the walls are in, and the card of an incident that has taken over."""

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.open_list import (
    dots,
    level,
    place_name,
    state_attributes,
    step_labels,
    times,
    urgency,
)
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import distance, epoch_ms
from pipelines.snapshot import Critical, NearUnit, Snapshot

_MOST_CARDS = 3


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """What the page's script turns into classes, the card, and where in the round we are."""
    return {
        "stage-state": {"children": [_state(snapshot)]},
        "stage-card": {"children": _cards(snapshot, say)},
        "stage-round": {"children": _round(snapshot, say)},
    }


def _state(snapshot: Snapshot) -> html.Div:
    stage = snapshot.stage
    return html.Div(
        **data(
            scene=stage.scene,
            community=stage.community,
            theme=stage.theme,
            brightness=f"{stage.brightness:g}",
            hold=f"{stage.hold_s:g}",
            least=f"{stage.least_share:.6f}",
            rotates="yes" if stage.rotates else "no",
            critical=snapshot.critical[0].incident.id if snapshot.critical else None,
        )
    )


def _round(snapshot: Snapshot, say: Say) -> list[Component]:
    """The name of the scene, a dot a scene, and a bar that fills until the next."""
    stage = snapshot.stage
    if len(stage.scenes) < 2 and not snapshot.critical:
        return []
    marks = [
        html.I(className="round__dot is-here" if s == stage.scene else "round__dot", **data(to=s))
        for s in stage.scenes
    ]
    name = html.Span(say(f"scene.{stage.scene}"), className="round__name")
    if not stage.rotates and not snapshot.critical:
        return [name, *marks, html.Span(say("scene.held"), className="round__held")]
    until = None if stage.until is None else epoch_ms(stage.until)
    return [name, *marks, html.Span(className="round__left", **data(until=until))]


def _cards(snapshot: Snapshot, say: Say) -> list[html.Article]:
    return [_card(one, snapshot, say) for one in snapshot.critical[:_MOST_CARDS]]


def _card(critical: Critical, snapshot: Snapshot, say: Say) -> html.Article:
    """What, where, and the clock; then who is near."""
    incident = critical.incident
    where = [incident.address] if incident.address else []
    where += [place_name(incident, say)] if incident.grid_names or not where else []
    return html.Article(
        [
            html.Div(
                [
                    html.I(className=f"shape shape--{incident.shape}"),
                    html.Span(say.name(incident.kind_names), className="card__what may-clip"),
                    *level(incident, say),
                ],
                className="card__head",
            ),
            html.P(where[0], className="card__where"),
            *[html.P(text, className="card__grid may-clip") for text in where[1:]],
            html.Div(
                [
                    html.Div(times(incident, say), className="row__times"),
                    html.Span(dots(incident, step_labels(snapshot), say), className="dots"),
                ],
                className="card__clock",
            ),
            *_nearest(critical, say),
        ],
        className=f"card is-{urgency(incident)}",
        **state_attributes(incident),
    )


def _nearest(critical: Critical, say: Say) -> list[html.Ul]:
    if not critical.nearest:
        return []
    head = html.Li(say("scene.nearest"), className="card__near-head")
    return [
        html.Ul([head, *(_near(unit, say) for unit in critical.nearest)], className="card__near")
    ]


def _near(unit: NearUnit, say: Say) -> html.Li:
    people = [] if unit.strength is None else [html.Small(say("scene.strength", n=unit.strength))]
    mark = "point--unit" if unit.is_located else "point--unit-base"
    return html.Li(
        [
            html.I(className=f"point {mark}"),
            html.Span([say.name(unit.names), *people], className="may-clip"),
            html.B(distance(unit.distance_m, say)),
        ]
    )


STAGE = Panel(id="stage", leaves=("stage-state", "stage-card", "stage-round"), draw=draw)
