"""The top of the page of one incident: where one is, what it is, and how it stands."""

from collections.abc import Mapping
from typing import Any

from dashboard.addresses import address
from dashboard.elements import html
from dashboard.panels.labels import honest_labels
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import date_and_minute, epoch_ms
from pipelines.desk.casefile import Case, CaseFile
from pipelines.figures.groups import UNLOCATED


def draw(file: CaseFile, say: Say) -> Leaves:
    """Breadcrumb, title, place, labels and the clock of the whole."""
    case = file.case
    return {
        "case-crumbs": {"children": _crumbs(file, say)},
        "case-title": {"children": _missing(say) if case is None else _title(case, say)},
        "case-place": {"children": say("case.none_hint") if case is None else _place(case, say)},
        "case-state": {"children": _way_back(say) if case is None else _state(file, case, say)},
    }


def _crumbs(file: CaseFile, say: Say) -> list[object]:
    def link(text: str, filters: Mapping[str, str]) -> html.A:
        return html.A(text, href=address("desk", filters, say.language))

    places = [({}, file.area_names)] if file.case is None else file.case.places
    crumbs: list[object] = []
    for filters, names in places:
        if filters.get("grid") != UNLOCATED:
            crumbs += [_between()] if crumbs else []
            crumbs.append(link(say.name(names), filters))
    return [*crumbs, *honest_labels(file.labels, say)]


def _between() -> html.Span:
    return html.Span("›", className="crumb__between")


def _missing(say: Say) -> html.Span:
    return html.Span(say("case.none"), className="case__missing")


def _way_back(say: Say) -> list[object]:
    return [html.A(say("case.way_back"), href=f"/desk?lang={say.language}")]


def _title(case: Case, say: Say) -> list[object]:
    return [
        html.I(className=f"shape shape--{case.shape}"),
        html.Span(say.name(case.kind_names)),
        html.Em(case.incident.key),
    ]


def _place(case: Case, say: Say) -> str:
    parts = [case.address, case.title]
    if case.is_sensitive and not any(parts):
        return say("case.sensitive")
    return " · ".join(dict.fromkeys(part for part in parts if part))


def _state(file: CaseFile, case: Case, say: Say) -> list[object]:
    t0 = case.incident.t0.at
    began = say("case.began", time=date_and_minute(t0, file.time_zone))
    if case.incident.closed_at is not None:
        closed = date_and_minute(case.incident.closed_at, file.time_zone)
        return [html.Strong(say("case.closed")), html.Span(say("case.since", time=closed))]
    attributes: dict[str, Any] = data(tick="elapsed", since=epoch_ms(t0))
    return [html.Strong(**attributes), html.Span(began)]


HEADING = Panel(
    id="case",
    leaves=("case-crumbs", "case-title", "case-place", "case-state"),
    draw=draw,
)
