"""A whole installation in a temporary folder: a config file, a boundary file, and calls in a csv.

A call's times are seconds after nine, as in ``tests.builders``. The street has three square grids
in a row: G1 and G2 belong to community C1, G3 to C2; ``IN_G1`` and so on lie in their middle.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.connectors.record import Batch, Origin, Record
from pipelines.door.receipt import Counts
from pipelines.feeds.sources import Source
from pipelines.installation import Installation, open_installation, prepare
from pipelines.settings import Settings, load
from pipelines.store import schema
from pipelines.store.store import Store
from tests.builders import MUCH_LATER, NINE, at
from tests.stores import environ_of

COLUMNS = (
    "record", "id", "unit", "kind", "reported", "accepted", "dispatched", "arrived", "resolved",
    "cancelled", "lat", "lon", "grid", "drill", "title",
)  # fmt: skip
MILESTONES = ("reported", "accepted", "dispatched", "arrived", "resolved", "cancelled")
HEADER = (",".join(COLUMNS) + "\r\n").encode()

IN_G1, IN_G2, IN_G3 = (30.05, 120.05), (30.05, 120.15), (30.05, 120.25)
ELSEWHERE = (30.55, 120.15)
"""Near enough to be no slip of the pen, and in no grid."""

AREA = """
[area]
code = "street"
name = "Street"
time_zone = "{zone}"

[kinds.fire]
name = "Fire"
[kinds.smoke]
name = "Smoke"
[kinds.noise]
name = "Noise"
class = "complaint"

[targets.kinds.smoke]
arrived = "180s"
"""

GRIDS = """
[grids]
file = "grids.geojson"
code = "code"
name = "name"
parent = "parent"
"""

CALLS = """
[sources.calls]
name = "Calls"
{options}
connector = {{ type = "file_drop", path = "{path}" }}

[sources.calls.decoder]
type = "table"
incident = "id"
record = "record"
unit = "unit"
title = "title"
grid = "grid"
position = {{ lat = "lat", lon = "lon" }}
kind = {{ column = "kind", map = {{ fire = "fire", smoke = "smoke", noise = "noise" }} }}
exclude = {{ column = "drill", map = {{ yes = "drill" }} }}

[sources.calls.decoder.milestones]
reported = "reported"
accepted = "accepted"
dispatched = "dispatched"
arrived = "arrived"
resolved = "resolved"
cancelled = "cancelled"
"""


def a_config(
    folder: Path,
    *,
    zone: str = "Asia/Shanghai",
    area: str = 'code = "street"',
    options: str = "",
    path: str = "calls.csv",
    grids: str = GRIDS,
    more: str = "",
) -> Path:
    """A config file with one source of calls; ``options`` go into its block, ``more`` behind it."""
    text = (
        AREA.format(zone=zone).replace('code = "street"', area)
        + grids
        + CALLS.format(options=options, path=path)
        + more
    )
    return a_file(folder / "street.toml", text)


def a_file(path: Path, text: str) -> Path:
    """A text file, with the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def the_grids(folder: Path) -> Path:
    """The boundary file of the street."""
    grids = (("G1", "C1", 120.0), ("G2", "C1", 120.1), ("G3", "C2", 120.2))
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": f"Grid {code}", "parent": parent},
            "geometry": {"type": "Polygon", "coordinates": [a_square(west)]},
        }
        for code, parent, west in grids
    ]
    content = {"type": "FeatureCollection", "features": features}
    return a_file(folder / "grids.geojson", json.dumps(content))


def a_square(west: float, south: float = 30.0, side: float = 0.1) -> list[tuple[float, float]]:
    """The corners of a square, closed, as (lon, lat)."""
    east, north = west + side, south + side
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def the_settings(folder: Path, **config: Any) -> Settings:
    """The settings of an installation in ``folder``; takes what ``a_config`` takes."""
    the_grids(folder)
    environ = {"GRID135_DATA": str(folder / "data"), **environ_of(folder)}
    return load(environ, str(a_config(folder, **config)))


def an_installation(folder: Path, *, replayed: bool = False, **config: Any) -> Installation:
    """An installation in ``folder``, opened; takes what ``a_config`` takes."""
    return open_installation(the_settings(folder, **config), replayed=replayed)


def altered(folder: Path, old: str, new: str) -> Installation:
    """A street whose configuration says something else in one place."""
    an_installation(folder).store.close()
    config = folder / "street.toml"
    text = config.read_text("utf-8")
    assert old in text
    config.write_text(text.replace(old, new), "utf-8")
    return open_installation(
        load({"GRID135_DATA": str(folder / "data")}, str(config)), replayed=False
    )


def the_source(folder: Path, **config: Any) -> Source:
    """The one source of an installation in ``folder``."""
    return prepare(the_settings(folder, **config))[1][0]


def a_call(
    id: str = "A-1",  # noqa: A002 - the column's name
    *,
    record: str | None = None,
    place: tuple[float, float] | None = IN_G1,
    kind: str = "fire",
    reported: float | str | None = 0,
    **said: float | str | None,
) -> dict[str, str]:
    """One row of the calls: ``a_call("A-2", arrived=280, unit="E05")``."""
    row = dict.fromkeys(COLUMNS, "")
    row |= {"record": record or id, "id": id, "kind": kind}
    if place is not None:
        row |= {"lat": str(place[0]), "lon": str(place[1])}
    for name, value in {"reported": reported, **said}.items():
        timed = name in MILESTONES and isinstance(value, int | float)
        row[name] = at(float(value)).isoformat() if timed else "" if value is None else str(value)  # type: ignore[arg-type]
    return row


def as_csv(rows: Iterable[Mapping[str, str]], *, header: bool = True) -> bytes:
    """The rows of calls as the bytes of a csv file."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS)
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def drop(path: Path, content: bytes, *, written: datetime = NINE) -> Path:
    """A file that was last written to at a given moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def a_record(row: Mapping[str, str], *, ordinal: int = 1, part: str = "calls.csv") -> Record:
    """A row of the calls as a connector hands it over."""
    raw = as_csv([row], header=False)
    return Record(raw, HEADER, dict(row), Origin(part, ordinal + 1), ordinal)


def a_bad_record(text: str, *, ordinal: int = 1) -> Record:
    """A line that a connector could not cut into columns."""
    problem = ("(row)", text, "is no row")
    return Record(text.encode(), HEADER, None, Origin("calls.csv", ordinal + 1), ordinal, problem)


def a_batch(*records: Record, position: str = "") -> Batch:
    """Records that are to be stored together."""
    return Batch(records=records, part="calls.csv", position=position)


def taken_in(
    installation: Installation, *rows: Mapping[str, str], now: datetime = MUCH_LATER
) -> Counts:
    """Put rows of calls through the door in one batch."""
    records = [a_record(row, ordinal=n) for n, row in enumerate(rows, start=1)]
    return installation.door.accept(installation.sources[0], a_batch(*records), now=now)


def content(store: Store, *names: str) -> dict[str, Sequence[tuple[Any, ...]]]:
    """Every row of some tables, in an order that depends on nothing but the rows."""
    tables = {**schema.metadata.tables, **schema.views.tables}
    with store.reading() as reader:
        return {
            name: sorted((tuple(row) for row in reader.rows(tables[name].select())), key=repr)
            for name in names
        }
