"""How long a figure takes when the store holds years of history.

Method: N incidents over ten years, in 60 grids of 8 communities, of 12 kinds and 4 sources, most
of them complete, some without an arrival, one in a hundred never closed, are entered as the door
would have (``long_history.py``), without their reports, which no figure reads. Then random
questions are asked: windows from an hour to ten years with ragged ends, with and without groups
and filters, by shift and of one shift (over a year at most, as the product has it), of some
severities or of one state (one in seven), one in ten as of a moment of the past. ``p50_ms`` and
``p95_ms`` are one answer of
``kpi`` with all its figures, its pages in memory; with ``cpu`` in processor time, which is what it
would be on a machine with nothing else to do; ``rows_read`` is how many rows it reads on
average. ``brute_ms`` is the mean time of plain SQL over all incidents of the same windows, which
counts no more than hits and misses of the cumulative arrival; ``ratio`` is how many times as long
that takes. ``shift_month_ms`` and ``shift_year_ms`` are what figures by shift take, p95 of 20.

With ``--against FOLDER`` every question is also put to the store there, by turns, five times each,
and the best time of each counts: ``turns_p95_ms`` is of both stores, ``times`` how many times as
long this one takes. What else the machine does meets both alike then, as in two runs it does not.
"""

import argparse
import json
import random
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, event, text

from benchmarks.long_history import (
    FIRST_COMPLAINT,
    GRIDS,
    KINDS,
    NOW,
    SEVERITIES,
    SOURCES,
    SPAN,
    START,
    write_history,
)
from pipelines.figures.groups import UNLOCATED, By, Desk, Query, State
from pipelines.figures.query import kpi
from pipelines.figures.shifts import LONGEST
from pipelines.host.memory import collect_less_often
from pipelines.installation import Installation, open_installation, place_of_store
from pipelines.model.clock import Reading
from pipelines.model.milestone import TARGETED
from pipelines.settings import load
from pipelines.store import schema
from pipelines.store.places import Place, open_backend
from pipelines.store.rows import to_ms
from pipelines.store.store import Reader, Writer

QUESTIONS = 300
_SUMMED = (By.STREET, By.COMMUNITY, By.GRID, By.KIND, By.SOURCE)
_SHIFT_QUESTIONS = 20
_TURNS = 5
SHIFTS = ("08:00", "20:00")
_SEVERITIES = (*map(str, SEVERITIES), "1,2")


def main() -> None:
    """Build, ask and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--incidents", type=int, default=100_000)
    parser.add_argument("--store", help="a folder to keep the store in, or to reuse; or its URL")
    parser.add_argument("--against", type=Path, help="another such folder, asked by turns")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    collect_less_often()  # as the product does
    with TemporaryDirectory() as name:
        url = options.store if "://" in (options.store or "") else None
        folder = Path(options.store) if options.store and not url else Path(name)
        found = measure(folder, options.incidents, url)
        if options.against is not None:
            found |= compare(open_here(folder, url), open_here(options.against))
        print(json.dumps(found))


def measure(folder: Path, incidents: int, url: str | None = None) -> dict[str, Any]:
    """Build a store of so many incidents, unless it is there, and ask it."""
    begin = time.perf_counter()
    installation = opened_or_built(folder, incidents, url)
    build_s = time.perf_counter() - begin
    with installation.store.reading() as reader:
        known = reader.count(schema.incident)
    questions = list(islice(queries(random.Random(5)), QUESTIONS))
    taken, cpu, rows = ask(installation, questions)
    brute = [brute_ms(installation, query) for query in questions[::30]]
    by_shift = {days: ask(installation, list(shift_queries(days)))[0] for days in (30, 365)}
    return {
        "benchmark": "history",
        "incidents": known,
        "build_s": round(build_s, 1),
        "p50_ms": round(statistics.median(taken), 2),
        "p95_ms": p95(taken),
        "cpu_p50_ms": round(statistics.median(cpu), 2),
        "cpu_p95_ms": p95(cpu),
        "brute_ms": round(statistics.mean(brute), 1),
        "ratio": round(statistics.mean(brute) / statistics.mean(taken), 1),
        "rows_read": round(statistics.mean(rows)),
        "shift_month_ms": p95(by_shift[30]),
        "shift_year_ms": p95(by_shift[365]),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def compare(this: Installation, other: Installation) -> dict[str, float | list[float]]:
    """How long both take over the same questions, asked by turns."""
    best: tuple[list[float], list[float]] = ([], [])
    for query in islice(queries(random.Random(5)), QUESTIONS):
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(1 + _TURNS):
            for installation, times in zip((this, other), taken, strict=True):
                begin = time.perf_counter()
                with installation.store.reading() as reader:
                    kpi(reader, query, installation.desk)
                times.append((time.perf_counter() - begin) * 1000)
        for times, bests in zip(taken, best, strict=True):
            bests.append(min(times[1:]))  # the first one fetches the pages from the disk
    ours, theirs = map(p95, best)
    return {"turns_p95_ms": [ours, theirs], "times": round(ours / theirs, 2)}


def p95(taken: Sequence[float]) -> float:
    """What 95 of a hundred do not exceed, to the hundredth."""
    return round(sorted(taken)[int(len(taken) * 0.95)], 2)


def opened_or_built(folder: Path, incidents: int, url: str | None = None) -> Installation:
    """An installation with so many incidents, or with those that are there."""
    installation = open_here(folder, url)
    with installation.store.reading() as reader:
        known = reader.count(schema.incident)
    if known:
        return installation
    installation.store.close()
    build(place_of_store(installation.settings), installation.desk, incidents)
    return open_here(folder, url)


def open_here(folder: Path, url: str | None = None) -> Installation:
    """An installation below the folder, with its configuration, and its store there or at a URL."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "grids.geojson").write_text(json.dumps(_outlines()))
    (folder / "config.toml").write_text(_config())
    environ = {"GRID135_CONFIG": str(folder / "config.toml"), "GRID135_DATA": str(folder / "data")}
    environ |= {"GRID135_STORE": url} if url else {}
    return open_installation(load(environ), replayed=False)


