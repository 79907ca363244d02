"""Several workers that take records in at once, and what keeps them from being as much faster.

Method: the records of :mod:`benchmarks.ingest`, shared out among ``--workers`` processes with a
source each, are taken in three times, each time into empty stores: by ``one`` process, by all
``together`` into one store, and by all ``apart``, each into a database of its own, where nobody
waits for a lock of another. ``speedup`` is together against one. ``speedup_apart`` is what the
processor and the disk give: what is lacking there no lock costs.

Of each run: ``cpu_us`` and ``server_cpu_us`` a record; ``cores_give_per_s``, what all cores would
take in at that cost if they did nothing else and nobody ever waited; ``ours`` and ``idle`` as
shares of all processor time of the machine meanwhile (the rest is other work, and the system's
own), and in ``waits`` what the connections that write were found at, ten times a second:
``on_cpu``, ``Client:ClientRead`` (it is the worker's turn), ``Lock:advisory`` (another worker's
turn to write what all share), ``IO:WALSync`` and so on.
"""

import argparse
import json
import multiprocessing
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import make_url

from benchmarks.ingest import NOW, close, open_here, target_of, write_input
from pipelines.connectors.record import Batch
from pipelines.host.memory import collect_less_often
from pipelines.installation import Installation
from pipelines.store import schema

EVERY_S = 0.1
PATIENCE_S = 600.0
_TICK = os.sysconf("SC_CLK_TCK")
_WRITERS = (
    "SELECT pid, coalesce(wait_event_type || ':' || wait_event, 'on_cpu'), xact_start IS NOT NULL "
    "FROM pg_stat_activity WHERE application_name = 'grid135' AND datname = ANY(%s)"
)


@dataclass
class Server:
    """The processes of the database server that work for us, looked at again and again."""

    stores: list[str | None]
    cpu: dict[int, list[float]] = field(default_factory=dict)
    """Of each, what it had used when it was seen first, and last."""
    waits: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._url = self.stores[0]
        if self._url:
            self._thread.start()

    def stop(self) -> None:
        """Look for a last time."""
        self._ended.set()
        if self._url:
            self._thread.join()

    def _watch(self) -> None:
        assert self._url is not None
        with psycopg.connect(target_of(self._url), autocommit=True) as connection:
            while not self._ended.wait(EVERY_S):
                self._look(connection)
            self._look(connection)

    def _look(self, connection: "psycopg.Connection[Any]") -> None:
        names = [make_url(store).database for store in self.stores if store]
        for pid, wait, writes in connection.execute(_WRITERS, (names,)):
            file = Path(f"/proc/{pid}/stat")
            if file.exists():
                fields = file.read_text().rpartition(")")[2].split()
                used = (int(fields[11]) + int(fields[12])) / _TICK
                self.cpu.setdefault(pid, [used, used])[1] = used
            if writes:
                self.waits[wait] += 1


def measure(
    folder: Path, records: int, url: str | None, workers: int
) -> dict[str, float | int | str | dict[str, Any]]:
    """The same records taken in one by one, together and apart."""
    runs = {
        "one": run(folder / "one", records, [url], 1),
        "together": run(folder / "together", records, [url], workers),
    }
    with databases(url, workers) as stores:
        runs["apart"] = run(folder / "apart", records, stores, workers)
    rates = {name: found["records_per_s"] for name, found in runs.items()}
    return {
        "benchmark": "together",
        "store": "postgresql" if url else "sqlite",
        "records": records,
        "workers": workers,
        "speedup": round(rates["together"] / rates["one"], 2),
        "speedup_apart": round(rates["apart"] / rates["one"], 2),
        **runs,
    }


