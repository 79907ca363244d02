"""How fast records come in through the door: file → decode → fold → tallies → committed.

Method: a CSV file of N incidents, one record of five milestones each, spread over a year and 60
grids, is read by the file connector and taken in by the door in batches of 8,000, one committed
transaction each, into a new store. ``cpu_us`` is processor time a record: what elapsed time would
be on a free machine with a fast disk. A database server's own is ``server_cpu_us``.

Two baselines, both ``executemany`` into a bare table of the same kind of database, in batches and
transactions of the same size, with the same durability: ``raw`` puts in the raw lines with their
running number, ``report`` the very rows that the door stores as reports, by the same key. Each
is the median of five: one takes half a second, and they differ by a third.
``one_p95_ms`` is one live record, handed over and committed.

With ``--store URL`` the store is a PostgreSQL database, in a schema of its own that is dropped
afterwards, and both baselines are bare COPY. Several processes at once: :mod:`benchmarks.together`.
"""

import argparse
import csv
import json
import os
import random
import resource
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url

from pipelines.connectors.file_drop.drop import BATCH_RECORDS
from pipelines.connectors.record import Batch
from pipelines.host.memory import collect_less_often
from pipelines.installation import Installation, open_installation
from pipelines.settings import load
from pipelines.store import schema
from pipelines.store.places import place_of, remove

START = datetime(2025, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=400)
COLUMNS = ("id", "reported", "accepted", "dispatched", "arrived", "resolved", "kind", "lat", "lon")
BASELINES = 5
SIDE = 8
"""Grids form a square of this side; 64 of them."""


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--store", default="sqlite", help="sqlite, or the URL of a database")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    collect_less_often()  # as the product does
    with TemporaryDirectory() as name:
        folder = Path(name)
        url = None if options.store == "sqlite" else f"{options.store}?schema=grid135_bench"
        write_input(folder, options.records)
        print(json.dumps(measure(folder, options.records, url)))


