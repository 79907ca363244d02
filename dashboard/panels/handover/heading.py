"""The top of the hand-over: which shift, how it stands, and the buttons of who hands or takes."""

from datetime import datetime
from urllib.parse import urlencode

from dashboard.elements import html
from dashboard.panels.labels import honest_labels
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.panels.remarks import writing_ways
from dashboard.text import Say
from dashboard.text.format import date_and_minute, second_of_day
from dashboard.tokens import DEFAULT_THEME
from pipelines.desk.handover import Handover
from pipelines.door.remarks import RemarkLine
from pipelines.model.remark import Act


def draw(page: Handover, say: Say) -> Leaves:
    """Title, span, state, buttons and the shifts before."""
    name = say("handover.day") if page.shift_names is None else say.name(page.shift_names)
    span = say(
        "handover.span",
        begins=date_and_minute(page.begins, page.time_zone),
        ends=date_and_minute(page.ends, page.time_zone),
        as_of=date_and_minute(page.as_of, page.time_zone),
    )
    return {
        "handover-crumbs": {"children": _crumbs(page, say)},
        "handover-title": {"children": [say("handover.title"), html.Em(name)]},
        "handover-span": {"children": span},
        "handover-state": {"children": _state(page, say)},
        "handover-ways": {"children": writing_ways(page.writing, _buttons(page, say), say)},
        "handover-earlier": {"children": _earlier(page, say)},
    }


def _crumbs(page: Handover, say: Say) -> list[object]:
    way = html.A(say.name(page.area_names), href=f"/desk?lang={say.language}")
    return [way, *honest_labels(page.labels, say)]


def _state(page: Handover, say: Say) -> list[html.P]:
    if page.given is None:
        return [html.P(say("handover.not_given"), className="handover__step")]
    steps = [_step("given", page.given, page, say)]
    if page.taken is None:
        steps.append(html.P(say("handover.not_taken"), className="handover__step is-waiting"))
    else:
        steps.append(_step("taken", page.taken, page, say))
    return steps


def _step(key: str, line: RemarkLine, page: Handover, say: Say) -> html.P:
    time = second_of_day(line.at, page.time_zone)
    said = say(f"handover.{key}", person=line.person, time=time)
    text = [html.Em(line.text)] if line.text else []
    return html.P([said, *text], className="handover__step is-done")


def _buttons(page: Handover, say: Say) -> list[html.Button]:
    shift = page.begins.isoformat()
    buttons = [
        html.Button(say("remark.write"), **data(remark=Act.NOTED, shift=shift)),
        html.Button(say("handover.give"), **data(remark=Act.HANDED_OVER, shift=shift)),
    ]
    if page.given is not None and page.taken is None:
        take = html.Button(say("handover.take"), **data(remark=Act.TAKEN_OVER, shift=shift))
        buttons.append(take)
    return [*buttons, html.Button(say("handover.print"), **data(print="page"))]


def _earlier(page: Handover, say: Say) -> list[object]:
    ways: list[object] = [html.Span(say("handover.others"))]
    if not page.is_current:
        ways.append(_way(None, say("handover.current"), page, say))
    return [
        *ways,
        *(_way(at, date_and_minute(at, page.time_zone)[5:], page, say) for at in page.earlier),
    ]


def _way(begins: datetime | None, text: str, page: Handover, say: Say) -> html.A:
    theme = page.theme if page.theme != DEFAULT_THEME else None
    shift = None if begins is None else f"{begins:%Y-%m-%dT%H:%M:%S}Z"
    query = {"shift": shift, "theme": theme, "lang": say.language}
    return html.A(text, href=f"/handover?{urlencode({k: v for k, v in query.items() if v})}")


HEADING = Panel(
    id="handover",
    leaves=(
        "handover-crumbs",
        "handover-title",
        "handover-span",
        "handover-state",
        "handover-ways",
        "handover-earlier",
    ),
    draw=draw,
)
