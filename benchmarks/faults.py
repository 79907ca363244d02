"""Half an hour of a street in fast time while every part is killed in turn: what is lost, if any.

Method: a PostgreSQL server of the benchmark's own, two ``ingest`` and two ``serve`` processes and
a proxy before them are fed the story of ``street_feed`` to its last arrival, in ``--minutes``.
Devices and stations push through the proxy and send again what was not acknowledged; files are
dropped for the sources that read them. Meanwhile, at moments drawn by chance, ``kill -9`` takes
one of the processes, the proxy, or the whole database server, which are started again a moment
later; once the database stays away for longer (``--outage`` seconds). In the end everything is
left in peace until it is taken in. The baseline is the same story told to one undisturbed process
with an embedded store: every figure by every grouping, and the verdict of every incident, must be
equal.

``acknowledged`` counts records that were answered with success, and lines of files that were in
place; ``stored`` how many of them are in the store, ``lost`` those that are not, ``duplicates``
the rows that are there twice. ``deaf_s`` is the longest that a screen heard nothing, and
``recovered_s`` the longest from the start of the proxy and a server until it heard again.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from sqlalchemy import select

from benchmarks import street_feed
from benchmarks.cluster import Cluster
from benchmarks.protocols.product import ROOT, free_port
from benchmarks.streams import start_proxy
from benchmarks.street_feed import HEADER, LENGTH, SECRET, SECRET_VARIABLE, Record
from pipelines.figures.groups import By
from pipelines.figures.query import kpi, parse, rows
from pipelines.installation import Installation, open_installation
from pipelines.model.clock import CLOCKS
from pipelines.settings import load
from pipelines.store import schema
from pipelines.upkeep.rebuilding import verify

GRIDS = ROOT / "config" / "demo" / "grids.geojson"
SENDERS = 6
AGAIN_S = 0.2
AWAY_S = 1.0
PATIENCE_S = 180.0
GROUPS = (None, By.COMMUNITY, By.GRID, By.KIND, By.SOURCE)


@dataclass
class Told:
    """What the feeders have got rid of."""

    acknowledged: list[Record] = field(default_factory=list)
    tries: int = 0


class Part:
    """One process of the product, which is started anew when it was killed."""

    def __init__(self, role: str, folder: Path, config: Path, environ: dict[str, str]) -> None:
        self.port = free_port()
        own = {"GRID135_DATA": str(folder / "data"), "GRID135_PORT": str(self.port)}
        self._command = [sys.executable, "app.py", role, "--config", str(config)]
        self._environ = os.environ | environ | own
        self._log = folder / f"{role}-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is ready when it is."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._environ, stderr=log)

    def kill(self) -> None:
        """``kill -9``."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Ask it to stop, and wait."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
            self._process.kill()
            self._process.wait()


class Proxy:
    """What the feeders and the screen connect to."""

    def __init__(self, ports: list[int]) -> None:
        self.port = free_port()
        self._ports = ports

    def start(self) -> None:
        """Start it."""
        self._process = start_proxy(self.port, self._ports)

    def kill(self) -> None:
        """``kill -9``."""
        self._process.kill()
        self._process.join()

    end = kill


class Feed:
    """Tells the story: pushes until acknowledged, and puts files into place."""

    def __init__(self, story: Sequence[Record], folder: Path, url: str, seconds: float) -> None:
        self.told = Told()
        self._folder = folder
        self._url = url
        self._seconds = seconds
        self._first = story[0].at
        self._scale = seconds / (story[-1].at - self._first).total_seconds()
        self._began = time.monotonic()
        pushed = deque(r for r in story if r.source in ("smoke", "station"))
        filed = [r for r in story if r.source in ("calls", "hotline")]
        self._threads = [
            threading.Thread(target=self._push, args=(pushed,), daemon=True) for _ in range(SENDERS)
        ]
        self._threads.append(threading.Thread(target=self._file, args=(filed,), daemon=True))

    def start(self) -> None:
        """Begin the story."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Until everything is told; raises TimeoutError when nobody is answered any more."""
        told, since = 0, time.monotonic()
        while any(thread.is_alive() for thread in self._threads):
            if len(self.told.acknowledged) > told:
                told, since = len(self.told.acknowledged), time.monotonic()
            elif time.monotonic() - since > PATIENCE_S + self._seconds:
                raise TimeoutError("not everything was acknowledged")
            time.sleep(0.1)

    def _due(self, record: Record) -> float:
        return (
            self._began + (record.at - self._first).total_seconds() * self._scale - time.monotonic()
        )

    def _push(self, waiting: deque[Record]) -> None:
        headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
        client = httpx.Client(base_url=self._url, headers=headers, timeout=10, trust_env=False)
        while True:
            try:
                record = waiting.popleft()
            except IndexError:
                return
            time.sleep(max(0.0, self._due(record)))
            while True:
                self.told.tries += 1
                try:
                    answer = client.post(f"/ingest/{record.source}", content=record.body)
                    if answer.status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                time.sleep(AGAIN_S)
            self.told.acknowledged.append(record)

    def _file(self, records: list[Record]) -> None:
        for number, start in enumerate(range(0, len(records), 20)):
            part = records[start : start + 20]
            time.sleep(max(0.0, self._due(part[-1])))
            for source in ("calls", "hotline"):
                lines = [r.body for r in part if r.source == source]
                file = self._folder / "in" / source / f"{number:05}.csv"
                begun = file.with_suffix(".part")
                begun.write_bytes(b"\n".join((HEADER, *lines)) + b"\n")
                begun.rename(file)
            self.told.acknowledged.extend(part)


