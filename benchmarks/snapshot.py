"""How long a screen's data take to read: the wall's snapshot and the desk's board.

Method: on the store of ``history.py`` with N incidents, or on one that is there (``--config`` and
``--data`` of an installation, such as the demo street), what a refresh reads is read so many times,
a second apart on the product's clock, from the end of what is in the store on. ``first_ms`` is the
first one, which also counts what is kept for a minute or an hour; ``snapshot`` is one of the
others, ``board`` the desk for street, community and grid by turns, with what the product keeps from
one board to the next. With ``cpu`` in processor time.
``rss_mb`` is all that the process needed, ``raw_ms`` the baseline: counting the incidents of the
wall's window in plain SQL.
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from benchmarks import history
from pipelines.desk.board import BoardDesk, read_board
from pipelines.feeds.health import Health
from pipelines.figures.windows import bounds
from pipelines.installation import Installation, open_installation
from pipelines.settings import load
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.wall.overview import Memory, read_snapshot

TIMES = 40


def main() -> None:
    """Build or open, read and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--incidents", type=int, default=100_000)
    parser.add_argument("--store", type=Path, help="a folder to keep the store in, or to reuse")
    parser.add_argument("--config", help="the configuration of an installation to read instead")
    parser.add_argument("--data", help="and its data folder")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    with TemporaryDirectory() as name:
        folder = options.store or Path(name)
        if options.config:
            settings = load({"GRID135_DATA": options.data or "data"}, options.config)
            installation = open_installation(settings, replayed=False)
        else:
            installation = history.opened_or_built(folder, options.incidents)
        print(json.dumps(measure(installation)))


def measure(installation: Installation) -> dict[str, float | int | str]:
    """Read snapshots and boards, and say how long that took."""
    table = schema.incident
    with installation.store.reading() as reader:
        incidents = reader.count(table)
        ((last,),) = reader.rows(select(func.max(table.c.t0_ms)))
        ((opened,),) = reader.rows(select(func.count()).where(table.c.closed_ms.is_(None)))
    now = from_ms(last) + timedelta(seconds=1)
    memory, health, desk = Memory(installation), Health(), BoardDesk(installation)
    grid = next(iter(installation.grids))
    filters: tuple[dict[str, str], ...] = ({}, {"community": grid.parent}, {"grid": grid.code})

    def snapshot(i: int) -> None:
        moment = now + timedelta(seconds=i)
        with installation.store.reading() as reader:
            read_snapshot(reader, installation, health, memory, now=moment)

    def board(i: int) -> None:
        with installation.store.reading() as reader:
            moment = now + timedelta(seconds=i)
            read_board(reader, installation, filters[i % 3], now=moment, desk=desk)

    first, _ = timed(snapshot, 0)
    snapshots = [timed(snapshot, i) for i in range(1, TIMES)]
    boards = [timed(board, i) for i in range(TIMES)][3:]
    raw = [timed(lambda _: count_plainly(installation, now), i) for i in range(5)]
    return {
        "benchmark": "snapshot",
        "incidents": incidents,
        "open": opened,
        "first_ms": round(first, 1),
        **spread("snapshot", snapshots),
        **spread("board", boards),
        "raw_ms": round(statistics.median(taken for taken, _ in raw), 2),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def timed(read: Callable[[int], None], i: int) -> tuple[float, float]:
    """Milliseconds, and those of them the processor worked."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    read(i)
    return (time.perf_counter() - begin) * 1000, (time.process_time() - begin_cpu) * 1000


def spread(name: str, taken: list[tuple[float, float]]) -> dict[str, float]:
    """The median and the 95th percentile."""
    elapsed, cpu = (sorted(pair[i] for pair in taken) for i in (0, 1))
    at = int(len(taken) * 0.95)
    return {
        f"{name}_p50_ms": round(statistics.median(elapsed), 1),
        f"{name}_p95_ms": round(elapsed[at], 1),
        f"{name}_cpu_p50_ms": round(statistics.median(cpu), 1),
        f"{name}_cpu_p95_ms": round(cpu[at], 1),
    }


def count_plainly(installation: Installation, now: datetime) -> None:
    """Hits and misses of the wall's window, one by one, in SQL."""
    start, _ = bounds(installation.settings.wall.window, now, installation.desk.zone)
    table = schema.incident
    late = table.c.arrived_ms - table.c.t0_ms > 300_000
    query = select(func.sum(late), func.count()).where(table.c.t0_ms >= to_ms(start or from_ms(0)))
    with installation.store.reading() as reader:
        reader.rows(query)


if __name__ == "__main__":
    main()
