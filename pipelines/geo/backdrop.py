"""The backdrop (底图) of the map: what lies around and under the grids, and what it is called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from pipelines.reading.options import Options
from pipelines.snapshot import MapLabel

LAYERS = ("water", "green", "roads", "landmarks", "communities")
"""The layers an owner can give, each one file of boundaries, lines or points."""

_PLACES = ("{z}", "{x}", "{y}")


class TileSettings(Options):
    """A tile server of the owner's own network, drawn under everything else."""

    url: str = Field(
        description="Template with `{z}`, `{x}` and `{y}`; never outside the network. Another "
        "server than this one has to allow it (`Access-Control-Allow-Origin`)."
    )
    kind: Literal["raster", "vector"] = Field(
        default="raster",
        description="`raster` images, or `vector` tiles in the OpenMapTiles layout.",
    )
    max_zoom: int = Field(default=18, ge=0, le=24, description="Deepest zoom the server has.")

    @property
    def origin(self) -> str:
        """The server of the tiles, as a content security policy names it; empty if it is ours."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    @field_validator("url")
    @classmethod
    def _template(cls, value: str) -> str:
        parts = urlsplit(value)
        local = value.startswith("/") and not value.startswith("//")
        if not local and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("must begin with http://, https:// or a single /")
        missing = [place for place in _PLACES if place not in value]
        if missing:
            raise ValueError(f"must contain {', '.join(missing)}")
        return value


class BackdropSettings(Options):
    """What the map draws besides the grids: files with `name`, `name_en`, and `class` of a road.

    Each is a GeoJSON, GeoPackage or Shapefile, relative to the config file; all are optional.
    """

    water: str | None = Field(default=None, description="Areas of water.")
    green: str | None = Field(default=None, description="Parks and woods.")
    roads: str | None = Field(
        default=None, description="Lines; a road whose `class` is `main` is drawn wider."
    )
    landmarks: str | None = Field(default=None, description="Points people know.")
    communities: str | None = Field(
        default=None, description="Outlines of communities; with it grids show short codes."
    )
    crs: str | None = Field(default=None, description="CRS of files that do not say theirs.")
    tiles: TileSettings | None = Field(default=None, description="An internal tile server.")

    @property
    def tile_origin(self) -> str:
        """The server of the tiles; empty if it is ours or there is none."""
        return self.tiles.origin if self.tiles else ""

    def files(self) -> dict[str, str]:
        """The files that are set, by layer, in the order they are drawn."""
        given = {layer: getattr(self, layer) for layer in LAYERS}
        return {layer: file for layer, file in given.items() if file}


@dataclass(frozen=True, kw_only=True, slots=True)
class Backdrop:
    """The layers as WGS-84 GeoJSON by name, their labels, and the tiles under them.

    ``version`` changes whenever what is drawn changes, so that a browser can keep the rest.
    """

    layers: Mapping[str, bytes]
    labels: tuple[MapLabel, ...]
    tiles: TileSettings | None
    version: str
