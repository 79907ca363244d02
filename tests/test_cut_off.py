"""The way to the database is gone, or the database is: what is acknowledged is stored, once."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url

from benchmarks.cluster import Cluster
from pipelines.store import schema
from pipelines.store.store import Store
from tests.builders import NINE
from tests.cables import NETWORK, elsewhere
from tests.databases import a_server
from tests.pipelines.installations import a_call, as_csv, drop
from tests.processes import ROOT, Product, a_port, running, until
from tests.stores import environ_of, kept_in, place_in
from tests.test_roles import (
    PUSHED,
    SECRET,
    all_of,
    drop_calls,
    stored,
    the_config,
    those_of,
)

AWAY_S = 3.0
BACK_WITHIN_S = 15.0
STORE = "GRID135_STORE"
ADDRESS = "http://127.0.0.1:%s/metrics"
RECORDS = re.compile(r'^grid135_records_total{outcome="(\w+)".*} (\S+)$', re.MULTILINE)
LOAD = 20_000
COPYING = """
import time
from sqlalchemy.engine import make_url
from pipelines.store.backends import postgresql
from pipelines.store.store import Store

for name in ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_user_timeout"):
    postgresql.GIVEN_UP[name] = "1s"

def copy(writer):
    with writer.connection.connection.cursor().copy("COPY lease FROM STDIN"):
        time.sleep(600)

Store(make_url({url!r})).taking_in(copy)
"""
"""A process that copies rows for ten minutes. The server is to lose patience sooner than usual."""
HELD_UP_S = 5.0
IN_THE_MIDDLE_S = 25.0
"""A server waits 15 s for the rest of a transaction; until then the leases in it are not free."""


@pytest.fixture
def on_postgresql() -> Iterator[None]:
    with kept_in("postgresql"):
        yield


@pytest.mark.alone
@pytest.mark.usefixtures("on_postgresql")
def test_a_worker_that_is_cut_off_in_the_middle_of_a_load_loses_its_sources_and_repeats_nothing(
    tmp_path: Path,
) -> None:
    config = the_config(tmp_path)
    url = make_url(environ_of(tmp_path)[STORE])
    assert url.port is not None
    with elsewhere(url.port) as far:
        over_there = url.set(host=far.address, port=far.relayed)
        port = a_port()
        environ = {
            STORE: over_there.render_as_string(hide_password=False),
            "GRID135_METRICS_PORT": str(port),
        }
        cut_off = Product(tmp_path, config, role="ingest", environ=environ, before=far.before)
        other = Product(tmp_path, config, role="ingest", environ=environ_of(tmp_path))
        with running(cut_off, other):
            assert until(lambda: [len(those_of(tmp_path, p)) for p in (cut_off, other)] == [2, 2])
            drop_calls(tmp_path, 0)
            assert until(lambda: stored(tmp_path) == all_of(1))
            assert sum(taken_in(far.before, port).values()) == 4

            name = min(those_of(tmp_path, cut_off)).removeprefix("source/")
            load = [a_call(f"{name}-load-{i}", arrived=200) for i in range(LOAD)]
            drop(tmp_path / "in" / name / "load.csv", as_csv(load), written=NINE)
            assert until(lambda: how_many(tmp_path) > 8)
            far.pull()
            pulled_at = time.monotonic()
            assert how_many(tmp_path) < LOAD
            drop_calls(tmp_path, 1)
            assert until(lambda: len(those_of(tmp_path, other)) == 4)
            assert time.monotonic() - pulled_at < IN_THE_MIDDLE_S
            everything = [*all_of(2), *(row["record"] for row in load)]
            assert until(lambda: stored(tmp_path) == sorted(everything))
            far.plug_in()

            assert until(lambda: "another process does this now" in cut_off.log.read_text())
            assert until(lambda: [len(those_of(tmp_path, p)) for p in (cut_off, other)] == [2, 2])
            before = taken_in(far.before, port)
            assert before["stored"] < LOAD
            drop_calls(tmp_path, 2)
            everything += [key for key in all_of(3) if "-2-" in key]
            assert until(lambda: stored(tmp_path) == sorted(everything))
            after = taken_in(far.before, port)
            assert after["stored"] == before["stored"] + 4
            assert after["duplicate"] == 0
            assert (cut_off.end(), other.end()) == (0, 0)


def how_many(folder: Path) -> int:
    """How many reports the store has."""
    with closing(Store(place_in(folder))) as store, store.reading() as reader:
        return reader.count(schema.report)


def taken_in(before: Sequence[str], port: int) -> Counter[str]:
    """How many records a worker has brought to the store, by what became of them there."""
    ask = f"from urllib.request import urlopen as u; print(u({ADDRESS!r} % {port}).read().decode())"
    command = [*before, sys.executable, "-c", ask]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    counts: Counter[str] = Counter()
    for outcome, number in RECORDS.findall(said):
        counts[outcome] += int(float(number))
    return counts


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A server of the test's own, which can be stopped without hurting anybody."""
    with a_server():  # PostgreSQL is installed
        pass
    with closing(Cluster(network=NETWORK)) as cluster:
        cluster.start()
        yield cluster


