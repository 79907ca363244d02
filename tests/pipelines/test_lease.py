"""One process takes records in; another steps in when it is gone, and never both."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from pipelines.clock import ManualClock
from pipelines.installation import Installation, open_installation
from pipelines.lease import EXPIRY, Keeper, Lease, LeaseLostError, is_held
from pipelines.store.store import Store
from tests.builders import NINE, at
from tests.pipelines.installations import (
    a_batch,
    a_call,
    a_config,
    a_record,
    an_installation,
    as_csv,
    content,
    drop,
    the_grids,
)

ROOT = Path(__file__).parent.parent.parent
TAKES_OVER_WITHIN_S = 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store.sqlite3")
    yield store
    store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NINE)


def test_only_one_has_the_lease(store: Store, clock: ManualClock) -> None:
    first, second = Lease(store, clock=clock), Lease(store, clock=clock)

    assert (first.acquire(), second.acquire()) == (True, False)
    assert (first.is_mine, second.is_mine) == (True, False)
    assert is_held(store, now=clock.now())


def test_a_lease_that_is_renewed_does_not_run_out(store: Store, clock: ManualClock) -> None:
    first, second = Lease(store, clock=clock), Lease(store, clock=clock)
    first.acquire()

    for _ in range(5):
        clock.advance(EXPIRY - timedelta(seconds=1))
        assert first.acquire()
        assert not second.acquire()


def test_a_lease_that_ran_out_goes_to_whoever_asks(store: Store, clock: ManualClock) -> None:
    first, second = Lease(store, clock=clock), Lease(store, clock=clock)
    first.acquire()
    clock.advance(EXPIRY)

    assert second.acquire()
    assert not first.acquire()
    assert not first.is_mine


def test_a_lease_that_is_let_go_is_free_at_once(store: Store, clock: ManualClock) -> None:
    first, second = Lease(store, clock=clock), Lease(store, clock=clock)
    first.acquire()
    first.release()

    assert not is_held(store, now=clock.now())
    assert second.acquire()


def test_letting_go_late_takes_nothing_from_the_successor(store: Store, clock: ManualClock) -> None:
    first, second = Lease(store, clock=clock), Lease(store, clock=clock)
    first.acquire()
    clock.advance(EXPIRY)
    second.acquire()

    first.release()

    assert is_held(store, now=clock.now())


def test_a_holder_that_was_asleep_cannot_write_beside_its_successor(tmp_path: Path) -> None:
    street: Installation = an_installation(tmp_path)
    clock = ManualClock(NINE)
    asleep, successor = Lease(street.store, clock=clock), Lease(street.store, clock=clock)
    asleep.acquire()
    street.door.guard = asleep.guard
    calls = street.sources[0]
    street.door.accept(calls, a_batch(a_record(a_call("A-1"))), now=at(10))
    clock.advance(EXPIRY)
    successor.acquire()
    before = content(street.store, "report", "incident", "position", "source", "arrival")

    with pytest.raises(LeaseLostError, match="taken in by"):
        street.door.accept(calls, a_batch(a_record(a_call("A-2")), position="9"), now=at(20))

    after = content(street.store, "report", "incident", "position", "source", "arrival")
    assert after == before
    street.store.close()


def test_a_lease_that_ran_out_but_that_nobody_took_still_lets_its_holder_write(
    store: Store, clock: ManualClock
) -> None:
    lease = Lease(store, clock=clock)
    lease.acquire()
    clock.advance(EXPIRY * 3)

    with store.writing() as writer:
        lease.guard(writer)
    assert lease.acquire()


def test_the_keeper_begins_when_it_gets_the_lease_and_ends_when_it_loses_it(
    store: Store, clock: ManualClock
) -> None:
    told: list[str] = []
    mine, other = Lease(store, clock=clock), Lease(store, clock=clock)
    keeper = Keeper(
        mine,
        gained=lambda: told.append("gained"),
        lost=lambda: told.append("lost"),
        every=timedelta(milliseconds=5),
    )
    other.acquire()
    keeper.start()
    try:
        assert not keeper.works
        clock.advance(EXPIRY)
        assert until(lambda: keeper.works, within_s=10)
        with store.writing() as writer:
            writer.clear(*[t for t in writer_tables() if t.name == "lease"])
        assert other.acquire() or other.acquire()
        assert until(lambda: told[-1] == "lost" and not keeper.works, within_s=10)
    finally:
        keeper.stop()
    assert told[:2] == ["gained", "lost"]


def test_a_process_that_cannot_begin_lets_the_lease_go(store: Store, clock: ManualClock) -> None:
    def begin() -> None:
        raise OSError("the port is taken")

    keeper = Keeper(Lease(store, clock=clock), gained=begin, lost=lambda: None)

    with pytest.raises(OSError, match="port is taken"):
        keeper.start()

    assert not is_held(store, now=clock.now())


def writer_tables() -> list[Any]:
    from pipelines.store import schema

    return list(schema.metadata.sorted_tables)


def until(condition: Callable[[], bool], *, within_s: float) -> bool:
    ends = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


class Product:
    """``app.py run`` in a process of its own, on a port of its own."""

    def __init__(self, folder: Path, config: Path, port: int) -> None:
        self.port = port
        environ = os.environ | {"GRID135_DATA": str(folder / "data"), "GRID135_PORT": str(port)}
        self._process = subprocess.Popen(
            [sys.executable, "app.py", "run", "--config", str(config)],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def health(self) -> dict[str, Any]:
        """What it says about itself; empty while it does not answer."""
        with suppress(URLError, OSError):
            address = f"http://127.0.0.1:{self.port}/health"
            with urlopen(address, timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        return {}

    def role(self) -> str:
        """``active``, ``standby``, or nothing while it does not answer."""
        return str(self.health().get("ingest", {}).get("role", ""))

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def a_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_when_one_process_is_killed_the_other_takes_over_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    the_grids(tmp_path)
    options = 'every = "100ms"'
    config = a_config(tmp_path, options=options, path="in/*.csv")
    drop(tmp_path / "in" / "1.csv", as_csv([a_call("A-1"), a_call("A-2")]))
    first = Product(tmp_path, config, a_port())
    second = None
    try:
        assert until(lambda: first.role() == "active", within_s=60)
        second = Product(tmp_path, config, a_port())
        assert until(lambda: second.role() == "standby", within_s=60)
        assert second.health()["ingest"]["holder"] == first.health()["ingest"]["holder"]
        assert until(lambda: second.health()["sources"][0]["records"] == 2, within_s=20)

        first.kill()
        killed_at = time.monotonic()
        drop(tmp_path / "in" / "2.csv", as_csv([a_call("A-3")]))

        assert until(lambda: second.role() == "active", within_s=TAKES_OVER_WITHIN_S)
        assert time.monotonic() - killed_at < TAKES_OVER_WITHIN_S
        assert until(lambda: second.health()["sources"][0]["records"] == 3, within_s=20)
    finally:
        for product in filter(None, (first, second)):
            product.kill()


def test_a_second_process_leaves_a_replay_that_is_playing_alone(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", as_csv([a_call("A-1")]))
    options = f'replay = {{ from = "{NINE.isoformat()}" }}'
    first = an_installation(tmp_path, replayed=True, options=options)
    lease = Lease(first.store)
    lease.acquire()
    first.pull(first.sources[0], now=at(10))

    second = open_installation(first.settings, replayed=True)

    with second.store.reading() as reader:
        assert reader.sources()["calls"].reports == 1
    second.store.close()
    lease.release()

    third = open_installation(first.settings, replayed=True)
    with third.store.reading() as reader:
        assert reader.sources() == {}
    third.store.close()
    first.store.close()
