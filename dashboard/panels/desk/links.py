"""Ways from one board to another: every link is the present filters with something changed."""

from collections.abc import Mapping

from dashboard.addresses import address
from dashboard.text import Say
from pipelines.desk.board import FILTERS, Board
from pipelines.figures.groups import UNLOCATED

_PLACES = ("area", "community", "grid")


def board_link(board: Board, say: Say, **changes: str | None) -> str:
    """The board with other filters; None takes one away. Another place keeps everything else.

    ``from`` and ``to`` are written ``from_`` and ``to``.
    """
    given = {name.rstrip("_"): value for name, value in changes.items()}
    filters: dict[str, str | None] = {**board.filters, **given}
    return address("desk", {name: filters.get(name) for name in FILTERS}, say.language)


def place_link(board: Board, say: Say, place: Mapping[str, str]) -> str:
    """The same board of another area; of a grid, the page that it has of its own."""
    code = place.get("grid")
    if code is not None and code != UNLOCATED:
        kept = {name: v for name, v in board.filters.items() if name not in _PLACES}
        return address("grid", {"code": code, **kept}, say.language)
    return board_link(board, say, **dict.fromkeys(_PLACES, None) | dict(place))


def toggled(board: Board, name: str, code: str) -> str | None:
    """The values of a filter that may have several, with one more or one fewer; None for all."""
    chosen = [one for one in board.filters.get(name, "").split(",") if one]
    after = [one for one in chosen if one != code] if code in chosen else [*chosen, code]
    return ",".join(after) or None


def incident_link(incident: str, say: Say) -> str:
    """The page of one incident."""
    return address("incident", {"id": incident}, say.language)
