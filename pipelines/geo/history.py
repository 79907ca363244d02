"""The grids through time: each version of the boundaries is valid from one moment to the next.

An incident lies in the grid of its day: the version valid at its t0 says which. A code stands for
one place in the tree of areas, in every version; its outline may change.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.errors import SettingsError
from pipelines.geo.grids import Grid, Grids, grids_of, load_grids, no_grids, read_boundaries
from pipelines.geo.settings import GridSettings
from pipelines.model.place import NOT_ON_MAP

_FIELDS = (
    "name_en",
    "parent_name",
    "parent_name_en",
    "street",
    "street_name",
    "street_name_en",
)
_MS = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One version of the boundaries. The first is valid from the beginning, whatever it says."""

    valid_from: datetime | None
    grids: Grids
    file: Path | None = None

    @property
    def from_ms(self) -> int | None:
        """When it begins to be valid, in milliseconds since 1970."""
        return None if self.valid_from is None else round(self.valid_from.timestamp() / _MS)


class GridHistory:
    """Every version of the grids, in order; asked by code, or by position and moment.

    Raises SettingsError when the versions do not follow each other, or give one code to grids of
    two communities or streets.
    """

    def __init__(self, versions: Sequence[Version]) -> None:
        self.versions = tuple(versions)
        self._starts = [version.from_ms or 0 for version in versions[1:]]
        self._by_code: dict[str, Grid] = {}
        for before, after in zip(self.versions, self.versions[1:], strict=False):
            if (after.from_ms or 0) <= (before.from_ms if before.from_ms is not None else -1):
                raise SettingsError(
                    f"{after.file} [grids.versions]: valid_from = "
                    f"{_shown(after.valid_from)}: must be later than that of the version before, "
                    f"{_shown(before.valid_from)}"
                )
        for version in self.versions:
            for grid in version.grids:
                known = self._by_code.get(grid.code, grid)
                if (known.parent, known.street) != (grid.parent, grid.street):
                    raise SettingsError(
                        f"{version.file}: the grid {grid.code!r} lies in "
                        f"{grid.parent or grid.street!r}, in an earlier version in "
                        f"{known.parent or known.street!r}; give a grid that moves another code"
                    )
                self._by_code[grid.code] = grid

    def __iter__(self) -> Iterator[Grid]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)

    @property
    def repaired(self) -> tuple[str, ...]:
        """The grids whose polygons were invalid in some version, and were mended."""
        found = (code for version in self.versions for code in version.grids.repaired)
        return tuple(dict.fromkeys(found))

    @property
    def has_several(self) -> bool:
        """True when a position alone does not say the grid."""
        return len(self.versions) > 1

    def index_at(self, ms: int) -> int:
        """Which version is valid at a moment, in milliseconds since 1970."""
        return bisect_right(self._starts, ms)

    def at(self, moment: datetime) -> Grids:
        """The version that is valid at a moment."""
        return self.versions[self.index_at(int(moment.timestamp() / _MS))].grids

    def between(self, begin: datetime, end: datetime) -> tuple[Version, ...]:
        """The versions that are valid at some moment of [begin, end)."""
        first = self.index_at(int(begin.timestamp() / _MS))
        last = self.index_at(max(int(end.timestamp() / _MS) - 1, int(begin.timestamp() / _MS)))
        return self.versions[first : last + 1]

    def edition(self, begin: datetime, end: datetime) -> str:
        """What the versions of a span are called: their hashes, in order."""
        return "+".join(version.grids.version for version in self.between(begin, end))

    def get(self, code: str) -> Grid:
        """The grid with this code, as its latest version says; an unknown one stands for itself."""
        return self._by_code.get(code) or Grid(code=code, name=code, parent=NOT_ON_MAP)

    def doubt(self, lat: float, lon: float) -> str | None:
        """Why a position cannot be right in any version, if it cannot."""
        doubt = None
        for version in reversed(self.versions):
            doubt = version.grids.doubt(lat, lon)
            if doubt is None:
                return None
        return doubt


def one_version(grids: Grids) -> GridHistory:
    """Boundaries that never changed."""
    return GridHistory([Version(valid_from=None, grids=grids)])


def load_history(
    settings: GridSettings | None, path: Callable[[str], Path], zone: ZoneInfo
) -> GridHistory:
    """Read every version that is configured; a moment without a zone is local to the area.

    Raises SettingsError naming file, key, value and rule.
    """
    if settings is None:
        return one_version(no_grids())
    more = {field: column for field in _FIELDS if (column := getattr(settings, field))}
    said: dict[str, Any] = {
        "code": settings.code,
        "name": settings.name,
        "parent": settings.parent,
        "more": more,
    }
    if settings.valid_from or settings.valid_to:
        return GridHistory(_dated(path(settings.file or ""), settings, said, zone))
    versions = [(v.file, v.valid_from) for v in settings.versions] or [(settings.file or "", None)]
    return GridHistory(
        [
            Version(
                valid_from=None if begins is None else _aware(begins, zone),
                grids=load_grids(path(file), crs=settings.crs, **said),
                file=path(file),
            )
            for file, begins in versions
        ]
    )


def _dated(
    file: Path, settings: GridSettings, said: dict[str, Any], zone: ZoneInfo
) -> list[Version]:
    """The versions that the dates of each grid of one file make."""
    dates = [column for column in (settings.valid_from, settings.valid_to) if column]
    plain = [column for column in (settings.code, settings.name, settings.parent) if column]
    frame = read_boundaries(file, (*plain, *said["more"].values(), *dates), settings.crs)
    begins = _moments(frame, settings.valid_from, file, zone)
    ends = _moments(frame, settings.valid_to, file, zone)
    for begin, end in zip(begins, ends, strict=True):
        if begin is not None and end is not None and end <= begin:
            raise SettingsError(
                f"{file}: column {settings.valid_to!r}, value {_shown(end)}: "
                f"must be later than {settings.valid_from!r}, {_shown(begin)}"
            )
    starts = sorted({moment for moment in (*begins, *ends) if moment is not None})
    versions: list[Version] = []
    for start in (None, *starts):
        valid = [
            (begin is None or (start is not None and begin <= start))
            and (end is None or start is None or start < end)
            for begin, end in zip(begins, ends, strict=True)
        ]
        if any(valid) or versions:
            grids = grids_of(frame[valid], file, **said)
            versions.append(Version(valid_from=start, grids=grids, file=file))
    return versions


def _moments(frame: Any, column: str | None, file: Path, zone: ZoneInfo) -> list[datetime | None]:
    if column is None:
        return [None] * len(frame)
    moments = []
    for value, missing in zip(frame[column], frame[column].isna(), strict=True):
        text = "" if missing else str(value).strip()
        try:
            moments.append(_aware(datetime.fromisoformat(text), zone) if text else None)
        except ValueError as error:
            raise SettingsError(
                f"{file}: column {column!r}, value {text!r}: must be a date or a time, "
                "such as 2026-03-01"
            ) from error
    return moments


def _aware(moment: datetime, zone: ZoneInfo) -> datetime:
    local = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return local.astimezone(UTC)


def _shown(moment: datetime | None) -> str:
    return "the beginning" if moment is None else moment.isoformat()
