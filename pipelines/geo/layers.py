"""Reading the backdrop's files: any CRS and format in, WGS-84 GeoJSON and labels out."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas
import shapely

from pipelines.errors import SettingsError
from pipelines.geo.backdrop import Backdrop, BackdropSettings
from pipelines.geo.grids import Grids, in_wgs84
from pipelines.geo.labels import grid_labels, layer_labels

_KEPT = ("name", "name_en", "class")
_PRECISION_DEG = 1e-6

Row = tuple[dict[str, str], shapely.Geometry]


def load_backdrop(
    settings: BackdropSettings, path: Callable[[str], Path], grids: Grids
) -> Backdrop:
    """Read every layer that is set; ``path`` turns a configured file into where it is.

    ``grids`` are what the map colours and names.

    Raises SettingsError naming the file, the layer and what is wrong with it.
    """
    rows = {
        layer: list(_rows(path(file), layer, settings.crs))
        for layer, file in settings.files().items()
    }
    layers = {layer: _geojson(found) for layer, found in rows.items()}
    outside = tuple(layer_labels(rows))
    named = {label.names["zh"] for label in outside}
    own = grid_labels(grids, short="communities" in rows)
    labels = (*outside, *(label for label in own if label.names["zh"] not in named))
    return Backdrop(
        layers=layers,
        labels=labels,
        tiles=settings.tiles,
        version=_version(layers, settings, grids.version),
    )


def _rows(file: Path, layer: str, crs: str | None) -> Iterator[Row]:
    if not file.exists():
        raise SettingsError(f"{file}: no such file; set {layer} under [backdrop]")
    try:
        frame = geopandas.read_file(file)
    except Exception as error:  # the readers below raise a family of their own
        raise SettingsError(f"{file}: cannot be read as a map layer: {error}") from error
    frame = in_wgs84(frame, crs, file, "[backdrop]")
    named = [column for column in _KEPT if column in frame.columns]
    for properties, shape in zip(frame[named].to_dict("records"), frame.geometry, strict=True):
        if shape is not None and not shape.is_empty:
            kept = {str(key): value for key, value in properties.items() if _is_text(value)}
            yield kept, shapely.make_valid(shape)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _geojson(rows: list[Row]) -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": json.loads(
                shapely.to_geojson(shapely.set_precision(shape, _PRECISION_DEG))
            ),
        }
        for properties, shape in rows
    ]
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _version(layers: dict[str, bytes], settings: BackdropSettings, grids: str) -> str:
    digest = hashlib.sha256(grids.encode())
    for layer, content in layers.items():
        digest.update(layer.encode() + content)
    digest.update(settings.model_dump_json().encode())
    return digest.hexdigest()[:12]
