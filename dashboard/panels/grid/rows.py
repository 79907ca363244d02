"""The incidents of a grid: the open ones with their clocks, or those behind a chosen number."""

from dashboard.elements import html
from dashboard.panels.desk.links import incident_link
from dashboard.panels.grid.links import grid_link
from dashboard.panels.open_list import state_attributes, times
from dashboard.panels.open_row import open_row
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import since
from pipelines.gridfile.file import GridFile, GridSheet
from pipelines.gridfile.picks import Picked, PickedRow
from pipelines.model.milestone import Milestone
from pipelines.snapshot import OpenIncident


def draw(file: GridFile, say: Say) -> Leaves:
    """A row an incident; each leads to its own page."""
    grid = file.grid
    if grid is None:
        return {"gridrows-heading": {"children": []}, "gridrows-list": {"children": []}}
    if grid.picked is None:
        return _open(grid, say)
    return _chosen(grid.picked, file, say)


def _open(grid: GridSheet, say: Say) -> Leaves:
    steps = {line.milestone: f"{line.target_s / 60:.2g}" for line in grid.strip}
    rows = [_open_row(incident, steps, say) for incident in grid.open]
    heading = [say("grid.open_now"), html.Em(str(grid.open_total))]
    nothing = [html.Li(say("open.none"), className="empty")]
    return {
        "gridrows-heading": {"children": heading},
        "gridrows-list": {"children": rows or nothing},
    }


def _open_row(incident: OpenIncident, steps: dict[Milestone, str], say: Say) -> html.Li:
    return open_row(
        incident,
        steps,
        say,
        words=(incident.address, incident.title),
        times=times(incident, say),
        attributes=state_attributes(incident),
    )


def _chosen(picked: Picked, file: GridFile, say: Say) -> Leaves:
    back = html.A(say("grid.back_to_open"), href=grid_link(file.code, say, theme=file.theme))
    shown = len(picked.rows)
    count = str(picked.total) if shown == picked.total else say("desk.newest", n=shown)
    rows = [_row(row, file, say) for row in picked.rows]
    return {
        "gridrows-heading": {"children": [_title(picked, say), html.Em(count), back]},
        "gridrows-list": {"children": rows or [html.Li(say("desk.no_rows"), className="empty")]},
    }


def _title(picked: Picked, say: Say) -> str:
    word, _, rest = picked.pick.partition(".")
    if word == "place":
        return say.name(picked.names) if picked.names else say("grid.repeats")
    if word == "heat":
        return say("grid.heat")
    if word == "handling":
        return say(f"grid.{rest}")
    if word in ("open", "missed"):
        return say(f"grid.picked_{word}")
    milestone = say(f"milestone.{word}")
    return say("grid.picked_verdict", milestone=milestone, verdict=say(f"verdict.{rest}"))


def _row(row: PickedRow, file: GridFile, say: Say) -> html.Li:
    took = say("case.took", seconds=row.seconds) if row.seconds is not None else ""
    return html.Li(
        html.A(
            [
                html.Span(since(row.t0, file.now, file.time_zone), className="case-row__time"),
                html.I(className=f"shape shape--{row.shape}"),
                html.Span(say.name(row.kind_names), className="may-clip"),
                html.Span(row.text, className="case-row__text may-clip"),
                html.Span(took, className="case-row__took"),
                html.Span(
                    [
                        html.I(className=f"verdict__mark verdict__mark--{row.verdict}"),
                        say(f"verdict.{row.verdict}"),
                    ],
                    className=f"verdict__word verdict__word--{row.verdict}",
                ),
            ],
            href=incident_link(row.id, say),
            className="case-row grid-case",
        )
    )


ROWS = Panel(id="gridrows", leaves=("gridrows-heading", "gridrows-list"), draw=draw)
