"""The register of grids (网格台账): who looks after each, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from pipelines.errors import SettingsError
from pipelines.reading.register import Row, number, read_register
from pipelines.snapshot import Names

COLUMNS = ("grid", "item", "value", "as_of")
"""The columns a register must have; the others may be missing."""
_FIELDS = (*COLUMNS, "name_en", "checked", "right")


class Item(StrEnum):
    """What a row says of a grid."""

    LEADER = "leader"
    MEMBER = "member"
    POPULATION = "population"
    HOUSEHOLDS = "households"
    BUILDINGS = "buildings"
    SHOPS = "shops"
    KEY_PLACE = "key_place"


COUNTED = (Item.POPULATION, Item.HOUSEHOLDS, Item.BUILDINGS, Item.SHOPS)
"""The items whose value is a number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GridFact:
    """One row: a name or a number, as of a day.

    ``checked`` were looked at on the spot when it was audited, and ``right`` of them were right;
    both are None where nobody has audited it.
    """

    item: Item
    names: Names
    count: int | None
    as_of: date
    checked: int | None
    right: int | None


GridRegister = Mapping[str, tuple[GridFact, ...]]
"""What is known of each grid, by its code, in the order of the file."""


def load_grid_register(file: Path | None) -> GridRegister:
    """Read the register; without a file it is empty.

    Raises SettingsError naming file, line, column, value and rule.
    """
    if file is None:
        return {}
    known: dict[str, tuple[GridFact, ...]] = {}
    for code, fact in read_register(file, COLUMNS, _FIELDS, _entry):
        known[code] = (*known.get(code, ()), fact)
    return known


def _entry(row: Row, where: str) -> tuple[str, GridFact]:
    for name in COLUMNS:
        if not row[name]:
            raise SettingsError(f"{where}: column {name!r} is empty; every row needs one")
    if row["item"] not in list(Item):
        known = ", ".join(Item)
        raise SettingsError(
            f"{where}: column 'item', value {row['item']!r}: must be one of {known}"
        )
    item = Item(row["item"])
    checked, right = _audit(row, where)
    return row["grid"], GridFact(
        item=item,
        names={"zh": row["value"], "en": row["name_en"] or row["value"]},
        count=number(row, "value", where, int) if item in COUNTED else None,
        as_of=_day(row, where),
        checked=checked,
        right=right,
    )


def _day(row: Row, where: str) -> date:
    try:
        return date.fromisoformat(row["as_of"])
    except ValueError as error:
        raise SettingsError(
            f"{where}: column 'as_of', value {row['as_of']!r}: must be a day such as 2026-09-30"
        ) from error


def _audit(row: Row, where: str) -> tuple[int | None, int | None]:
    if not row["checked"] and not row["right"]:
        return None, None
    checked, right = (number(row, name, where, int) for name in ("checked", "right"))
    if not 0 <= right <= checked or not checked:
        raise SettingsError(
            f"{where}: columns 'checked' and 'right', values {checked} and {right}: "
            "of those that were checked so many were right; checked must be at least 1"
        )
    return checked, right
