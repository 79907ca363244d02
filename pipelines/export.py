"""The rows behind a board, to take away: all of them, masked, and nothing that was not listed.

What is given away leaves the house, so more may have to be held back than on a screen: ``Guard`` is
where that is decided.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.freezing import definition_version
from pipelines.installation import Installation
from pipelines.listing import Listing, Row
from pipelines.snapshot import Names

Guard = Callable[[Listing], tuple[int, Iterator[Row]]]
"""Which rows of a list are given away, as they are or coarser, and how many that are."""

_STARTERS = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a text for a formula (OWASP, CSV injection)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """What an export says about itself, and its rows; good while the reading lasts."""

    area_names: Names
    labels: tuple[str, ...]
    filters: Mapping[str, str]
    as_of: datetime
    time_zone: str
    definition: str
    n: int
    rows: Iterator[Row]


def everything(listing: Listing) -> tuple[int, Iterator[Row]]:
    """The guard that holds nothing back: the rows of the list."""
    return listing.total, listing.each()


def read_export(
    installation: Installation,
    listing: Listing,
    filters: Mapping[str, str],
    *,
    guard: Guard = everything,
) -> Export:
    """The rows of a list that a guard lets through, and where they come from."""
    n, rows = guard(listing)
    return Export(
        area_names=installation.desk.areas.top.names,
        labels=installation.settings.labels,
        filters=filters,
        as_of=listing.as_of,
        time_zone=str(installation.desk.zone),
        definition=definition_version(installation),
        n=n,
        rows=rows,
    )


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(_STARTERS):
        return f"'{value}"
    return value