def measure(folder: Path, records: int, url: str | None = None) -> dict[str, float | int | str]:
    """Take the file in and measure; then the baseline; then single records."""
    installation = open_here(folder, "door", url)
    source = installation.sources[0]
    begin_server = server_cpu_s(url)
    begin, begin_cpu = time.perf_counter(), time.process_time()
    counts = installation.pull(source, now=NOW)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    server = server_cpu_s(url) - begin_server
    assert counts.stored == records, counts
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    bare = Bare(folder, url)
    rows = stored_reports(installation)
    raw = median(bare.raw(records) for _ in range(BASELINES))
    report = median(bare.reports(rows) for _ in range(BASELINES))
    ones = sorted(one_by_one(installation, folder))
    close(installation, url)
    return {
        "benchmark": "ingest",
        "store": "postgresql" if url else "sqlite",
        "records": records,
        "records_per_s": round(records / seconds),
        "cpu_us": round(cpu / records * 1e6, 1),
        "server_cpu_us": round(server / records * 1e6, 1),
        f"raw_{bare.how}_per_s": round(raw),
        "ratio": round(records / seconds / raw, 4),
        f"report_{bare.how}_per_s": round(report),
        "report_ratio": round(records / seconds / report, 4),
        "one_p50_ms": round(ones[len(ones) // 2], 2),
        "one_p95_ms": round(ones[int(len(ones) * 0.95)], 2),
        "rss_mb": round(rss_mb, 1),
    }


def write_input(folder: Path, records: int, *, source: str = "bench", first: int = 0) -> None:
    """The configuration, the grids and a CSV file; the same for the same number of records."""
    (folder / "grids.geojson").write_text(json.dumps(grids()))
    config = folder / "config.toml"
    before = config.read_text() if config.exists() else CONFIG
    config.write_text(before + SOURCE.format(source=source))
    (folder / "in").mkdir(exist_ok=True)
    dice = random.Random(135)
    step = timedelta(days=365) / records
    name = f"{source}.csv"
    with (folder / "in" / name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for i in range(records):
            writer.writerow(row(first + i, START + i * step, dice))
    quiet = START.timestamp()  # the file has been quiet for long: it is complete
    os.utime(folder / "in" / name, (quiet, quiet))


def row(i: int, reported: datetime, dice: random.Random) -> tuple[str, ...]:
    """One incident: reported, then each milestone after a plausible while."""
    moment, times = reported, [reported]
    for mean in (30, 60, 150, 1200):
        moment += timedelta(seconds=dice.expovariate(1 / mean))
        times.append(moment)
    lat, lon = 30.24 + dice.random() * 0.03, 120.20 + dice.random() * 0.03
    stamps = (f"{t:%Y-%m-%d %H:%M:%S}" for t in times)
    return (f"R{i:09}", *stamps, "fire", f"{lat:.6f}", f"{lon:.6f}")


def grids() -> dict[str, object]:
    """A square of grids in 8 communities."""
    size = 0.03 / SIDE
    features = []
    for x in range(SIDE):
        for y in range(SIDE):
            w, s = 120.20 + x * size, 30.24 + y * size
            ring = [[w, s], [w + size, s], [w + size, s + size], [w, s + size], [w, s]]
            geometry = {"type": "Polygon", "coordinates": [ring]}
            properties = {"code": f"{x:02}{y:02}", "community": f"{x:02}"}
            features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def open_here(
    folder: Path, name: str, url: str | None = None, *, keep: bool = False
) -> Installation:
    """An installation below the folder, new unless it is kept; its files count as complete."""
    environ = {"GRID135_CONFIG": str(folder / "config.toml"), "GRID135_DATA": str(folder / name)}
    environ |= {"GRID135_STORE": url} if url else {}
    if url and not keep:
        remove(place_of(url))
    return open_installation(load(environ), replayed=False)


def close(installation: Installation, url: str | None) -> None:
    """Close it, and drop what it had in a database."""
    installation.store.close()
    if url:
        remove(place_of(url))


def stored_reports(installation: Installation) -> list[tuple[object, ...]]:
    """What the door has stored of the records, in the order of the file."""
    by_line = [column.name for column in schema.report.c].index("line")
    with installation.store.reading() as reader:
        return sorted(reader.stream(schema.report), key=itemgetter(by_line))


def server_cpu_s(url: str | None) -> float:
    """Processor time of a server's processes that work for us, where it is this machine's."""
    if not url:
        return 0.0
    with psycopg.connect(target_of(url)) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'grid135'"
        files = [Path(f"/proc/{pid}/stat") for (pid,) in connection.execute(query)]
    fields = [file.read_text().rpartition(")")[2].split() for file in files if file.exists()]
    return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")


def target_of(url: str) -> str:
    """The URL as the driver itself takes it."""
    target = make_url(url).set(drivername="postgresql").difference_update_query(["schema"])
    return target.render_as_string(hide_password=False)


class Bare:
    """The baselines: the same database without anything of ours."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self._folder = folder
        self._url = url
        self.how = "copy" if url else "executemany"

    def raw(self, records: int) -> float:
        """Raw lines a second into a bare table."""
        lines = (self._folder / "in" / "bench.csv").read_bytes().splitlines()[1 : records + 1]
        rows = [(line[:10].decode(), line) for line in lines]
        if self._url:
            return copied(self._url, "id text PRIMARY KEY, raw bytea NOT NULL", rows)
        return executemany(self._folder, "report (id TEXT PRIMARY KEY, raw BLOB NOT NULL)", rows)

    def reports(self, rows: Sequence[tuple[object, ...]]) -> float:
        """The same report rows a second into a bare table with their key."""
        key = "PRIMARY KEY (incident_id, report_id)"
        if self._url:
            table = schema.on_postgresql().tables["report"]
            dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
            typed = (f"{c.name} {c.type.compile(dialect)}" for c in table.c)
            return copied(self._url, f"{', '.join(typed)}, {key}", rows)
        columns = ", ".join(column.name for column in schema.report.c)
        return executemany(self._folder, f"report ({columns}, {key})", rows)


def copied(url: str, columns: str, rows: Sequence[tuple[object, ...]]) -> float:
    """Rows a second by COPY into a new table with these columns."""
    with psycopg.connect(target_of(url)) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS grid135_bench")
        connection.execute("DROP TABLE IF EXISTS grid135_bench.bare")
        connection.execute(f"CREATE TABLE grid135_bench.bare ({columns})")
        connection.commit()
        begin = time.perf_counter()
        for i in range(0, len(rows), BATCH_RECORDS):
            with connection.cursor().copy("COPY grid135_bench.bare FROM STDIN") as copy:
                for one in rows[i : i + BATCH_RECORDS]:
                    copy.write_row(one)
            connection.commit()
        return len(rows) / (time.perf_counter() - begin)


def executemany(folder: Path, table: str, rows: Sequence[tuple[object, ...]]) -> float:
    """Rows a second into a new table with these columns."""
    file = folder / "bare.sqlite3"
    remove(file)
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"CREATE TABLE {table}")
    places = ", ".join("?" * len(rows[0]))
    insert = f"INSERT INTO report VALUES ({places})"  # noqa: S608 - nothing but question marks
    begin = time.perf_counter()
    for i in range(0, len(rows), BATCH_RECORDS):
        database.execute("BEGIN IMMEDIATE")
        database.executemany(insert, rows[i : i + BATCH_RECORDS])
        database.execute("COMMIT")
    seconds = time.perf_counter() - begin
    database.close()
    return len(rows) / seconds


def one_by_one(installation: Installation, folder: Path, most: int = 200) -> list[float]:
    """Milliseconds from handing over one new record to its commit, each."""
    source = installation.sources[0]
    assert source.poller is not None
    taken: list[float] = []
    for batch in source.poller.poll({}, now=NOW):
        for record in batch.records[: most - len(taken)]:
            fields = dict(record.fields or {}) | {"id": f"L{len(taken):09}"}
            fresh = replace_record(record.raw, fields)
            live = record._replace(raw=fresh, fields=fields)
            begin = time.perf_counter()
            one = Batch(records=(live,), part="live", position=str(len(taken)))
            installation.door.accept(source, one, now=NOW)
            taken.append((time.perf_counter() - begin) * 1000)
        break
    return taken


def replace_record(raw: bytes, fields: dict[str, str]) -> bytes:
    """The record's line with its new id."""
    return fields["id"].encode() + raw[10:]


CONFIG = """
[area]
code = "bench"
name = "Benchmark"

[grids]
file = "grids.geojson"
code = "code"
parent = "community"

[kinds.fire]
name = "Fire"
"""

SOURCE = """
[sources.{source}]
name = "Benchmark"
time_zone = "UTC"

[sources.{source}.connector]
type = "file_drop"
path = "in/{source}.csv"

[sources.{source}.decoder]
type = "table"
incident = "id"
time_format = "%Y-%m-%d %H:%M:%S"
kind = {{ column = "kind", map = {{ fire = "fire" }} }}
position = {{ lat = "lat", lon = "lon" }}

[sources.{source}.decoder.milestones]
reported = "reported"
accepted = "accepted"
dispatched = "dispatched"
arrived = "arrived"
resolved = "resolved"
"""


if __name__ == "__main__":
    main()
