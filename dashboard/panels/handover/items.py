"""What is handed over: open incidents, pinned ones, missed ones, and the notes of the shift."""

from collections.abc import Sequence

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.desk.links import incident_link
from dashboard.panels.open_list import running_clock
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import date_and_minute, epoch_ms, since
from pipelines.desk.handover import Handover, Missed, NoteRow, PinnedRow
from pipelines.snapshot import Names, OpenIncident


def draw(page: Handover, say: Say) -> Leaves:
    """Four lists; each row leads to its incident."""
    lists: dict[str, tuple[int, list[html.Li]]] = {
        "pinned": (len(page.pinned), [_pinned(row, page, say) for row in page.pinned]),
        "open": (page.open_total, [_open(row, page, say) for row in page.open]),
        "missed": (len(page.missed), [_missed(row, page, say) for row in page.missed]),
        "notes": (len(page.notes), [_note(row, page, say) for row in page.notes]),
    }
    leaves: dict[str, dict[str, object]] = {}
    for name, (n, rows) in lists.items():
        nothing = [html.Li(say(f"handover.no_{name}"), className="empty")]
        heading = [say(f"handover.{name}"), html.Em(str(n))]
        leaves[f"handed-{name}-heading"] = {"children": heading}
        leaves[f"handed-{name}"] = {"children": rows or nothing}
    return leaves


def _row(
    id_: str,
    shape: str,
    words: Sequence[str],
    right: Sequence[Component],
    say: Say,
) -> html.Li:
    kind, *rest = words
    return html.Li(
        html.A(
            [
                html.I(className=f"shape shape--{shape}"),
                html.Span(kind, className="handed__kind"),
                html.Span(" · ".join(word for word in rest if word), className="may-clip"),
                html.Div(right, className="handed__right"),
            ],
            href=incident_link(id_, say),
            className="handed",
        )
    )


def _place(names: Names, say: Say) -> str:
    return say.name(names) if names else say("open.nowhere")


def _open(row: OpenIncident, page: Handover, say: Say) -> html.Li:
    place = _place(row.grid_names, say)
    words = [say.name(row.kind_names), place, row.address or "", row.title or ""]
    began = html.Em(since(row.t0, page.now, page.time_zone))
    clock = running_clock(row)
    if clock is None or clock.deadline is None:
        return _row(row.id, row.shape, words, [began], say)
    if page.is_current:
        left = html.Strong(
            className=f"verdict__left is-{clock.state}",
            **data(tick="left", deadline=epoch_ms(clock.deadline)),
        )
    else:
        left = html.Strong(date_and_minute(clock.deadline, page.time_zone)[5:])
    return _row(row.id, row.shape, words, [left, began], say)


def _pinned(row: PinnedRow, page: Handover, say: Say) -> html.Li:
    words = [say.name(row.kind_names), _place(row.grid_names, say), row.text]
    state = say("case.closed") if row.is_closed else say("grid.open")
    time = since(row.at, page.now, page.time_zone)
    by = say("remark.by", person=row.person, time=time)
    return _row(row.id, row.shape, words, [html.Strong(state), html.Em(by)], say)


def _missed(row: Missed, page: Handover, say: Say) -> html.Li:
    words = [say.name(row.kind_names), _place(row.grid_names, say), row.text]
    took = say("case.took", seconds=row.seconds) if row.seconds is not None else ""
    what = say("handover.late", milestone=say(f"milestone.{row.milestone}"), took=took)
    right = [
        html.Strong(what, className="verdict__word--miss"),
        html.Em(since(row.t0, page.now, page.time_zone)),
    ]
    return _row(row.id, row.shape, words, right, say)


def _note(row: NoteRow, page: Handover, say: Say) -> html.Li:
    by = say("remark.by", person=row.person, time=since(row.at, page.now, page.time_zone))
    about = say.name(row.kind_names) if row.kind_names else say("handover.of_shift")
    text = row.text or say("remark.hidden")
    way: Component = html.Span(about)
    if row.incident:
        way = html.A(about, href=incident_link(row.incident, say))
    return html.Li(
        [html.P(text, className="note__text"), html.P([way, f" · {by}"], className="note__by")],
        className="note",
    )


ITEMS = Panel(
    id="handed",
    leaves=tuple(
        leaf
        for name in ("pinned", "open", "missed", "notes")
        for leaf in (f"handed-{name}-heading", f"handed-{name}")
    ),
    draw=draw,
)
