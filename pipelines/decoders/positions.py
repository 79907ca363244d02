"""Reading coordinates as sources write them."""

import re
from collections.abc import Callable
from typing import Self

from pydantic import Field, field_validator, model_validator

from pipelines.model.fact import Flag
from pipelines.reading.options import Options


class PositionColumns(Options):
    """Where the coordinates are: two columns, or one with a pattern naming ``lat`` and ``lon``."""

    lat: str | None = Field(default=None, description="Column with the latitude.")
    lon: str | None = Field(default=None, description="Column with the longitude.")
    column: str | None = Field(default=None, description="One column with both.")
    pattern: str = Field(
        default=r"\(?\s*(?P<lat>-?[\d.]+)\s*,\s*(?P<lon>-?[\d.]+)\s*\)?",
        description="Where `lat` and `lon` are in that column.",
    )

    @field_validator("pattern")
    @classmethod
    def _names_both(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"must be a regular expression: {error}") from error
        if not {"lat", "lon"} <= set(groups):
            raise ValueError("must have the groups (?P<lat>…) and (?P<lon>…)")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        two = self.lat is not None and self.lon is not None
        one = self.column is not None and self.lat is None and self.lon is None
        if not one and (not two or self.column is not None):
            raise ValueError('needs either "lat" and "lon", or "column"')
        return self


TextOf = Callable[[str], str | None]
"""The text of a column, None where it says nothing."""

Position = tuple[float | None, float | None]

PositionReader = Callable[[TextOf, list[Flag]], Position]
"""Gives (lat, lon) as the source writes them; a doubt becomes a flag."""


def position_reader(columns: PositionColumns | None) -> PositionReader | None:
    """A reader of the coordinates in these columns; None when none are configured."""
    if columns is None:
        return None
    if columns.column is not None:
        return _from_one_column(columns.column, re.compile(columns.pattern))
    return _from_two_columns(columns.lat or "", columns.lon or "")


def _from_one_column(column: str, pattern: re.Pattern[str]) -> PositionReader:
    def read(text_of: TextOf, flags: list[Flag]) -> Position:
        text = text_of(column)
        if text is None:
            return None, None
        match = pattern.search(text)
        if match is None:
            return _no_position(column, text, flags)
        return _numbers(match["lat"], match["lon"], column, text, flags)

    return read


def _from_two_columns(lat: str, lon: str) -> PositionReader:
    def read(text_of: TextOf, flags: list[Flag]) -> Position:
        texts = text_of(lat), text_of(lon)
        if texts[0] is None or texts[1] is None:
            return None, None
        return _numbers(texts[0], texts[1], f"{lat}, {lon}", f"{texts[0]}, {texts[1]}", flags)

    return read


def _numbers(lat: str, lon: str, column: str, shown: str, flags: list[Flag]) -> Position:
    try:
        return float(lat), float(lon)
    except ValueError:
        return _no_position(column, shown, flags)


def _no_position(column: str, shown: str, flags: list[Flag]) -> tuple[None, None]:
    flags.append(Flag(column, shown, "is not a pair of coordinates; the case is not on the map"))
    return None, None
