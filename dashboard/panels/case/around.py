"""What belongs to one incident: the device that raised it, who was sent or is near, its kin."""

from itertools import groupby
from typing import Any

from dashboard.elements import html
from dashboard.panels.desk.links import incident_link
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import distance, second_of_day, since
from pipelines.desk.case_links import Link
from pipelines.desk.case_place import DeviceLine, SignalLine, UnitNear
from pipelines.desk.casefile import Case, CaseFile


def draw(file: CaseFile, say: Say) -> Leaves:
    """The device with its last signals, the units, and the incidents that belong to this one."""
    case = file.case
    return {
        "around-heading": {"children": say("around.title")},
        "around-rows": {"children": [] if case is None else _parts(case, file, say)},
    }


def _parts(case: Case, file: CaseFile, say: Say) -> list[object]:
    parts = [
        *([] if case.device is None else _device(case.device, file, say)),
        *_units(case.units, say),
        *_links(case.links, file, say),
    ]
    return parts or [html.P(say("around.nothing"), className="empty")]


def _device(device: DeviceLine, file: CaseFile, say: Say) -> list[object]:
    conditions = [say(f"device_condition.{condition}") for condition in device.conditions]
    facts = [device.address, *(f"{name} {value}" for name, value in device.values)]
    if device.last_seen is not None:
        facts.append(say("case.last_seen", time=second_of_day(device.last_seen, file.time_zone)))
    state = say("case.separator").join(conditions) or say("around.well")
    look = "is-ailing" if conditions else "is-well"
    return [
        html.H3(say("case.device")),
        html.P(
            [html.Span(say.name(device.names)), html.Strong(state, className=look)],
            className="kin",
        ),
        html.P(" · ".join(fact for fact in facts if fact), className="kin__how"),
        html.Ul([_signal(signal, file, say) for signal in device.signals], className="signals"),
    ]


def _signal(signal: SignalLine, file: CaseFile, say: Say) -> html.Li:
    begun = [say(f"device_condition.{c}") for c in signal.begun]
    ended = [say("around.over", what=say(f"device_condition.{c}")) for c in signal.ended]
    said = say("case.separator").join([*begun, *ended]) or say("around.measured")
    received = say("case.recorded", time=second_of_day(signal.recorded_at, file.time_zone))
    return html.Li(
        [html.Time(second_of_day(signal.at, file.time_zone)), html.Span(said), html.Em(received)]
    )


def _units(units: tuple[UnitNear, ...], say: Say) -> list[object]:
    if not units:
        return []
    return [html.H3(say("around.units")), html.Ul([_unit(unit, say) for unit in units])]


def _unit(unit: UnitNear, say: Say) -> html.Li:
    parts = [say("around.sent") if unit.was_sent else say("around.near")]
    if unit.distance_m is not None:
        parts.append(distance(unit.distance_m, say))
    if unit.strength is not None:
        parts.append(say("scene.strength", n=unit.strength))
    return html.Li([html.Span(say.name(unit.names)), html.Em(" · ".join(parts))], className="kin")


def _links(links: tuple[Link, ...], file: CaseFile, say: Say) -> list[object]:
    parts: list[object] = []
    for tie, group in groupby(links, key=lambda link: link.tie):
        parts.append(html.H3(say(f"around.{tie}")))
        parts.append(html.Ul([_link(link, file, say) for link in group]))
    return parts


def _link(link: Link, file: CaseFile, say: Say) -> html.Li:
    text: list[Any] = [html.I(className=f"shape shape--{link.shape}"), say.name(link.kind_names)]
    return html.Li(
        [
            html.A(text, href=incident_link(link.id, say), className="kin__what"),
            html.Em(since(link.t0, file.now, file.time_zone)),
        ],
        className="kin",
    )


AROUND = Panel(id="around", leaves=("around-heading", "around-rows"), draw=draw)
