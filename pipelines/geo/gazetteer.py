"""The gazetteer (地名表): places an address that comes without coordinates, approximately.

An address is placed by the longest name that stands in it. Widths, cases, spaces and punctuation
do not count; numbers do: 3幢 stands in 钱江苑3幢, not in 钱江苑13幢 or 3-1幢.
"""

import csv
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from pipelines.errors import SettingsError
from pipelines.geo.coordinates import KNOWN, converter
from pipelines.model.fact import Flag, Statement
from pipelines.reading.options import Options

RULE = "placed by gazetteer"
"""How the flag of an approximate place begins; it is a remark, not a doubt."""

_LONGEST_ADDRESS = 200
_COLUMN = "(gazetteer)"
_NUMBERS = frozenset("0123456789零〇一二三四五六七八九十百千两")
_HYPHENS = frozenset("-‐‑‒–—―−~～")


class GazetteerSettings(Options):
    """Place names with their points, for addresses that come without coordinates."""

    file: str = Field(description="CSV with a header, UTF-8, relative to the config file.")
    name: str = Field(default="name", description="Column with the name of a place or building.")
    aliases: str | None = Field(
        default=None, description="Column with its other names, separated by `;` or `、`."
    )
    lat: str = Field(default="lat", description="Column with the latitude.")
    lon: str = Field(default="lon", description="Column with the longitude.")
    crs: str = Field(default="WGS-84", description=f"CRS of the file: {KNOWN}.")


@dataclass(frozen=True, slots=True)
class Entry:
    """A named point in WGS-84."""

    name: str
    lat: float
    lon: float


class Gazetteer:
    """Names by what is left of them when only letters and numbers count.

    A name that stands for two different points places nothing.
    """

    def __init__(self, names: Mapping[str, Entry | None]) -> None:
        self._names = dict(names)
        self._lengths = sorted({len(name) for name in names}, reverse=True)
        self.find = lru_cache(maxsize=4096)(self._find)

    def __len__(self) -> int:
        return len(self._names)

    def placed(self, statement: Statement) -> Statement:
        """The statement, with a point if it has an address and neither point nor grid."""
        place = statement.place
        if place is None or place.has_position or place.grid is not None or not place.address:
            return statement
        entry = self.find(place.address)
        if entry is None:
            return statement
        flag = Flag(_COLUMN, place.address, f"{RULE}: {entry.name}; the point is approximate")
        return statement._replace(
            place=place._replace(lat=entry.lat, lon=entry.lon), flags=(*statement.flags, flag)
        )

    def _find(self, address: str) -> Entry | None:
        """The entry with the longest name in an address; of equals, the one furthest right."""
        text = plain(address[:_LONGEST_ADDRESS])
        for length in self._lengths:
            for start in range(len(text) - length, -1, -1):
                name = text[start : start + length]
                if name in self._names and _is_whole(text, start, start + length):
                    return self._names[name]
        return None


def is_remark(flag: Flag) -> bool:
    """Whether a flag only says how an address was placed."""
    return flag.column == _COLUMN and flag.rule.startswith(RULE)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """What counts of a name or an address; a gap between numbers or between Latin words does."""
    signs = unicodedata.normalize("NFKC", text).lower()
    kept: list[str] = []
    between = ""
    for sign in signs:
        if sign.isalnum():
            if between and kept and _are_alike(kept[-1], sign):
                kept.append(between)  # 3 5 is not 35
            kept.append(sign)
            between = ""
        elif sign in _HYPHENS:
            between = "-"
        else:
            between = between or " "
    return "".join(kept)


def _are_alike(left: str, right: str) -> bool:
    """Whether two signs would read as one number or one word, side by side."""
    numbers = left in _NUMBERS and right in _NUMBERS
    return numbers or (left + right).isascii()


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether no number or Latin word is cut where a name begins and ends."""
    return not (_is_joined(text, start) or _is_joined(text, end))


def _is_joined(text: str, at: int) -> bool:
    if at in (0, len(text)):
        return False
    left, right = text[at - 1], text[at]
    if "-" in (left, right):
        return left in _NUMBERS or right in _NUMBERS  # 3 of 1-3 is not 3
    return " " not in (left, right) and _are_alike(left, right)


def load_gazetteer(file: Path, settings: GazetteerSettings) -> Gazetteer:
    """Read the names; raises SettingsError naming file, line, column, value and rule."""
    to_wgs84 = converter(settings.crs)
    entries: list[tuple[str, str, tuple[float, float]]] = list(_read(file, settings))
    points = [point for _, _, point in entries]
    converted = to_wgs84(points) if to_wgs84 is not None and points else points
    names: dict[str, Entry | None] = {}
    for (name, others, _), (lat, lon) in zip(entries, converted, strict=True):
        entry = Entry(name, lat, lon)
        for each in (name, *others.replace("、", ";").split(";")):
            key = plain(each)
            if key:
                known = names.get(key, entry)
                same = known is not None and (known.lat, known.lon) == (lat, lon)
                names[key] = known if same else None
    return Gazetteer(names)


def _read(
    file: Path, settings: GazetteerSettings
) -> Iterator[tuple[str, str, tuple[float, float]]]:
    columns = [settings.name, settings.lat, settings.lon]
    columns += [settings.aliases] if settings.aliases else []
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            missing = [name for name in columns if name not in (rows.fieldnames or ())]
            if missing:
                known = ", ".join(rows.fieldnames or ()) or "none"
                raise SettingsError(
                    f"{file}: there is no column {missing[0]!r}; there are: {known}"
                )
            for row in rows:
                yield _entry(row, settings, f"{file}:{rows.line_num}")
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{file}: is no CSV in UTF-8: {error}; save it as that") from error


def _entry(
    row: Mapping[str, str | None], settings: GazetteerSettings, where: str
) -> tuple[str, str, tuple[float, float]]:
    name = (row[settings.name] or "").strip()
    if not plain(name):
        raise SettingsError(f"{where}: {settings.name} = {name!r}: a place needs a name")
    point = []
    for column in (settings.lat, settings.lon):
        text = row[column] or ""
        try:
            point.append(float(text))
        except ValueError as error:
            rule = "must be a number of degrees"
            raise SettingsError(f"{where}: {column} = {text!r}: {rule}") from error
    return name, (row.get(settings.aliases or "") or ""), (point[0], point[1])
