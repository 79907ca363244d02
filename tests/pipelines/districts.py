"""A district in a temporary folder: two streets of two communities each, a square grid each.

The codes are made as China's statistical ones are. ``IN`` says where the middle of each grid is.
"""

import json
from pathlib import Path
from typing import Any

from pipelines.installation import Installation, open_installation
from pipelines.settings import Settings, load
from tests.pipelines.installations import a_config, a_file, a_square

DISTRICT = "330102"
EAST, WEST = "330102014", "330102015"
GRIDS = tuple(f"{street}00{n}001" for street in (EAST, WEST) for n in (1, 2))
IN = {code: (30.05, 120.05 + i / 10) for i, code in enumerate(GRIDS)}
LOOSE = "loose"
"""A grid of the district that lies in no street."""
IN_LOOSE = (30.05, 120.45)

AREA = f'code = "{DISTRICT}"\nlevel = "district"'
BOUNDARIES = """
[grids]
file = "grids.geojson"
code = "code"
parent = "community"
"""


def district_settings(folder: Path, *, grids: str = BOUNDARIES, **config: Any) -> Settings:
    """The settings of the district in ``folder``; takes what ``a_config`` takes."""
    squares = [(code, code[:12], 120.0 + i / 10) for i, code in enumerate(GRIDS)]
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "community": community, "street": community[:9]},
            "geometry": {"type": "Polygon", "coordinates": [a_square(west)]},
        }
        for code, community, west in (*squares, (LOOSE, "", 120.4))
    ]
    content = {"type": "FeatureCollection", "features": features}
    a_file(folder / "grids.geojson", json.dumps(content))
    config = {"area": AREA, "grids": grids} | config
    return load({"GRID135_DATA": str(folder / "data")}, str(a_config(folder, **config)))


def a_district(folder: Path, **config: Any) -> Installation:
    """The district, opened."""
    return open_installation(district_settings(folder, **config), replayed=False)
