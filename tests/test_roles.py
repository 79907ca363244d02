"""Several processes on one store: workers that share the sources, servers that only show."""

import json
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from pipelines.errors import SettingsError
from pipelines.leases.lease import lease_of, read_leases
from pipelines.roles.worker import open_shared
from pipelines.settings import load
from pipelines.store import schema
from pipelines.store.store import Store
from tests.builders import NINE
from tests.pipelines.installations import CALLS, a_call, a_config, as_csv, drop, the_grids
from tests.processes import Product, a_port, running, until
from tests.stores import environ_of, kept_in, on_every_database, place_in

TAKEN_OVER_WITHIN_S = 15.0
NAMES = ("a", "b", "c", "d")
SECRET = "of-the-tests"
PUSHED = """
[sources.pushed]
name = "Pushed"
connector = { type = "webhook", auth = { type = "bearer", secret = "GRID135_TEST_PUSH" } }

[sources.pushed.decoder]
type = "table"
incident = "id"
kind = { column = "kind", map = { fire = "fire" } }
milestones = { reported = "reported" }
"""


def the_config(folder: Path, names: Sequence[str] = NAMES, *, more: str = "") -> Path:
    """A source for each name, of files in a folder of its own."""
    the_grids(folder)
    blocks = [
        CALLS.format(options='every = "100ms"', path=f"in/{name}/*.csv").replace("calls", name)
        for name in names
    ]
    config = a_config(folder, more="".join(blocks) + more)
    text = config.read_text(encoding="utf-8")
    start, end = text.index("[sources.calls]"), text.index(f"[sources.{names[0]}]")
    config.write_text(text[:start] + text[end:], encoding="utf-8")
    for name in names:
        (folder / "in" / name).mkdir(parents=True, exist_ok=True)
    return config


def drop_calls(folder: Path, turn: int, names: Sequence[str] = NAMES) -> None:
    """One file with two calls into the folder of each source."""
    for name in names:
        rows = [a_call(f"{name}-{turn}-{i}", arrived=200) for i in range(2)]
        drop(folder / "in" / name / f"{turn}.csv", as_csv(rows), written=NINE)


def stored(folder: Path) -> list[str]:
    """The keys of all reports, sorted: who is there twice is stored twice."""
    with closing(Store(place_in(folder))) as store, store.reading() as reader:
        return sorted(row.record_id for row in reader.rows(schema.report.select()))


def holders(folder: Path) -> dict[str, str]:
    """Who takes in each source, in the words of the store; without those that nobody does."""
    with closing(Store(place_in(folder))) as store, store.reading() as reader:
        leases = read_leases(reader)
    claims = {name: leases.get(lease_of(name)) for name in NAMES}
    return {name: held.holder for name, held in claims.items() if held and held.holder}


def number(product: Product) -> str:
    """The number of a process as it stands in what it calls itself."""
    return f"/{product.process.pid}/"


def those_of(folder: Path, product: Product) -> set[str]:
    return {name for name, holder in holders(folder).items() if number(product) in holder}


def all_of(turns: int) -> list[str]:
    return sorted(f"{name}-{turn}-{i}" for name in NAMES for turn in range(turns) for i in range(2))


@on_every_database
def test_workers_share_the_sources_and_one_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """Though their clocks are two hours apart."""
    config = the_config(tmp_path)
    drop_calls(tmp_path, 0)
    store = environ_of(tmp_path)
    first = Product(tmp_path, config, role="ingest", clock=timedelta(hours=-1), environ=store)
    second = Product(tmp_path, config, role="ingest", clock=timedelta(hours=1), environ=store)
    with running(first, second):
        assert until(lambda: [len(those_of(tmp_path, p)) for p in (first, second)] == [2, 2])
        assert until(lambda: stored(tmp_path) == all_of(1))
        before = holders(tmp_path)
        drop_calls(tmp_path, 1)
        assert until(lambda: stored(tmp_path) == all_of(2))
        assert holders(tmp_path) == before

        first.kill()
        killed_at = time.monotonic()
        drop_calls(tmp_path, 2)

        assert until(lambda: len(those_of(tmp_path, second)) == 4)
        assert time.monotonic() - killed_at < TAKEN_OVER_WITHIN_S
        assert until(lambda: stored(tmp_path) == all_of(3))

        assert second.end() == 0
        assert holders(tmp_path) == {}


@pytest.fixture
def on_postgresql() -> Iterator[None]:
    with kept_in("postgresql"):
        yield