def build(place: Place, desk: Desk, incidents: int) -> None:
    """Enter so many incidents, in one transaction that nobody needs to survive.

    The indexes are made when all rows are there: that takes a third of the time.
    """
    backend = open_backend(place)
    if isinstance(place, Path):
        event.listen(backend.writer, "connect", _hurry)
    with backend.writer.begin() as connection:
        for index in schema.incident.indexes:
            index.drop(connection)
        write_history(Writer(connection, backend), desk, incidents)
        for index in schema.incident.indexes:
            index.create(connection)
    backend.close()


def _hurry(connection: Any, _record: object) -> None:
    for pragma in ("synchronous = OFF", "journal_mode = OFF", "cache_size = -2000000"):
        connection.execute(f"PRAGMA {pragma}")


def queries(dice: random.Random) -> Iterator[Query]:
    """Random questions: every length of window, grouping and filter there is."""
    while True:
        hours = 87_660 ** dice.random()
        by = dice.choice((None, *_SUMMED, By.SHIFT))
        shift = dice.choice(SHIFTS) if dice.random() < 0.1 else None
        length = timedelta(hours=hours)
        if by is By.SHIFT or shift is not None:
            length = min(length, LONGEST)
        begin = START + dice.random() * max(SPAN - length, timedelta(0))
        past = dice.random() < 0.1
        yield Query(
            as_of=begin + length * dice.random() if past else NOW,
            start=begin,
            end=begin + length,
            by=by,
            shift=shift,
            milestone=dice.choice(TARGETED),
            reading=dice.choice(tuple(Reading)),
            community=dice.choice(("03", "05")) if dice.random() < 0.15 else None,
            grid=dice.choice((*GRIDS[:-1], UNLOCATED)) if dice.random() < 0.15 else None,
            kind=dice.choice(KINDS) if dice.random() < 0.3 else None,
            source=dice.choice(SOURCES) if dice.random() < 0.15 else None,
            severity=dice.choice(_SEVERITIES) if dice.random() < 0.1 else None,
            state=dice.choice(tuple(State)) if dice.random() < 0.05 else None,
        )


def shift_queries(days: int) -> Iterator[Query]:
    """Questions by shift over so many days, at any time of the history."""
    dice = random.Random(8)
    for _ in range(_SHIFT_QUESTIONS):
        begin = START + dice.random() * (SPAN - timedelta(days=days))
        yield Query(as_of=NOW, start=begin, end=begin + timedelta(days=days), by=By.SHIFT)


