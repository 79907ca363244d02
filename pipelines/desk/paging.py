"""A page of the rows behind the figures: so many of them, from so far on, in an order.

A page is read off the census of the window, as the desk's list is, so that it costs what it holds
and not what lies before it. As known at an earlier moment, and for one shift, all rows are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pipelines.desk.board_filters import DEFAULT_COLUMNS, Asked, Shade, Versus
from pipelines.desk.judged_order import JUDGED
from pipelines.desk.listing import OrderMemory, RowMemory, in_order, read_listing
from pipelines.errors import QueryError
from pipelines.figures.census import CensusMemory
from pipelines.figures.groups import Query, check_places
from pipelines.figures.query import ROW, rows
from pipelines.installation import Installation
from pipelines.privacy.clearance import Clearance
from pipelines.privacy.masking import in_rows
from pipelines.store.store import Reader

PAGING = ("limit", "offset", "sort")
"""The parameters of a page, beside those of the question."""
SORTS = tuple(f"{sign}{name}" for name in ("t0", *JUDGED) for sign in ("", "-"))
"""What rows can be sorted by; with a minus from the highest down."""
LIMIT_MOST = 10_000
OFFSET_MOST = 10**9


@dataclass(frozen=True, kw_only=True, slots=True)
class Paging:
    """Which of the rows; all of them where ``limit`` is None."""

    limit: int | None = None
    offset: int = 0
    sort: str = "t0"


class Page(NamedTuple):
    """Some rows, and how many there are in all."""

    rows: list[dict[str, Any]]
    total: int


def paging_in(parameters: Mapping[str, str]) -> Paging:
    """The page that is asked for; raises QueryError naming parameter, value and what is allowed."""
    given = {name: parameters[name] for name in PAGING if parameters.get(name)}
    sort = given.get("sort", "t0")
    if sort not in SORTS:
        raise QueryError(f"sort = {sort!r}: must be one of: {', '.join(SORTS)}")
    limit = _number(given, "limit", 1, LIMIT_MOST) if "limit" in given else None
    offset = _number(given, "offset", 0, OFFSET_MOST) if "offset" in given else 0
    return Paging(limit=limit, offset=offset, sort=sort)


def _number(given: Mapping[str, str], name: str, least: int, most: int) -> int:
    text = given[name]
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    if not (is_number and least <= int(text) <= most):
        raise QueryError(f"{name} = {text!r}: must be a whole number from {least} to {most}")
    return int(text)


def read_rows(
    reader: Reader,
    installation: Installation,
    query: Query,
    paging: Paging,
    *,
    clearance: Clearance,
    memory: CensusMemory,
    version: int | None = None,
) -> Page:
    """The rows of a question, masked; ``version`` is as for :class:`CensusMemory`."""
    if paging.limit is None or query.known_at is not None or query.shift is not None:
        found = in_order(rows(reader, query, installation.desk), paging.sort)
        wanted = found[paging.offset :][: paging.limit]
        sensitive = installation.settings.sensitive_kinds
        return Page([in_rows(row, sensitive, clearance) for row in wanted], len(found))
    check_places(query, installation.desk)
    census = memory.census(reader, installation.desk, query, version=version)
    listing = read_listing(
        reader,
        installation,
        _asked(query, paging.sort),
        census.chosen(query, installation.desk),
        memory=OrderMemory(),
        rows=RowMemory(),
        clearance=clearance,
    )
    page = listing.page(paging.offset, paging.limit)
    return Page([{name: row[name] for name in ROW} for row in page], listing.total)


def _asked(query: Query, sort: str) -> Asked:
    """The question as a list has it."""
    return Asked(
        query=query,
        window="",
        versus=Versus.NONE,
        before=None,
        shade=Shade.INCIDENTS,
        sought=None,
        sort=sort,
        columns=DEFAULT_COLUMNS,
    )
