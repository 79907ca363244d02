"""The parts of an area down to its grids, and kinds: in their own order, never ranked."""

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.desk.links import board_link, place_link, toggled
from dashboard.panels.desk.tiles import compared
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import DASH, date_and_minute
from dashboard.text.rate import rate_text
from pipelines.desk.board import Board, Part
from pipelines.figures.query import By


def draw(board: Board, say: Say) -> Leaves:
    """A row a part, each with its k/n and, where n allows, its share and interval."""
    heading = (
        [say(f"areas.{board.parts_by}"), *_notes(board, say)]
        if board.parts
        else say("desk.no_parts")
    )
    most = max((part.incidents for part in board.parts), default=0)
    return {
        "parts-heading": {"children": heading},
        "parts-rows": {
            "children": [
                row(
                    board,
                    part,
                    say,
                    most=most,
                    href=place_link(board, say, _filter(board, part)),
                    misses=_filter(board, part),
                )
                for part in board.parts
            ]
        },
    }


def _notes(board: Board, say: Say) -> list[html.Em]:
    """That the list is no ranking; and when its grids changed, if they did in the window."""
    notes = [html.Em(say("desk.by_code"))]
    if board.grids_changed_at is not None:
        day = date_and_minute(board.grids_changed_at, board.time_zone)
        notes.append(html.Em(say("desk.grids_changed", time=day), className="parts__changed"))
    return notes


def draw_kinds(board: Board, say: Say) -> Leaves:
    """A row a kind that there was."""
    most = max((part.incidents for part in board.by_kind), default=0)
    chosen = board.filters.get("kind", "").split(",")
    rows = [
        row(
            board,
            part,
            say,
            most=most,
            href=board_link(board, say, kind=toggled(board, "kind", part.code)),
            misses={"kind": part.code},
            is_on=part.code in chosen,
        )
        for part in board.by_kind
    ]
    none = html.Li(say("desk.no_rows"), className="part__none")
    return {
        "kinds-heading": {"children": [say("desk.kinds"), html.Em(say("desk.in_order"))]},
        "kinds-rows": {"children": rows or [none]},
    }


def row(
    board: Board,
    part: Part,
    say: Say,
    *,
    most: int,
    href: str,
    misses: dict[str, str],
    is_on: bool = False,
) -> html.Li:
    """One part: how many incidents, k/n, and the way to those that missed."""
    rate = rate_text(part.figures, None)
    late = part.figures.get("miss") or 0
    rest = "" if rate.percent is None else f"{rate.percent}%"
    bounds = "" if rate.interval is None else f"[{rate.interval[0]}–{rate.interval[1]}]"
    missed: Component = html.Span("0", className="part__miss is-none")
    if late:
        to = board_link(board, say, **{**misses, "verdict": "miss"})
        missed = html.A(say("desk.missed", n=late), href=to, className="part__miss")
    share = f"{100 * part.incidents / most:.1f}%" if most else "0%"
    shape = [html.I(className=f"shape shape--{part.shape}")] if part.shape else []
    return html.Li(
        [
            html.A([*shape, html.Span(_name(part, say), className="may-clip")], href=href,
                   className="part__name"),
            html.Span(say("desk.n", n=part.incidents), className="part__n"),
            html.Span(rate.fraction, className="part__fraction"),
            html.Span(rest, className="part__share" + (" is-greyed" if rate.greyed else "")),
            missed,
            html.Span(html.I(style={"width": share}), className="part__bar"),
            html.Span(_scope(part, bounds, say), className="part__scope"),
        ],
        className="part" + (" is-on" if is_on else ""),
        title=compared(board, part.before, say),
    )  # fmt: skip


def _scope(part: Part, bounds: str, say: Say) -> str:
    """The interval, and what it was in the span that is compared with."""
    if part.before is None:
        return bounds
    rate = rate_text(part.before, None)
    share = "" if rate.percent is None else f" {rate.percent}%"
    before = (
        "" if rate.fraction == DASH else say("desk.compared_short", figure=rate.fraction + share)
    )
    return " · ".join(text for text in (bounds, before) if text)


def _filter(board: Board, part: Part) -> dict[str, str]:
    by = board.parts_by
    return {str(by) if by in (By.COMMUNITY, By.GRID) else "area": part.code}


def _name(part: Part, say: Say) -> str:
    return say.name(part.names) if part.is_named else say(f"desk.{part.code}")


PARTS = Panel(id="parts", leaves=("parts-heading", "parts-rows"), draw=draw)
KINDS = Panel(id="kinds", leaves=("kinds-heading", "kinds-rows"), draw=draw_kinds)
