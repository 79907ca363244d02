"""One community at a time: what is open there, and how it has been doing."""

from dashboard.elements import html
from dashboard.panels.open_list import row, step_labels
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import DASH
from pipelines.snapshot import CommunityState, Due, OpenIncident, Snapshot

_MOST_ROWS = 12


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """The community in turn; empty in every other scene."""
    state = _in_turn(snapshot)
    if state is None:
        return {
            "focus-heading": {"children": []},
            "focus-figures": {"children": []},
            "focus-rows": {"children": []},
            "focus-more": {"children": []},
        }
    rows = _incidents(state, snapshot)
    return {
        "focus-heading": {"children": _heading(state, say)},
        "focus-figures": {"children": _figures(state, snapshot, say)},
        "focus-rows": {"children": _rows(rows, snapshot, say)},
        "focus-more": {
            "children": [html.P(className="open__more", **data(total=max(state.open, len(rows))))]
        },
    }


def _in_turn(snapshot: Snapshot) -> CommunityState | None:
    board = snapshot.communities
    code = snapshot.stage.community
    if board is None or not code:
        return None
    return next((c for c in board.communities if c.code == code), None)


def _heading(state: CommunityState, say: Say) -> list[object]:
    return [say.name(state.names), html.Em(say("focus.grids", n=len(state.grids)))]


def _figures(state: CommunityState, snapshot: Snapshot, say: Say) -> list[html.Div]:
    board, complaints, devices = snapshot.communities, snapshot.complaints, snapshot.devices
    days = board.days if board is not None else 0
    known = f"{state.hit}/{state.known}" if state.known else DASH
    quiet = f"{board.known_days if board is not None else 0}+"
    if state.quiet_days is not None:
        quiet = str(state.quiet_days)
    figures = [
        _figure(str(state.open), say("focus.open")),
        _figure(known, say("focus.arrived", n=days)),
        _figure(quiet if state.known else DASH, say("focus.quiet")),
    ]
    if complaints is not None and complaints.has_targets:
        overdue = complaints.by_community.get(state.code, {}).get(Due.OVERDUE, 0)
        figures.append(_figure(str(overdue), say("focus.overdue"), "is-missed" if overdue else ""))
    if devices is not None:
        figures.append(_figure(str(devices.communities.get(state.code, 0)), say("focus.devices")))
    return figures


def _figure(text: str, label: str, state: str = "") -> html.Div:
    return html.Div([html.Strong(text), html.Span(label)], className=f"figure {state}")


def _incidents(state: CommunityState, snapshot: Snapshot) -> list[OpenIncident]:
    """Those of the open list, and the complaints that are not in it."""
    found = [i for i in snapshot.open if i.community == state.code]
    known = {i.id for i in found}
    due = snapshot.complaints.rows if snapshot.complaints is not None else ()
    return [*found, *(i for i in due if i.community == state.code and i.id not in known)]


def _rows(rows: list[OpenIncident], snapshot: Snapshot, say: Say) -> list[html.Li]:
    if not rows:
        return [html.Li(say("open.none"), className="open__none")]
    steps = step_labels(snapshot)
    return [row(incident, steps, say) for incident in rows[:_MOST_ROWS]]


FOCUS = Panel(
    id="focus", leaves=("focus-heading", "focus-figures", "focus-rows", "focus-more"), draw=draw
)
