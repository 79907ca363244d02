"""Ways from one board to another: every link is the present filters with something changed."""

from collections.abc import Mapping
from urllib.parse import urlencode

from dashboard.text import Say
from pipelines.board import FILTERS, Board

_PLACES = ("area", "community", "grid")


def board_link(board: Board, say: Say, **changes: str | None) -> str:
    """The board with other filters; None takes one away. Another place keeps everything else."""
    filters: dict[str, str | None] = {**board.filters, **changes}
    return _desk({name: filters.get(name) for name in FILTERS}, say)


def place_link(board: Board, say: Say, place: Mapping[str, str]) -> str:
    """The same board of another area or grid."""
    return board_link(board, say, **dict.fromkeys(_PLACES, None) | dict(place))


def incident_link(incident: str, say: Say) -> str:
    """The page of one incident."""
    return f"/incident?{urlencode({'id': incident, 'lang': say.language})}"


def _desk(filters: Mapping[str, str | None], say: Say) -> str:
    given = {name: value for name, value in filters.items() if value}
    return f"/desk?{urlencode({**given, 'lang': say.language})}"