@pytest.mark.usefixtures("on_postgresql")
def test_a_worker_that_was_paused_wakes_up_late_and_takes_nothing_in(tmp_path: Path) -> None:
    """On PostgreSQL; an embedded store that it was paused in the middle of would stand still."""
    config = the_config(tmp_path)
    drop_calls(tmp_path, 0)
    store = environ_of(tmp_path)
    first, second = (Product(tmp_path, config, role="ingest", environ=store) for _ in range(2))
    with running(first, second):
        assert until(lambda: [len(those_of(tmp_path, p)) for p in (first, second)] == [2, 2])
        assert until(lambda: stored(tmp_path) == all_of(1))

        first.signal(signal.SIGSTOP)
        paused_at = time.monotonic()
        assert until(lambda: len(those_of(tmp_path, second)) == 4)
        assert time.monotonic() - paused_at < TAKEN_OVER_WITHIN_S
        drop_calls(tmp_path, 1)
        first.signal(signal.SIGCONT)

        assert until(lambda: "another process does this now" in first.log.read_text())
        assert until(lambda: [len(those_of(tmp_path, p)) for p in (first, second)] == [2, 2])
        assert until(lambda: stored(tmp_path) == all_of(2))
        drop_calls(tmp_path, 2)
        assert until(lambda: stored(tmp_path) == all_of(3))


@on_every_database
def test_servers_know_from_the_store_what_only_a_worker_sees(tmp_path: Path) -> None:
    config = the_config(tmp_path, more=PUSHED)
    drop_calls(tmp_path, 0)
    environ = {"GRID135_TEST_PUSH": SECRET} | environ_of(tmp_path)
    told_at = a_port()
    measuring = environ | {"GRID135_METRICS_PORT": str(told_at)}
    worker = Product(tmp_path, config, role="ingest", environ=measuring)
    one, other = (Product(tmp_path, config, role="serve", environ=environ) for _ in range(2))
    with running(worker, one, other):
        assert until(lambda: one.role() == "serve" and other.role() == "serve")
        assert until(lambda: one.source("a").get("state") == "live")
        assert until(lambda: one.source("a").get("last_success_at") is not None)
        assert number(worker) in one.source("a")["holder"]

        # what a worker finds broken, every server says
        (tmp_path / "in" / "b").rename(tmp_path / "in" / "away")
        assert until(lambda: one.source("b").get("state") == "down")
        assert "no such folder" in one.source("b")["problem"]
        (tmp_path / "in" / "away").rename(tmp_path / "in" / "b")
        assert until(lambda: other.source("b").get("state") == "live")

        # a push is taken in by whichever is asked, once
        assert pushed_to(one, other, "P-1") == {200}
        assert until(lambda: one.source("pushed")["records"] == 1)
        assert stored(tmp_path).count("P-1") == 1

        # each process tells what it measures
        told = read(f"http://127.0.0.1:{told_at}/metrics")
        assert 'grid135_records_total{outcome="stored",source="a"} 2.0' in told
        assert "grid135_sources_held 4.0" in told
        assert '"role":"active"' in read(f"http://127.0.0.1:{told_at}/health")
        assert "grid135_stream_clients 0.0" in read(one.url("/metrics"))

        # a screen may land on another server
        assert first_message(one, last_event="0")["full"]
        assert first_message(other, last_event="4711")["full"]

        worker.kill()
        assert until(lambda: one.source("a").get("state") == "unattended")
        health = one.health()
        assert health["status"] == "degraded"
        assert one.source("a")["since"] is not None
        assert "起没有进程接入本数据源" in health["words"]["a"]["zh"]
        assert "No process takes this source in since" in health["words"]["a"]["en"]
        assert one.source("pushed")["state"] != "unattended"
        assert (one.end(), other.end()) == (0, 0)


def read(url: str) -> str:
    with urlopen(url, timeout=10) as answer:
        return str(answer.read(), "utf-8")


def pushed_to(one: Product, other: Product, key: str) -> set[int]:
    """What two servers answer that are told the same at once, five times."""
    body = json.dumps({"id": key, "kind": "fire", "reported": NINE.isoformat()}).encode()
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    said: list[int] = []
    threads = [
        threading.Thread(target=lambda p=p: said.append(p.push("pushed", body, headers)))
        for p in (one, other) * 5
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return set(said)


def first_message(product: Product, *, last_event: str) -> Any:
    """The first message with content that a screen gets which has seen others before."""
    connection = HTTPConnection("127.0.0.1", product.port, timeout=30)
    connection.request("GET", "/stream?page=wall", headers={"Last-Event-ID": last_event})
    answer = connection.getresponse()
    try:
        while line := answer.readline():
            if line.startswith(b"data: ") and b'"props"' in line:
                return json.loads(line.removeprefix(b"data: "))
    finally:
        connection.close()
    raise AssertionError("the stream ended")


def test_what_is_played_is_played_by_one_process(tmp_path: Path) -> None:
    replay = f'replay = {{ from = "{NINE.isoformat()}" }}'
    the_grids(tmp_path)
    environ = {"GRID135_DATA": str(tmp_path / "data")}

    with pytest.raises(SettingsError, match=r"\[sources.calls\] replay: .*use app.py run"):
        open_shared(load(environ, str(a_config(tmp_path, options=replay))))
    with pytest.raises(SettingsError, match=r"\[demo\]: .*use app.py run"):
        open_shared(load(environ, "config/demo.toml"))