def ask(
    installation: Installation, questions: Sequence[Query]
) -> tuple[list[float], list[float], list[int]]:
    """Milliseconds, those of them the processor worked, and rows read, of each question."""
    taken, cpu, rows = [], [], []
    for query in questions:
        # first to count the rows, which also fetches the pages from the disk
        with installation.store.reading() as reader:
            counting = _Counting(reader)
            kpi(counting, query, installation.desk)
        rows.append(counting.read)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        with installation.store.reading() as reader:
            kpi(reader, query, installation.desk)
        cpu.append((time.process_time() - begin_cpu) * 1000)
        taken.append((time.perf_counter() - begin) * 1000)
    return taken, cpu, rows


class _Counting(Reader):
    """A reader that counts the rows it hands out."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader._connection, reader._backend)
        self.read = 0

    def rows(self, query: Any) -> Sequence[Any]:
        found = super().rows(query)
        self.read += len(found)
        return found

    def by_key(self, table: Any, keys: Any) -> Iterator[Any]:
        for row in super().by_key(table, keys):
            self.read += row is not None
            yield row

    def sums(self, wanted: Any) -> Iterator[Any]:
        for row in super().sums(wanted):
            self.read += 1
            yield row

    def unsettled(self, moment_ms: int, *, begin_ms: int, end_ms: int) -> Iterator[Any]:
        for row in super().unsettled(moment_ms, begin_ms=begin_ms, end_ms=end_ms):
            self.read += 1
            yield row


def brute_ms(installation: Installation, query: Query) -> float:
    """Milliseconds of counting all incidents of the window in SQL, grouped alike."""
    column = {By.GRID: "grid", By.COMMUNITY: "grid", By.KIND: "kind", By.SOURCE: "source"}
    by = column.get(query.by, "1") if query.by else "1"
    sql = text(
        f"SELECT {by}, count(*) FILTER (WHERE arrived_ms - t0_ms <= 300000),"  # noqa: S608 - one of our columns
        " count(*) FILTER (WHERE arrived_ms - t0_ms > 300000),"
        " count(*) FROM incident WHERE t0_ms >= :a AND t0_ms < :b AND excluded IS NULL"
        " GROUP BY 1"
    )
    begin_at, end_at = query.window
    begin = time.perf_counter()
    with installation.store.reading() as reader:
        connection: Connection = reader._connection
        connection.execute(sql, {"a": to_ms(begin_at), "b": to_ms(end_at)}).all()
    return (time.perf_counter() - begin) * 1000


def _outlines() -> dict[str, object]:
    features = []
    for i, code in enumerate(GRIDS[:-1]):
        west, south = 120.2 + i % 8 * 0.01, 30.2 + i // 8 * 0.01
        east, north = west + 0.01, south + 0.01
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        properties = {"code": code, "community": code[:2]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def _config() -> str:
    kinds = "".join(
        f'[kinds.{kind}]\nname = "{kind}"\n'
        + ('class = "complaint"\n' if i >= FIRST_COMPLAINT else "")
        for i, kind in enumerate(KINDS)
    )
    return (
        _HEAD
        + kinds
        + "".join(
            _SOURCE.format(
                source=source,
                kinds=", ".join(f'{k} = "{k}"' for k in KINDS),
                severities=", ".join(f'{s} = "{s}"' for s in SEVERITIES),
            )
            for source in SOURCES
        )
    )


_HEAD = """
[area]
code = "bench"
name = "Benchmark"

[grids]
file = "grids.geojson"
code = "code"
parent = "community"

[[wall.shifts]]
name = "Day"
from = "08:00"

[[wall.shifts]]
name = "Night"
from = "20:00"

"""
_SOURCE = """
[sources.{source}]
name = "{source}"
time_zone = "UTC"
connector = {{ type = "file_drop", path = "in/{source}.csv" }}

[sources.{source}.decoder]
type = "table"
incident = "id"
grid = "grid"
kind = {{ column = "kind", map = {{ {kinds} }} }}
severity = {{ column = "severity", map = {{ {severities} }} }}
time_format = "%Y-%m-%d %H:%M:%S"

[sources.{source}.decoder.milestones]
reported = "reported"
accepted = "accepted"
dispatched = "dispatched"
arrived = "arrived"
resolved = "resolved"
"""

if __name__ == "__main__":
    main()
