"""The top of the page of one incident: where one is, what it is, and how it stands."""

from typing import Any
from urllib.parse import urlencode

from dash import html

from dashboard.panels.labels import honest_labels
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import date_and_minute, epoch_ms
from pipelines.casefile import Case, CaseFile
from pipelines.model.place import NOT_ON_MAP


def draw(file: CaseFile, say: Say) -> Leaves:
    """Breadcrumb, title, place, labels and the clock of the whole."""
    case = file.case
    return {
        "case-crumbs": {"children": _crumbs(file, say)},
        "case-title": {"children": say("case.none") if case is None else _title(case, say)},
        "case-place": {"children": "" if case is None else _place(case, say)},
        "case-state": {"children": [] if case is None else _state(file, case, say)},
    }


def _crumbs(file: CaseFile, say: Say) -> list[object]:
    def link(text: str, **filters: str) -> html.A:
        return html.A(text, href=f"/desk?{urlencode({**filters, 'lang': say.language})}")

    crumbs: list[object] = [link(say.name(file.area_names))]
    case = file.case
    if case is not None and case.community:
        crumbs += [_between(), link(say.name(case.community_names), community=case.community)]
    if case is not None and case.incident.grid != NOT_ON_MAP:
        crumbs += [_between(), link(say.name(case.grid_names), grid=case.incident.grid)]
    return [*crumbs, *honest_labels(file.labels, say)]


def _between() -> html.Span:
    return html.Span("›", className="crumb__between")


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
