"""Every rule: a row a clock, a column a way to count who has no stamp."""

from itertools import groupby

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.lab.words import clock_name
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import DASH
from dashboard.text.rate import FULL_FROM, PERCENT_FROM, percent
from pipelines.desk.lab_board import LabBoard
from pipelines.figures.lab import COUNTED, Cancelled, Clock, Lab, Line, Status, Unit


def draw(board: LabBoard, say: Say) -> Leaves:
    """The table, with the published, the lowest and the highest marked."""
    heading = [say("lab.rules"), html.Em(say("lab.rules_hint"))]
    table = [] if board.lab is None else [_head(say), _body(board.lab, say)]
    return {
        "rules-heading": {"children": heading},
        "rules-table": {"children": table},
        "rules-foot": {"children": say("lab.foot") if board.lab else ""},
    }


def _head(say: Say) -> html.Thead:
    cells = [html.Th(say("lab.clock"), scope="col")]
    for missing, cancelled in COUNTED:
        more = [html.Small(say("lab.cancelled_in"))] if cancelled is Cancelled.IN else []
        cells.append(html.Th([say(f"lab.missing_{missing}"), *more], scope="col"))
    return html.Thead(html.Tr(cells))


def _body(found: Lab, say: Say) -> html.Tbody:
    rows = groupby(found.lines, key=lambda line: (line.rule.start, line.rule.unit))
    return html.Tbody([_row(clock, list(lines), found, say) for clock, lines in rows])


def _row(clock: Clock, lines: list[Line], found: Lab, say: Say) -> html.Tr:
    status = lines[0].status
    # said once a clock, not again for the last unit
    is_said = status is Status.DEFENSIBLE or clock[1] is Unit.LAST
    doubt = [] if is_said else [html.Small(say(f"lab.{status}"))]
    head = html.Th([clock_name(clock, say), *doubt], scope="row")
    return html.Tr([head, *(_cell(line, found, say) for line in lines)], className=f"is-{status}")


def _cell(line: Line, found: Lab, say: Say) -> html.Td:
    if not line.known or line.interval is None:
        return html.Td(DASH, className="lab-rule is-empty")
    marks = [
        name
        for name, marked in (
            ("published", found.published),
            ("lowest", found.low),
            ("highest", found.high),
        )
        if line is marked
    ]
    low, high = line.interval
    shown = line.known >= PERCENT_FROM
    rate: list[str | Component] = [
        html.B(
            f"{percent(line.hit, line.known)}%",
            className="is-greyed" if line.known < FULL_FROM else None,
        ),
        f" [{100 * low:.1f}–{100 * high:.1f}]",
    ]
    parts = [
        html.Span(f"{line.hit}/{line.known}", className="lab-rule__fraction"),
        html.Span(rate if shown else [], className="lab-rule__share"),
        *(html.Em(say(f"lab.mark_{mark}"), className=f"lab-rule__mark--{mark}") for mark in marks),
    ]
    return html.Td(parts, className=" ".join(["lab-rule", *(f"is-{mark}" for mark in marks)]))


RULES = Panel(id="rules", leaves=("rules-heading", "rules-table", "rules-foot"), draw=draw)