class Watcher:
    """A screen that listens through the proxy and never gives up."""

    def __init__(self, url: str) -> None:
        self.deaf_s = 0.0
        self.heard_at = time.monotonic()
        self._url = url
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._stopped.set()
        self._thread.join(15)

    def _listen(self) -> None:
        while not self._stopped.is_set():
            with (
                suppress(httpx.HTTPError),
                httpx.stream(
                    "GET", f"{self._url}/stream?page=wall", timeout=5, trust_env=False
                ) as answer,
            ):
                for _ in answer.iter_lines():
                    now = time.monotonic()
                    self.deaf_s = max(self.deaf_s, now - self.heard_at)
                    self.heard_at = now
                    if self._stopped.is_set():
                        return
            time.sleep(0.3)


def disturb(
    parts: Sequence[tuple[str, Any]],
    cluster: Cluster,
    watcher: Watcher,
    *,
    seconds: float,
    outage_s: float,
    chance: random.Random,
) -> tuple[Counter[str], float]:
    """Kill one after the other, each in its turn, until the time is over; count the kills.

    Also return the longest that the screen was deaf after something was started again.
    """
    ends = time.monotonic() + seconds
    kills: Counter[str] = Counter()
    recovered = 0.0
    turns: list[tuple[str, Any]] = [*parts, ("database", cluster)]
    was_away = False
    while time.monotonic() < ends:
        chance.shuffle(turns)
        for name, part in turns:
            time.sleep(chance.uniform(0.5, 3.0))
            if time.monotonic() > ends:
                break
            part.kill()
            kills[name] += 1
            away = AWAY_S
            if name == "database" and not was_away:
                away, was_away = outage_s, True
            time.sleep(away)
            part.start()
            recovered = max(recovered, _until_heard(watcher))
    return kills, recovered


def _until_heard(watcher: Watcher) -> float:
    began = time.monotonic()
    while watcher.heard_at < began and time.monotonic() - began < PATIENCE_S:
        time.sleep(0.05)
    return time.monotonic() - began


def taken_in(installation: Installation, story: Sequence[Record]) -> Callable[[], bool]:
    """Whether every file was read to its end."""
    wanted = {r.name for r in story if r.source in ("calls", "hotline")}

    def done() -> bool:
        with installation.store.reading() as reader:
            query = select(schema.report.c.record_id).where(
                schema.report.c.source.in_(("calls", "hotline"))
            )
            return {row.record_id for row in reader.rows(query)} >= wanted

    return done


def until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait for a condition; raises TimeoutError when it does not come true."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError("what was acknowledged is not all in the store")
        time.sleep(0.2)


def figures(installation: Installation, now: datetime) -> dict[str, Any]:
    """Every figure by every grouping, and the verdict of every incident, as of a moment."""
    desk = installation.desk
    found: dict[str, Any] = {}
    with installation.store.reading() as reader:
        for milestone, reading in CLOCKS:
            for by in GROUPS:
                given = {"milestone": str(milestone), "reading": str(reading), "by": str(by or "")}
                query = parse(given, now=now, zone=desk.zone)
                found[" ".join(given.values())] = kpi(reader, query, desk)
        for row in rows(reader, parse({}, now=now, zone=desk.zone), desk):
            told = (row["kind"], row["grid"], row["t0"], row["verdict"], row["seconds"])
            found[f"{row['source']} {row['incident_key']}"] = told
    return found


