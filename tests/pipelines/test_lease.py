"""Of each thing that one process does at a time there is one holder; never two."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.clock import ManualClock
from pipelines.installation import Installation, open_installation
from pipelines.leases.keeper import Keeper
from pipelines.leases.lease import (
    EXPIRY,
    PLAYED,
    RENEWAL,
    LeaseLostError,
    Leases,
    is_held,
    lease_of,
    read_leases,
    workers_of,
)
from pipelines.roles.live import Live
from pipelines.store import schema
from pipelines.store.store import Store
from tests.builders import NINE, at
from tests.pipelines.installations import (
    a_batch,
    a_call,
    a_record,
    an_installation,
    as_csv,
    content,
    drop,
)
from tests.processes import until
from tests.stores import on_every_database, place_in

pytestmark = on_every_database
CALLS = lease_of("calls")
HOUR = timedelta(hours=1)


class Steady:
    """The steady clock of a process, which the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, length: timedelta) -> None:
        self.seconds += length.total_seconds()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(place_in(tmp_path))
    yield store
    store.close()


@pytest.fixture
def steady() -> Steady:
    return Steady()


def a_process(store: Store, steady: Steady, *, clock_off: timedelta = timedelta(0)) -> Leases:
    return Leases(store, clock=ManualClock(NINE + clock_off), steady=steady)


def test_only_one_has_a_lease(store: Store, steady: Steady) -> None:
    first, second = a_process(store, steady), a_process(store, steady)

    assert (first.acquire(CALLS), second.acquire(CALLS)) == (True, False)
    assert (first.mine, second.mine) == ({CALLS}, set())
    assert is_held(store, CALLS, now=NINE)


def test_one_lease_says_nothing_about_another(store: Store, steady: Steady) -> None:
    first, second = a_process(store, steady), a_process(store, steady)
    first.acquire(CALLS)

    assert second.acquire(lease_of("sensors"))
    with store.writing() as writer, pytest.raises(LeaseLostError, match=r"source/calls: held by"):
        second.guard(writer, [lease_of("sensors"), CALLS])


@pytest.mark.parametrize("off", [-HOUR, timedelta(0), HOUR])
def test_a_lease_that_is_renewed_is_not_taken_however_the_clocks_are_set(
    store: Store, steady: Steady, off: timedelta
) -> None:
    first, second = a_process(store, steady), a_process(store, steady, clock_off=off)
    first.acquire(CALLS)

    for _ in range(8):
        steady.pass_by(EXPIRY - timedelta(seconds=1))
        assert first.acquire(CALLS)
        assert not second.acquire(CALLS)


@pytest.mark.parametrize("off", [-HOUR, timedelta(0), HOUR])
def test_a_lease_that_is_not_renewed_is_taken_however_the_clocks_are_set(
    store: Store, steady: Steady, off: timedelta
) -> None:
    first, second = a_process(store, steady), a_process(store, steady, clock_off=off)
    first.acquire(CALLS)
    assert not second.acquire(CALLS)
    steady.pass_by(EXPIRY)

    assert second.acquire(CALLS)
    assert not first.acquire(CALLS)
    assert first.mine == set()


def test_a_dead_worker_is_found_within_fifteen_seconds() -> None:
    seen_late, looked_late = RENEWAL, RENEWAL

    assert seen_late + EXPIRY + looked_late < timedelta(seconds=15)


def test_a_process_of_this_machine_that_has_ended_is_not_waited_for(
    store: Store, steady: Steady
) -> None:
    first, second = a_process(store, steady), a_process(store, steady)
    first.acquire(CALLS)
    machine, boot, _, rest = first.holder.split("/")
    ended = "/".join([machine, boot, str(2**22 + 1), rest])  # beyond the largest process number
    with store.writing() as writer:
        row = read_leases(writer)[CALLS]
        writer.put(schema.lease, [(CALLS, ended, row.token, 10**13)])

    assert second.acquire(CALLS)


