"""What people noted about one incident, and the ways to say more for who may."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.panels.remarks import writing_ways
from dashboard.text import Say
from dashboard.text.format import second_of_day
from pipelines.desk.casefile import Case, CaseFile
from pipelines.door.remarks import RemarkLine
from pipelines.model.remark import Act


def draw(file: CaseFile, say: Say) -> Leaves:
    """The remarks in order, whether it is pinned, and the buttons."""
    case = file.case
    if case is None:
        return {leaf: {"children": []} for leaf in NOTES.leaves}
    pin = [html.Span(say("remark.is_pinned"), className="pin")] if case.is_pinned else []
    return {
        "notes-heading": {"children": [say("remark.title"), *pin]},
        "notes-rows": {"children": _rows(case, file, say)},
        "notes-ways": {"children": writing_ways(file.writing, _buttons(case, say), say)},
    }


def _rows(case: Case, file: CaseFile, say: Say) -> list[html.Li]:
    if case.hides_remarks:
        return [html.Li(say("remark.hidden"), className="empty")]
    rows = [_row(line, file, say) for line in case.remarks]
    return rows or [html.Li(say("remark.none"), className="empty")]


def _row(line: RemarkLine, file: CaseFile, say: Say) -> html.Li:
    time = second_of_day(line.at, file.time_zone)
    head = say("remark.by", person=line.person, time=time)
    what = line.text if line.act is Act.NOTED else say(f"remark.{line.act}")
    return html.Li(
        [html.P(what, className="note__text"), html.P(head, className="note__by")],
        className=f"note note--{line.act}",
    )


def _buttons(case: Case, say: Say) -> list[html.Button]:
    incident = case.incident.id
    turn = Act.UNPINNED if case.is_pinned else Act.PINNED
    return [
        html.Button(say("remark.write"), **data(remark=Act.NOTED, incident=incident)),
        html.Button(say(f"remark.do_{turn}"), **data(remark=turn, incident=incident)),
        html.Button(say("remark.trail"), **data(trail=incident)),
    ]


NOTES = Panel(id="notes", leaves=("notes-heading", "notes-rows", "notes-ways"), draw=draw)
