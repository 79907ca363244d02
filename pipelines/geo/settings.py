"""How the boundary file is described in the configuration."""

from pydantic import Field

from pipelines.options import Options


class GridSettings(Options):
    """The boundary file: where it is and which columns say what."""

    file: str = Field(description="GeoJSON, GeoPackage or Shapefile, relative to the config file.")
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
