"""Ways from one lab to another, and to the rows behind it: the filters with something changed."""

from collections.abc import Mapping
from urllib.parse import urlencode

from dashboard.addresses import address
from dashboard.text import Say
from pipelines.desk.board import FILTERS as OF_DESK
from pipelines.desk.lab_board import FILTERS, LabBoard

_PLACES = ("area", "community", "grid")


def place_link(board: LabBoard, say: Say, place: Mapping[str, str]) -> str:
    """The same lab of another street, community or grid."""
    filters = {**board.filters, **dict.fromkeys(_PLACES, ""), **place}
    return _page("lab", {name: filters.get(name, "") for name in FILTERS}, say)


def desk_link(board: LabBoard, say: Say, **changes: str) -> str:
    """The desk with the same filters."""
    filters = {**board.filters, **changes}
    return address("desk", {name: filters.get(name, "") for name in OF_DESK}, say.language)


def _page(page: str, filters: Mapping[str, str], say: Say) -> str:
    given = {name: value for name, value in filters.items() if value}
    return f"/{page}?{urlencode({**given, 'lang': say.language})}"
