"""The top of the lab: where one is, the question, and the filters that hold for all of it."""

from collections.abc import Mapping
from typing import Any

from dashboard.elements import html
from dashboard.panels.lab.links import desk_link, place_link
from dashboard.panels.panel import Leaves, Panel, data, labelled
from dashboard.text import Say
from pipelines.desk.board import WINDOWS
from pipelines.desk.lab_board import LabBoard
from pipelines.figures.query import UNLOCATED
from pipelines.model.clock import Reading
from pipelines.model.milestone import TARGETED


def draw(board: LabBoard, say: Say) -> Leaves:
    """Breadcrumb, labels, filters and the ways to the other pages."""
    return {
        "lab-crumbs": {"children": _crumbs(board, say)},
        "lab-ways": {"children": _ways(board, say)},
        "lab-filters": {"children": _filters(board, say)},
    }


def _crumbs(board: LabBoard, say: Say) -> list[object]:
    parts: list[object] = [html.H1(say("lab.title"))]
    for place, names in board.crumbs:
        text = say("desk.not_on_map") if place.get("grid") == UNLOCATED else say.name(names)
        parts.append(html.Span("›", className="crumb__between"))
        parts.append(html.A(text, href=place_link(board, say, place)))
    for key, is_so in (("synthetic", board.synthetic), ("schematic", board.schematic)):
        if is_so:
            parts.append(html.Span(say(f"header.{key}"), className="label"))
    return parts


def _ways(board: LabBoard, say: Say) -> list[html.A]:
    other = "en" if say.language == "zh" else "zh"
    return [
        html.A(say("lab.to_desk"), href=desk_link(board, say)),
        html.A(say("desk.to_wall"), href=f"/wall?lang={say.language}"),
        html.A(say("desk.other_language"), href="#", **data(filter_value=f"lang={other}")),
    ]


def _filters(board: LabBoard, say: Say) -> list[html.Label]:
    chosen = board.filters
    windows = {window: say(f"desk.window_{window}") for window in WINDOWS}
    targets = {str(m): say(f"milestone.{m}") for m in TARGETED}
    readings = {str(r): say(f"tile.{r}") for r in Reading}
    shown = [
        _choice("window", windows, board.window, say),
        _choice("milestone", targets, str(board.milestone), say),
        _choice("reading", readings, str(board.reading), say, key="lab.published"),
    ]
    for name in ("kind", "source", "shift"):
        choices = getattr(board, f"{name}s")
        if choices:
            named = {choice.code: say.name(choice.names) for choice in choices}
            options = {"": say("desk.any")} | named
            shown.append(_choice(name, options, chosen.get(name, ""), say))
    return shown


def _choice(
    name: str, options: Mapping[str, str], value: str, say: Say, *, key: str | None = None
) -> html.Label:
    label = say(key or (f"lab.{name}" if name == "shift" else f"desk.{name}"))
    attributes: dict[str, Any] = {**data(filter=name), **labelled(label)}
    items = [
        html.Option(text, value=code, selected="selected" if code == value else None)
        for code, text in options.items()
    ]
    return html.Label([html.Span(label), html.Select(items, **attributes)])


HEADING = Panel(id="lab", leaves=("lab-crumbs", "lab-ways", "lab-filters"), draw=draw)
