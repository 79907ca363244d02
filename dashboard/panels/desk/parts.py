"""The parts of an area, down to the grids of a community: a list by code, never a league table."""

from dash import html
from dash.development.base_component import Component

from dashboard.panels.desk.links import board_link, place_link
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import date_and_minute
from dashboard.text.rate import rate_text
from pipelines.board import Board, Part
from pipelines.query import By


def draw(board: Board, say: Say) -> Leaves:
    """A row a part, each with its k/n and, where n allows, its share and interval."""
    heading = (
        [say(f"areas.{board.parts_by}"), *_notes(board, say)]
        if board.parts
        else say("desk.no_parts")
    )
    return {
        "parts-heading": {"children": heading},
        "parts-rows": {"children": [_row(board, part, say) for part in board.parts]},
    }


def _notes(board: Board, say: Say) -> list[html.Em]:
    """That the list is no ranking; and when its grids changed, if they did in the window."""
    notes = [html.Em(say("desk.by_code"))]
    if board.grids_changed_at is not None:
        day = date_and_minute(board.grids_changed_at, board.time_zone)
        notes.append(html.Em(say("desk.grids_changed", time=day), className="parts__changed"))
    return notes


def _row(board: Board, part: Part, say: Say) -> html.Li:
    rate = rate_text(part.figures, None)
    misses = part.figures.get("miss") or 0
    place = _filter(board, part)
    rest = "" if rate.percent is None else f"{rate.percent}%"
    bounds = "" if rate.interval is None else f"[{rate.interval[0]}–{rate.interval[1]}]"
    missed: Component = html.Span("0", className="part__miss is-none")
    if misses:
        href = board_link(board, say, **{**place, "verdict": "miss"})
        missed = html.A(str(misses), href=href, className="part__miss")
    return html.Li(
        [
            html.A(_name(part, say), href=place_link(board, say, place), className="may-clip"),
            html.Span(rate.fraction, className="part__fraction"),
            html.Span(rest, className="part__share" + (" is-greyed" if rate.greyed else "")),
            html.Span(bounds, className="part__bounds"),
            missed,
        ],
        className="part",
    )


def _filter(board: Board, part: Part) -> dict[str, str]:
    by = board.parts_by
    return {str(by) if by in (By.COMMUNITY, By.GRID) else "area": part.code}


def _name(part: Part, say: Say) -> str:
    return say.name(part.names) if part.is_place else say(f"desk.{part.code}")


PARTS = Panel(id="parts", leaves=("parts-heading", "parts-rows"), draw=draw)
