"""How long one step of the playback takes: reading a moment as it was known then, and drawing it.

Method: N incidents over eight weeks in four grids, each told by three revisions of one record (the
call and its acceptance, the arrival, the end) that were received as they happened, in batches of
an hour through the door; one in eleven is never closed. Then random moments of those weeks are
asked for, each once, so that none comes from what is kept. All times are processor time, which is
what they would be on a machine with nothing else to do. ``p50_ms`` and ``p95_ms`` are one step
with its drawing, ``read_p95_ms`` the reading alone, ``now_p95_ms`` the same moments as known now;
``baseline_ms`` is the mean of plain SQL that counts what is open at the moment by today's rows, and
``ratio`` how many times as long a step takes. ``kept_kb`` is the largest drawing.
"""

import argparse
import json
import random
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from dashboard.drawing import Artist
from dashboard.pages import PAGES
from dashboard.text import say_in
from pipelines.connectors.record import Batch, Origin, Record
from pipelines.desk.playback import Player
from pipelines.installation import Installation, open_installation
from pipelines.settings import load
from pipelines.store import schema
from pipelines.wall.open_list import is_open

START = datetime(2026, 1, 5, tzinfo=UTC)
SPAN = timedelta(weeks=8)
STEPS = 200
_FIELDS = ("id", "kind", "lat", "lon", "reported", "accepted", "arrived", "resolved")

_CONFIG = """
[area]
code = "street"
name = "Street"

[grids]
file = "grids.geojson"
code = "code"

[wall]
window = "30d"

[kinds.fire]
name = "Fire"
[kinds.noise]
name = "Noise"
class = "complaint"

[sources.calls]
name = "Calls"
connector = { type = "file_drop", path = "none.csv" }

[sources.calls.decoder]
type = "table"
incident = "id"
kind = { column = "kind", map = { fire = "fire", noise = "noise" } }
position = { lat = "lat", lon = "lon" }

[sources.calls.decoder.milestones]
reported = "reported"
accepted = "accepted"
arrived = "arrived"
resolved = "resolved"
"""


def main() -> None:
    """Build, ask and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--incidents", type=int, default=6_000)
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    with TemporaryDirectory() as name:
        print(json.dumps(measure(Path(name), options.incidents)))


def measure(folder: Path, incidents: int) -> dict[str, float | int | str]:
    """Build a store of so many incidents and step through it."""
    began = time.perf_counter()
    installation = built(folder, incidents)
    build_s = time.perf_counter() - began
    chance = random.Random(7)
    moments = [START + SPAN * chance.random() for _ in range(STEPS)]
    player, artist, say = Player(installation), Artist(), say_in("zh")
    steps, reads, now_reads, sizes = [], [], [], []
    for moment in moments:
        asked = {"at": moment.isoformat()}
        began = time.process_time()
        with installation.store.reading() as reader:
            page = player.read(reader, asked, now=START + SPAN)
        reads.append((time.process_time() - began) * 1000)
        drawing = artist.draw(PAGES["playback"].panels, page, say)
        steps.append((time.process_time() - began) * 1000)
        sizes.append(sum(map(len, drawing.values())))
        began = time.process_time()
        with installation.store.reading() as reader:
            player.read(reader, {**asked, "know": "now"}, now=START + SPAN)
        now_reads.append((time.process_time() - began) * 1000)
    baseline = [_plain(installation, moment) for moment in moments[::4]]
    return {
        "benchmark": "playback",
        "incidents": incidents,
        "build_s": round(build_s, 1),
        "p50_ms": round(statistics.median(steps), 1),
        "p95_ms": round(_p95(steps), 1),
        "read_p95_ms": round(_p95(reads), 1),
        "now_p95_ms": round(_p95(now_reads), 1),
        "baseline_ms": round(statistics.mean(baseline), 2),
        "ratio": round(statistics.mean(steps) / statistics.mean(baseline), 1),
        "kept_kb": round(max(sizes) / 1024),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _p95(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)]


def _plain(installation: Installation, moment: datetime) -> float:
    began = time.process_time()
    with installation.store.reading() as reader:
        reader.rows(select(func.count()).select_from(schema.incident).where(is_open(moment)))
    return (time.process_time() - began) * 1000


def built(folder: Path, incidents: int) -> Installation:
    """An installation that was told of so many incidents as they happened."""
    squares = [{"code": f"G{i}", "west": 120 + i / 10} for i in range(4)]
    outlines = {"type": "FeatureCollection", "features": [_feature(s) for s in squares]}
    (folder / "grids.geojson").write_text(json.dumps(outlines))
    (folder / "config.toml").write_text(_CONFIG)
    environ = {"GRID135_CONFIG": str(folder / "config.toml"), "GRID135_DATA": str(folder / "data")}
    installation = open_installation(load(environ), replayed=False)
    heard: dict[int, list[Record]] = defaultdict(list)
    for ordinal, (received, record) in enumerate(_records(incidents)):
        heard[int((received - START).total_seconds()) // 3600].append(
            record._replace(ordinal=ordinal)
        )
    for hour in sorted(heard):
        now = START + timedelta(hours=hour + 1)
        batch = Batch(records=tuple(heard[hour]), part="calls", position=None)
        installation.door.accept(installation.sources[0], batch, now=now)
    return installation


def _feature(square: dict[str, object]) -> dict[str, object]:
    west = float(str(square["west"]))
    corners = [(west, 30.0), (west + 0.1, 30.0), (west + 0.1, 30.1), (west, 30.1), (west, 30.0)]
    shape = {"type": "Polygon", "coordinates": [corners]}
    return {"type": "Feature", "properties": {"code": square["code"]}, "geometry": shape}


def _records(incidents: int) -> Iterator[tuple[datetime, Record]]:
    chance = random.Random(3)
    for number in range(incidents):
        t0 = START + SPAN * chance.random()
        stamps = {"reported": t0, "accepted": t0 + timedelta(seconds=chance.uniform(5, 70))}
        said = {
            "id": f"I{number}",
            "kind": chance.choice(("fire", "noise", "noise", "noise")),
            "lat": f"{chance.uniform(30.0, 30.1):.5f}",
            "lon": f"{chance.uniform(120.0, 120.4):.5f}",
        }
        yield stamps["accepted"], _record(said, stamps)
        stamps["arrived"] = t0 + timedelta(seconds=chance.uniform(90, 330))
        yield stamps["arrived"], _record(said, stamps)
        if number % 11:
            stamps["resolved"] = t0 + timedelta(hours=chance.uniform(0.3, 30))
            yield stamps["resolved"], _record(said, stamps)


def _record(said: dict[str, str], stamps: dict[str, datetime]) -> Record:
    fields = dict.fromkeys(_FIELDS, "") | said | {k: v.isoformat() for k, v in stamps.items()}
    return Record(json.dumps(fields).encode(), b"", fields, Origin("calls", 1), 0)


if __name__ == "__main__":
    main()
