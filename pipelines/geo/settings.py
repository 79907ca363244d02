"""How the boundary file is described in the configuration."""

from pydantic import Field, model_validator

from pipelines.reading.options import Moment, Options


class VersionSettings(Options):
    """One version of the boundaries, `[[grids.versions]]`; its columns are those of all."""

    file: str = Field(description="GeoJSON, GeoPackage or Shapefile, relative to the config file.")
    valid_from: Moment | None = Field(
        default=None,
        description="From when on, such as `2026-03-01`; only the first version may go without.",
    )


class GridSettings(Options):
    """The boundaries: where they are and which columns say what.

    Grids change. Give a new file as a further version with the day it comes into force, and what
    happened before keeps the grids of its day. Or keep one file in which each grid says from when
    and until when it is valid.
    """

    file: str | None = Field(
        default=None,
        description="GeoJSON, GeoPackage or Shapefile, relative to the config file; or `versions`.",
    )
    versions: tuple[VersionSettings, ...] = Field(
        default=(), description="The versions of the boundaries, the oldest first."
    )
    valid_from: str | None = Field(
        default=None, description="Column with the day from which on a grid is valid."
    )
    valid_to: str | None = Field(
        default=None, description="Column with the day from which on a grid is no longer valid."
    )
    code: str = Field(description="Column with the grid's code.")
    name: str | None = Field(default=None, description="Column with its name; the code if absent.")
    parent: str | None = Field(default=None, description="Column with its community's code.")
    name_en: str | None = Field(default=None, description="Column with its English name.")
    parent_name: str | None = Field(default=None, description="Column with its community's name.")
    parent_name_en: str | None = Field(
        default=None, description="Column with its community's English name."
    )
    street: str | None = Field(
        default=None, description="Column with its street's code, where the whole has several."
    )
    street_name: str | None = Field(default=None, description="Column with its street's name.")
    street_name_en: str | None = Field(
        default=None, description="Column with its street's English name."
    )
    areas: str | None = Field(
        default=None,
        description="CSV with a row an area between the whole and the grids: `code`, `level`, "
        "`name`, and where known `name_en` and `parent`; else the code's beginning says the "
        "parent, as in China's statistical codes.",
    )
    crs: str | None = Field(default=None, description="CRS of the file where it does not say.")
    schematic: bool = Field(default=False, description="Say on screen that the grids are a sketch.")
    register_file: str | None = Field(
        default=None,
        alias="register",
        description="CSV of what is known of each grid: `grid`, `item` (`leader`, `member`, "
        "`population`, `households`, `buildings`, `shops`, `key_place`), `value`, `as_of` (a day), "
        "and if known `name_en`, and `checked` and `right` (how many an audit looked at, and how "
        "many of those were right).",
    )
    own_sources: tuple[str, ...] = Field(
        default=(),
        description="Sources in which the grids' own people write what they do: there, no "
        "dispatch means that the grid settled it by itself.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> "GridSettings":
        if (self.file is None) is (not self.versions):
            raise ValueError("needs either file or [[grids.versions]]")
        if self.versions and (self.valid_from or self.valid_to):
            raise ValueError("valid_from and valid_to name columns of file; versions say their own")
        undated = [v.file for v in self.versions[1:] if v.valid_from is None]
        if undated:
            raise ValueError(f"the version {undated[0]!r} needs valid_from; only the first may not")
        return self