@pytest.mark.alone
def test_who_is_cut_off_in_the_middle_of_a_copy_holds_the_others_up_for_a_moment_only(
    cluster: Cluster,
) -> None:
    """The server, which waits for the rest of the rows, does not call that idle."""
    with elsewhere(cluster.port) as far, closing(Store(cluster.url)) as store:
        url = cluster.url.set(host=far.address).render_as_string(hide_password=False)
        command = [*far.before, sys.executable, "-c", COPYING.format(url=url)]
        with subprocess.Popen(command, cwd=ROOT) as copying:
            try:
                assert until(lambda: in_a_copy(store))
                far.pull()
                pulled_at = time.monotonic()
                with store.writing() as writer:
                    writer.put_meta("written", "by the other")
                assert time.monotonic() - pulled_at < HELD_UP_S
            finally:
                copying.kill()


def in_a_copy(store: Store) -> bool:
    """Whether a connection waits for rows, beside us."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state = 'active' AND wait_event = 'ClientRead' AND starts_with(query, 'COPY lease')"
    )
    with store.reading() as reader:
        return bool(reader.connection.exec_driver_sql(waiting).scalar_one())


def test_while_the_database_is_away_pushes_are_refused_and_all_heals_when_it_is_back(
    cluster: Cluster, tmp_path: Path
) -> None:
    config = the_config(tmp_path, names=("a",), more=PUSHED)
    environ = {"GRID135_TEST_PUSH": SECRET, STORE: cluster.url.render_as_string(False)}
    product = Product(tmp_path, config, environ=environ)
    acknowledged: list[str] = []

    def push(key: str) -> int:
        body = json.dumps({"id": key, "kind": "fire", "reported": NINE.isoformat()}).encode()
        headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
        status = product.push("pushed", body, headers)
        if status == 200:
            acknowledged.append(key)
        return status

    with running(product):
        assert until(lambda: push("P-0") == 200)
        drop_calls(tmp_path, 0, names=("a",))
        assert until(lambda: product.source("a").get("records") == 2)
        assert push("P-1") == 200

        cluster.stop()
        ends, said = time.monotonic() + AWAY_S, set()
        refused = [f"P-{n}" for n in range(2, 8)]
        while time.monotonic() < ends:
            said |= {push(key) for key in refused}
        drop_calls(tmp_path, 1, names=("a",))
        assert said == {503}
        health = httpx.get(product.url("/health"), timeout=10)
        assert (health.status_code, health.json()["status"]) == (503, "down")
        assert httpx.get(product.url("/api/v1/kpi"), timeout=10).status_code == 503
        head = first_head(product)
        assert head["stale_ms"] is not None
        cluster.start()
        back_at = time.monotonic()

        assert until(lambda: push(refused[0]) == 200)
        assert {push(key) for key in refused} == {200}
        assert until(lambda: product.source("a").get("records") == 4)
        assert until(lambda: product.health().get("status") == "ok")
        assert until(lambda: first_head(product)["stale_ms"] is None)
        assert time.monotonic() - back_at < BACK_WITHIN_S
        assert product.source("pushed")["records"] == len(set(acknowledged)) == 8
        assert product.end() == 0
    store = Store(cluster.url)
    with closing(store), store.reading() as reader:
        keys = sorted(row.key for row in reader.incident_rows())
    assert keys == sorted({*acknowledged, *(f"a-{turn}-{i}" for turn in (0, 1) for i in (0, 1))})


def first_head(product: Product) -> dict[str, Any]:
    """The first that a new screen is told."""
    with httpx.stream("GET", product.url("/stream?page=wall"), timeout=30) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return found
    raise AssertionError("the stream ended")