@contextmanager
def databases(url: str | None, number: int) -> Iterator[list[str | None]]:
    """So many stores, each in a database of its own beside the one of ``url``: locks are of one."""
    if url is None:
        yield [None] * number
        return
    names = [f"{make_url(url).database}_{i}" for i in range(number)]
    with psycopg.connect(target_of(url), autocommit=True) as server:
        for name in names:
            server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            whole = [make_url(url).set(database=name) for name in names]
            yield [store.render_as_string(hide_password=False) for store in whole]
        finally:
            for name in names:
                server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def run(folder: Path, records: int, stores: list[str | None], workers: int) -> dict[str, Any]:
    """Have the records taken in, into one store or into one for each worker."""
    folders = [folder / str(i) for i in range(len(stores))]
    for part in folders:
        part.mkdir(parents=True)
    for i in range(workers):
        part = folders[i % len(folders)]
        write_input(part, records // workers, source=f"bench{i}", first=i * records)
    for part, store in zip(folders, stores, strict=True):
        _begin(open_here(part, "door", store))
    processes = multiprocessing.get_context("spawn")
    begin, leave, told = processes.Barrier(workers + 1), processes.Event(), processes.Queue()
    started = [
        processes.Process(
            target=take_in,
            args=(folders[i % len(folders)], f"bench{i}", stores[i % len(stores)]),
            kwargs={"begin": begin, "leave": leave, "told": told},
        )
        for i in range(workers)
    ]
    for process in started:
        process.start()
    begin.wait()
    server, machine, began = Server(stores), _machine_s(), time.perf_counter()
    cpu = sum(told.get(timeout=PATIENCE_S) for _ in started)
    seconds = time.perf_counter() - began
    total, idle = (now - before for now, before in zip(_machine_s(), machine, strict=True))
    server.stop()
    leave.set()
    for process in started:
        process.join()
    stored = 0
    for part, store in zip(folders, stores, strict=True):
        again = open_here(part, "door", store, keep=True)
        with again.store.reading() as reader:
            stored += reader.count(schema.incident)
        close(again, store)
    assert stored == records // workers * workers, stored
    server_cpu, found = (
        sum(last - first for first, last in server.cpu.values()),
        sum(server.waits.values()),
    )
    return {
        "records_per_s": round(records / seconds),
        "cpu_us": round(cpu / records * 1e6, 1),
        "server_cpu_us": round(server_cpu / records * 1e6, 1),
        "cores_give_per_s": round((os.cpu_count() or 1) * records / (cpu + server_cpu)),
        "ours": round((cpu + server_cpu) / total, 2),
        "idle": round(idle / total, 2),
        "waits": {wait: round(n / found, 2) for wait, n in server.waits.most_common(6)},
    }


def _begin(installation: Installation) -> None:
    """Take in one record, so that the table of the month is there: it is made once a month.

    Who makes it first keeps the others from it until its transaction has ended.
    """
    source = installation.sources[0]
    assert source.poller is not None
    first = next(iter(source.poller.poll({}, now=NOW))).records[:1]
    installation.door.accept(source, Batch(records=first, part="", position=None), now=NOW)
    installation.store.close()


def take_in(
    folder: Path, source_id: str, url: str | None, *, begin: Any, leave: Any, told: Any
) -> None:
    """Take in what one source has, in a process of its own; tell the processor time it took."""
    collect_less_often()
    installation = open_here(folder, "door", url, keep=True)
    (source,) = [one for one in installation.sources if one.id == source_id]
    begin.wait()
    before = time.process_time()
    installation.pull(source, now=NOW)
    told.put(time.process_time() - before)
    leave.wait()  # the server's part is counted while the connection is open
    installation.store.close()


def _machine_s() -> tuple[float, float]:
    """Processor time of the machine since it began, and how much of it it was idle."""
    fields = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields) / _TICK, (fields[3] + fields[4]) / _TICK


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--store", default="sqlite", help="sqlite, or the URL of a database")
    parser.add_argument("--workers", type=int, default=2, help="processes that take records in")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    url = None if options.store == "sqlite" else f"{options.store}?schema=grid135_bench"
    with TemporaryDirectory() as name:
        print(json.dumps(measure(Path(name), options.records, url, options.workers)))


if __name__ == "__main__":
    main()