def test_after_a_time_without_the_store_nobody_counts_as_dead(store: Store, steady: Steady) -> None:
    first, second = a_process(store, steady), a_process(store, steady)
    first.acquire(CALLS)
    assert not second.acquire(CALLS)

    steady.pass_by(EXPIRY * 10)
    second.unsure()

    assert not second.acquire(CALLS)


def test_a_lease_that_is_let_go_is_free_at_once(store: Store, steady: Steady) -> None:
    first, second = a_process(store, steady), a_process(store, steady)
    first.acquire(CALLS)
    first.release([CALLS])

    assert not is_held(store, CALLS, now=NINE)
    assert second.acquire(CALLS)


def test_letting_go_late_takes_nothing_from_the_successor(store: Store, steady: Steady) -> None:
    first, second = a_process(store, steady), a_process(store, steady)
    first.acquire(CALLS)
    second.acquire(CALLS)
    steady.pass_by(EXPIRY)
    assert second.acquire(CALLS)

    first.release([CALLS])

    with store.reading() as reader:
        assert read_leases(reader)[CALLS].holder == second.holder


def test_who_leaves_is_no_worker_any_more(store: Store, steady: Steady) -> None:
    first, second = a_process(store, steady), a_process(store, steady)
    first.acquire(CALLS)
    second.acquire(lease_of("sensors"))

    first.leave()

    with store.writing() as writer:
        leases, alive = second.look(writer)
        assert workers_of(leases, alive) == {second.holder}
        assert leases[CALLS].holder == ""


def test_a_holder_that_was_asleep_cannot_write_beside_its_successor(tmp_path: Path) -> None:
    street: Installation = an_installation(tmp_path)
    steady = Steady()
    asleep, successor = a_process(street.store, steady), a_process(street.store, steady)
    asleep.acquire(CALLS)
    successor.acquire(CALLS)
    street.door.guard = lambda writer, sources: asleep.guard(writer, [lease_of(s) for s in sources])
    calls = street.sources[0]
    street.door.accept(calls, a_batch(a_record(a_call("A-1"))), now=at(10))
    steady.pass_by(EXPIRY)
    assert successor.acquire(CALLS)
    before = content(street.store, "report", "incident", "position", "source", "arrival")

    with pytest.raises(LeaseLostError, match="this process stores nothing"):
        street.door.accept(calls, a_batch(a_record(a_call("A-2")), position="9"), now=at(20))

    after = content(street.store, "report", "incident", "position", "source", "arrival")
    assert after == before
    street.store.close()


def test_a_lease_that_ran_out_but_that_nobody_took_still_lets_its_holder_write(
    store: Store, steady: Steady
) -> None:
    process = a_process(store, steady)
    process.acquire(CALLS)
    steady.pass_by(EXPIRY * 3)

    with store.writing() as writer:
        process.guard(writer, [CALLS])
    assert process.acquire(CALLS)


def a_keeper(store: Store, leases: Leases, told: list[str], *claims: str) -> Keeper:
    return Keeper(
        store,
        leases,
        shared=claims,
        gained=lambda name: told.append(f"gained {name}"),
        lost=lambda name: told.append(f"lost {name}"),
        every=timedelta(milliseconds=5),
    )


def test_keepers_share_the_claims_out_and_say_so(store: Store) -> None:
    claims = [lease_of(name) for name in "abcde"]
    told: list[str] = []
    first = a_keeper(store, Leases(store), told, *claims)
    second = a_keeper(store, Leases(store), [], *claims)
    first.start()
    assert first.works == set(claims)

    second.start()
    assert until(lambda: len(first.works) == 3 and len(second.works) == 2)
    assert first.works | second.works == set(claims)
    # on a busy machine one may come back for a moment, and be lost again
    assert {t for t in told if t.startswith("lost")} == {f"lost {c}" for c in claims[3:]}

    second.stop()
    assert until(lambda: first.works == set(claims))
    first.stop()
    assert first.works == set()


