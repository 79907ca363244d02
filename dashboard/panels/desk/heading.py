"""The top of the desk: where one is, and the filters that hold for everything below."""

from collections.abc import Iterable, Mapping
from typing import Any

from dash import dcc, html

from dashboard.panels.desk.links import place_link
from dashboard.panels.labels import honest_labels
from dashboard.panels.panel import Leaves, Panel, data, labelled
from dashboard.text import Say
from pipelines.board import WINDOWS, Board, Choice
from pipelines.model.clock import Reading, Verdict
from pipelines.model.milestone import TARGETED
from pipelines.query import UNLOCATED


def draw(board: Board, say: Say) -> Leaves:
    """Breadcrumb, labels, filters and the ways to the other pages."""
    return {
        "desk-crumbs": {"children": _crumbs(board, say)},
        "desk-filters": {"children": _filters(board, say)},
        "desk-ways": {"children": _ways(board, say)},
    }


def _crumbs(board: Board, say: Say) -> list[object]:
    parts: list[object] = []
    last = len(board.crumbs) - 1
    for i, (place, names) in enumerate(board.crumbs):
        if i:
            parts.append(html.Span("›", className="crumb__between"))
        text = say("desk.not_on_map") if place.get("grid") == UNLOCATED else say.name(names)
        parts.append(
            html.H1(text) if i == last else html.A(text, href=place_link(board, say, place))
        )
    return [*parts, *honest_labels(board.labels, say)]


def _filters(board: Board, say: Say) -> list[html.Label]:
    windows = {window: say(f"desk.window_{window}") for window in WINDOWS}
    targets = {str(m): say(f"milestone.{m}") for m in TARGETED}
    readings = {str(r): say(f"tile.{r}") for r in Reading}
    verdicts = {"": say("desk.any")} | {str(v): say(f"verdict.{v}") for v in Verdict}
    chosen = board.filters
    return [
        _choice("window", windows, board.window, say),
        _choice("kind", _named(board.kinds, say), chosen.get("kind", ""), say),
        _choice("source", _named(board.sources, say), chosen.get("source", ""), say),
        _choice("milestone", targets, str(board.milestone), say),
        _choice("reading", readings, str(board.reading), say),
        _choice("verdict", verdicts, chosen.get("verdict", ""), say),
        _search(chosen.get("q", ""), say),
    ]


def _named(choices: Iterable[Choice], say: Say) -> dict[str, str]:
    return {"": say("desk.any")} | {choice.code: say.name(choice.names) for choice in choices}


def _choice(name: str, options: Mapping[str, str], value: str, say: Say) -> html.Label:
    label = say(f"desk.{name}")
    attributes: dict[str, Any] = {**data(filter=name), **labelled(label)}
    items = [
        html.Option(text, value=code, selected="selected" if code == value else None)
        for code, text in options.items()
    ]
    return html.Label([html.Span(label), html.Select(items, **attributes)])


def _search(value: str, say: Say) -> html.Label:
    label = say("desk.search")
    attributes: dict[str, Any] = {**data(filter="q"), **labelled(label)}
    box = dcc.Input(value=value, type="search", maxLength=80, id="desk-search")
    return html.Label([html.Span(label), html.Span(box, **attributes)])


def _ways(board: Board, say: Say) -> list[html.A]:
    other = "en" if say.language == "zh" else "zh"
    return [
        html.A(say("desk.to_wall"), href=f"/wall?lang={say.language}"),
        html.A(say("desk.to_sources"), href=f"/sources?lang={say.language}"),
        html.A(say("desk.to_lab"), href=f"/lab?lang={say.language}"),
        html.A(say("desk.other_language"), href="#", **data(filter_value=f"lang={other}")),
    ]


HEADING = Panel(id="desk", leaves=("desk-crumbs", "desk-filters", "desk-ways"), draw=draw)