def undisturbed(folder: Path, story: Sequence[Record], now: datetime) -> dict[str, Any]:
    """The figures of one process with an embedded store that nobody disturbs."""
    config = street_feed.config(folder, GRIDS)
    environ = {SECRET_VARIABLE: SECRET}
    part = Part("run", folder, config, environ)
    part.start()
    try:
        feed = Feed(story, folder, f"http://127.0.0.1:{part.port}", seconds=1)
        feed.start()
        feed.wait()
        with opened(folder, config, environ) as installation:
            until(taken_in(installation, story))
            return figures(installation, now)
    finally:
        part.end()


@contextmanager
def opened(folder: Path, config: Path, environ: dict[str, str]) -> Iterator[Installation]:
    """The installation as another process sees it."""
    settings = load(environ | {"GRID135_DATA": str(folder / "data")}, str(config))
    installation = open_installation(settings, replayed=False)
    with closing(installation.store):
        yield installation


def measure(
    folder: Path, *, minutes: float, incidents: int, outage_s: float, seed: int
) -> dict[str, Any]:
    """Tell the story while everything is killed in turn, and compare."""
    began = datetime.now(UTC).replace(second=0, microsecond=0) - 2 * LENGTH
    long_after = began + timedelta(days=60)
    story = street_feed.story(began=began, incidents=incidents, seed=seed)
    (folder / "calm").mkdir()
    expected = undisturbed(folder / "calm", story, long_after)
    here = folder / "disturbed"
    here.mkdir()
    config = street_feed.config(here, GRIDS)
    with ExitStack() as stack:
        cluster = stack.enter_context(closing(Cluster()))
        cluster.start()
        url = cluster.url.render_as_string(hide_password=False)
        environ = {SECRET_VARIABLE: SECRET, "GRID135_STORE": url}
        workers = [Part("ingest", here, config, environ) for _ in range(2)]
        servers = [Part("serve", here, config, environ) for _ in range(2)]
        front = Proxy([server.port for server in servers])
        running: tuple[Part | Proxy, ...] = (*workers, *servers, front)
        for part in running:
            part.start()
            stack.callback(part.end)
        where = f"http://127.0.0.1:{front.port}"
        watcher = Watcher(where)
        watcher.start()
        stack.callback(watcher.stop)
        _until_heard(watcher)
        watcher.deaf_s = 0.0
        feed = Feed(story, here, where, seconds=minutes * 60)
        feed.start()
        names = ("ingest", "ingest", "serve", "serve", "proxy")
        kills, recovered = disturb(
            list(zip(names, (*workers, *servers, front), strict=True)),
            cluster,
            watcher,
            seconds=minutes * 60,
            outage_s=outage_s,
            chance=random.Random(seed),
        )
        feed.wait()
        with opened(here, config, environ) as installation:
            until(taken_in(installation, story))
            found = figures(installation, long_after)
            wrong = verify(installation.store, installation.desk).wrong
            with installation.store.reading() as reader:
                kept = Counter(
                    (row.incident_id, bytes(row.report_id))
                    for row in reader.rows(
                        select(schema.report.c.incident_id, schema.report.c.report_id)
                    )
                )
                names_kept = {
                    row.record_id for row in reader.rows(select(schema.report.c.record_id))
                }
                alarms = reader.count(schema.alarm)
    acknowledged = {(r.source, r.name) for r in feed.told.acknowledged}
    pushed_alarms = sum(source == "smoke" for source, _ in acknowledged)
    lost = sum(name not in names_kept for source, name in acknowledged if source != "smoke")
    lost += max(0, pushed_alarms - alarms)
    return {
        "benchmark": "faults",
        "minutes": minutes,
        "kills": kills.total(),
        "killed": dict(sorted(kills.items())),
        "outage_s": outage_s,
        "tries": feed.told.tries,
        "acknowledged": len(acknowledged),
        "stored": len(acknowledged) - lost,
        "duplicates": sum(n - 1 for n in kept.values()),
        "lost": lost,
        "figures": len(expected),
        "figures_equal": found == expected,
        "different": sorted(
            k for k in expected.keys() | found.keys() if expected.get(k) != found.get(k)
        )[:5],
        "rollups_wrong": wrong,
        "deaf_s": round(watcher.deaf_s, 1),
        "recovered_s": round(recovered, 1),
    }


def main() -> None:
    """Parse the command line and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--incidents", type=int, default=1200)
    parser.add_argument("--outage", type=float, default=10.0, help="seconds the database is away")
    parser.add_argument("--seed", type=int, default=135)
    parser.add_argument("--json", action="store_true", help="print JSON, one line")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = measure(
            Path(folder),
            minutes=options.minutes,
            incidents=options.incidents,
            outage_s=options.outage,
            seed=options.seed,
        )
    print(json.dumps(found) if options.json else json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