def test_what_is_given_away_is_let_go_only_when_work_on_it_has_ended(store: Store) -> None:
    claims = [lease_of(name) for name in "ab"]
    ended: list[str] = []
    held_back = until  # the work on it takes as long as the test wants
    go_on: list[bool] = []

    def slow(name: str) -> None:
        held_back(lambda: go_on)
        ended.append(name)

    first = Keeper(
        store, Leases(store), shared=claims, gained=lambda _: None, lost=slow,
        every=timedelta(milliseconds=5),
    )  # fmt: skip
    second = a_keeper(store, Leases(store), [], *claims)
    first.start()
    second.start()
    assert until(lambda: len(first.works) == 1)
    for _ in range(5):
        with store.reading() as reader:
            holders = {h.holder for n, h in read_leases(reader).items() if n in claims}
        assert len(holders) == 1
    assert not second.works

    go_on.append(True)

    assert until(lambda: len(second.works) == 1)
    assert ended
    second.stop()
    first.stop()


def test_a_keeper_that_finds_its_lease_taken_ends_its_work(store: Store) -> None:
    told: list[str] = []
    keeper = a_keeper(store, Leases(store), told, CALLS)
    keeper.start()
    with store.writing() as writer:
        writer.put(schema.lease, [(CALLS, "somebody/else", 99, 10**13)])

    assert until(lambda: told[-1] == f"lost {CALLS}" and not keeper.works)
    keeper.stop()


def test_a_store_that_is_gone_is_said_once_and_the_lease_is_kept(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    leases = Leases(store)
    keeper = a_keeper(store, leases, told, CALLS)
    keeper.start()
    works, broken = store.taking_in, threading.Event()

    def sometimes(*given: Any, **how: Any) -> Any:
        if broken.is_set():
            tried.append(1)
            raise OSError("the database does not answer")
        return works(*given, **how)

    tried: list[int] = []
    store.taking_in = sometimes  # type: ignore[method-assign]
    broken.set()
    assert until(lambda: len(tried) > 3)
    broken.clear()
    assert until(lambda: "the leases are renewed again" in caplog.text)
    keeper.stop()

    assert caplog.text.count("the leases cannot be renewed") == 1
    assert told == [f"gained {CALLS}", f"lost {CALLS}"]


def test_a_process_that_cannot_begin_lets_the_lease_go(store: Store) -> None:
    def begin(_: str) -> None:
        raise OSError("the port is taken")

    keeper = Keeper(store, Leases(store), shared=[CALLS], gained=begin, lost=lambda _: None)

    with pytest.raises(OSError, match="port is taken"):
        keeper.start()

    assert not is_held(store, CALLS, now=NINE)


def test_of_a_replay_too_every_process_knows_who_plays_it(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", as_csv([a_call("A-1")]))
    options = f'replay = {{ from = "{NINE.isoformat()}" }}'
    first = Live(an_installation(tmp_path, replayed=True, options=options))
    first.start()
    second = Live(an_installation(tmp_path, replayed=True, options=options))
    second.start()
    try:
        roster = second.roster()
        assert roster.is_standby
        assert roster.holders == first.roster().holders
        assert len(roster.holders) == 1
    finally:
        second.stop()
        first.stop()


def test_a_second_process_leaves_a_replay_that_is_playing_alone(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", as_csv([a_call("A-1")]))
    options = f'replay = {{ from = "{NINE.isoformat()}" }}'
    first = an_installation(tmp_path, replayed=True, options=options)
    leases = Leases(first.store)
    leases.acquire(PLAYED)
    first.pull(first.sources[0], now=at(10))

    second = open_installation(first.settings, replayed=True)

    with second.store.reading() as reader:
        assert reader.sources()["calls"].reports == 1
    second.store.close()
    leases.release([PLAYED])

    third = open_installation(first.settings, replayed=True)
    with third.store.reading() as reader:
        assert reader.sources() == {}
    third.store.close()
    first.store.close()
