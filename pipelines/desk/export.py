"""The rows behind a board, to take away: all of them, masked, and nothing that was not listed.

What is given away leaves the house. Whoever may work on incidents gets the rows of the list; to
others go rows without what names a case, and coarser where fewer than k are alike (``Guard``).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pipelines.desk.listing import Listing, Row
from pipelines.figures.freezing import definition_version
from pipelines.installation import Installation
from pipelines.privacy.anonymity import Step, k_anonymous, replaced
from pipelines.snapshot import Names


class Released(NamedTuple):
    """What of a list is given away: how many rows, and which.

    Where fewer than ``k`` were alike, some are ``coarser`` and some held back (``suppressed``).
    """

    n: int
    rows: Iterator[Row]
    k: int | None = None
    coarser: int = 0
    suppressed: int = 0


Guard = Callable[[Listing], Released]
"""Which rows of a list are given away, as they are or coarser."""

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
    released: Released

    @property
    def n(self) -> int:
        """How many rows are given away."""
        return self.released.n

    @property
    def rows(self) -> Iterator[Row]:
        """What is given away, in the order of the list."""
        return self.released.rows


def everything(listing: Listing) -> Released:
    """The guard that holds nothing back: the rows of the list."""
    return Released(listing.total, listing.each())


_NAMING = ("id", "incident_key", "address", "title", "closed")
"""What names a case, or nearly: a number, a text, a moment to the second."""
_ALIKE = ("grid", "community", "t0", "kind", "severity")
"""What could tell a case apart together: where, when and what."""


def anonymous(k: int, zone: ZoneInfo) -> Guard:
    """The guard that lets out only rows of which at least k are alike."""

    def guard(listing: Listing) -> Released:
        rows = [_nameless(row, zone) for row in listing.each()]
        found = k_anonymous(rows, _ALIKE, _STEPS, k=k)
        kept = (dict(row) for row in found.rows)
        return Released(len(found.rows), kept, k, found.coarser, found.suppressed)

    return guard


def _nameless(row: Row, zone: ZoneInfo) -> Row:
    """A row with its durations and verdict, the local day in place of every stamp, and no words."""
    day = datetime.fromisoformat(row["t0"]).astimezone(zone).date().isoformat()
    return {**row, **dict.fromkeys(_NAMING, ""), "stamps": {}, "t0": day}


def _of_the_community(row: Mapping[str, Any]) -> Row:
    return {**row, "grid": "", "grid_names": {}}


def _of_the_whole(row: Mapping[str, Any]) -> Row:
    return {**row, "community": "", "community_names": {}}


_STEPS: tuple[Step, ...] = (
    _of_the_community,
    replaced("severity", lambda _: None),
    replaced("t0", lambda day: day[:7]),
    _of_the_whole,
    replaced("t0", lambda day: day[:4]),
)
"""What becomes coarser, one after the other: place, then time."""


def read_export(
    installation: Installation,
    listing: Listing,
    filters: Mapping[str, str],
    *,
    guard: Guard = everything,
) -> Export:
    """The rows of a list that a guard lets through, and where they come from."""
    return Export(
        area_names=installation.desk.areas.top.names,
        labels=installation.settings.labels,
        filters=filters,
        as_of=listing.as_of,
        time_zone=str(installation.desk.zone),
        definition=definition_version(installation),
        released=guard(listing),
    )


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(_STARTERS):
        return f"'{value}"
    return value
