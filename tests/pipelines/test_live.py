"""The running product: sources that come and go, and screens that see one truth."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from pipelines.clock import ManualClock
from pipelines.connectors.record import Record
from pipelines.feeds.health import Health
from pipelines.installation import Installation
from pipelines.model.fact import Statement
from pipelines.model.milestone import TARGETED
from pipelines.roles.live import Live
from pipelines.roles.schedule import Schedule
from pipelines.snapshot import Snapshot, SourceState
from tests.builders import NINE, at
from tests.pipelines.installations import (
    CALLS,
    ELSEWHERE,
    IN_G1,
    IN_G2,
    IN_G3,
    a_bad_record,
    a_batch,
    a_call,
    an_installation,
    as_csv,
    drop,
    taken_in,
)

PATIENCE_S = 20
OTHER = CALLS.format(options="", path="other.csv").replace("sources.calls", "sources.other")


class BrokenDecoder:
    """A decoder with a bug."""

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Statement:
        raise ZeroDivisionError(record.origin)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    """Two sources: calls, and others."""
    installation = an_installation(tmp_path, more=OTHER, options='silence = "10m"')
    yield installation
    installation.store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at(100))


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def poll(street: Installation, health: Health, clock: ManualClock) -> Callable[[], None]:
    """Ask every source once, ten seconds after the last time."""
    schedule = Schedule(street, health, clock)

    def once() -> None:
        clock.advance(timedelta(seconds=10))
        for source in street.sources:
            schedule.poll(source)

    return once


def states(street: Installation, health: Health, now: datetime) -> dict[str, str]:
    with street.store.reading() as reader:
        delivered = reader.sources()
    return {line.id: line.state.value for line in health.report(street.sources, delivered, now=now)}


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_source_that_disappears_is_said_to_be_down_once_and_back_once(
    street: Installation,
    health: Health,
    clock: ManualClock,
    poll: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls, other = (street.settings.path(name) for name in ("calls.csv", "other.csv"))
    drop(calls, as_csv([a_call("A-1")]))
    drop(other, as_csv([a_call("B-1")]))
    poll()
    assert states(street, health, clock.now()) == {"calls": "live", "other": "live"}

    calls.unlink()
    for n in range(5):
        drop(other, as_csv([a_call(f"B-{i}") for i in range(1, n + 3)]), written=at(n))
        poll()

    assert states(street, health, clock.now()) == {"calls": "down", "other": "live"}
    (down,) = said(caplog)
    assert down == f"source calls is down: {calls}: no such file or folder"
    with street.store.reading() as reader:
        assert reader.sources()["other"].reports == 6

    drop(calls, as_csv([a_call("A-1"), a_call("A-2")]), written=at(50))
    for _ in range(3):
        poll()

    assert states(street, health, clock.now()) == {"calls": "live", "other": "live"}
    _, back = said(caplog)
    assert back.startswith("source calls is back, down since 2026-03-02 01:02:00")
    assert health.changes == 2


def test_a_source_that_has_not_been_there_yet_waits_and_a_quiet_one_is_silent(
    street: Installation, health: Health, clock: ManualClock, poll: Callable[[], None]
) -> None:
    drop(street.settings.path("calls.csv"), as_csv([a_call("A-1")]))
    drop(street.settings.path("other.csv"), as_csv([]))
    poll()
    assert states(street, health, clock.now()) == {"calls": "live", "other": "waiting"}

    clock.advance(timedelta(minutes=11))
    poll()

    assert states(street, health, clock.now()) == {"calls": "silent", "other": "waiting"}


def test_a_bug_in_one_decoder_stops_neither_its_own_polling_nor_the_others(
    street: Installation, health: Health, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("calls.csv", "other.csv"):
        drop(street.settings.path(name), as_csv([a_call("A-1")]))
    calls, other = street.sources
    broken = replace(calls, decoder=BrokenDecoder())
    schedule = Schedule(street, health, clock)

    for source in (broken, other, broken):
        schedule.poll(source)

    assert states(street, health, clock.now()) == {"calls": "down", "other": "live"}
    assert said(caplog).count("source calls is down: internal error: ZeroDivisionError") == 1
    schedule.poll(calls)
    assert states(street, health, clock.now())["calls"] == "live"
    with street.store.reading() as reader:
        assert reader.sources()["calls"].reports == 1


def test_what_went_down_is_shown_at_once_and_what_is_well_when_there_is_time(
    health: Health,
) -> None:
    health.succeeded("calls", now=at(0))
    first = health.news(["calls"])
    assert health.is_urgent(first)
    health.noted(first)
    assert health.news(["calls"]) == {}

    health.failed("calls", "refused", now=at(10))
    down = health.news(["calls"])
    assert health.is_urgent(down)
    health.noted(down)

    still = {"calls": replace(down["calls"], problem_at=at(20))}
    assert not health.is_urgent(still)


class Gone:
    """A store whose database does not answer."""

    def reading(self) -> None:
        raise OperationalError("SELECT 1", {}, OSError("connection refused"))


def test_a_store_that_is_gone_is_said_once_and_is_no_source_s_fault(
    street: Installation, health: Health, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("calls.csv", "other.csv"):
        drop(street.settings.path(name), as_csv([a_call("A-1")]))
    schedule = Schedule(replace(street, store=Gone()), health, clock)  # type: ignore[arg-type]

    for source in street.sources * 3:
        schedule.poll(source)

    assert said(caplog) == ["what sources have cannot be stored; they are asked again"]
    assert states(street, health, clock.now()) == {"calls": "waiting", "other": "waiting"}


def test_a_replay_that_is_over_has_ended(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", as_csv([a_call("A-1")]))
    options = f'replay = {{ from = "{NINE.isoformat()}" }}'
    street = an_installation(tmp_path, replayed=True, options=options)
    street.pull(street.sources[0], now=at(10))

    assert states(street, Health(), at(10)) == {"calls": "ended"}


def test_records_that_are_dropped_into_the_folder_reach_the_screens(tmp_path: Path) -> None:
    options = 'every = "50ms"'
    live = Live(an_installation(tmp_path, options=options, path="in/*.csv"))
    (tmp_path / "in").mkdir()
    before = live.version()
    live.start()
    try:
        drop(tmp_path / "in" / "calls.csv", as_csv([a_call("A-1", arrived=200)]))

        assert until(lambda: live.kpi({})[0]["hit"] == 1)
        assert live.version() != before
        assert live.snapshot().sources[0].state is SourceState.LIVE
        assert live.health()["status"] == "ok"
    finally:
        live.stop()


def until(condition: Callable[[], bool]) -> bool:
    """Wait for a condition; False when it does not come true."""
    ends, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not condition():
        if time.monotonic() > ends:
            return False
        pause.wait(0.01)
    return True


def the_tiles(live: Live) -> list[tuple[Any, Any]]:
    """Each tile's figures beside what the same question gets as its answer."""
    pairs = []
    for tile in live.snapshot().tiles:
        asked = {"milestone": tile.milestone.value, "reading": tile.reading.value}
        if tile.since is not None:
            asked["from"] = tile.since.isoformat()
        (answer,) = live.kpi(asked)
        answer.pop("key")
        pairs.append((tile.figures, answer))
    return pairs


CROWD = [
    a_call("A-1", accepted=40, dispatched=100, arrived=280, resolved=900),
    a_call("A-2", reported=-86_400, accepted=400, place=IN_G2),
    a_call("A-3", reported=-86_400 * 40, arrived=-86_400 * 40 + 500, place=IN_G3),
    a_call("A-4", kind="noise", place=IN_G1),
    a_call("A-5", place=None),
    a_call("A-6", place=ELSEWHERE),
    a_call("A-7", accepted=10, arrived=-60),
    a_call("A-8", reported=-30_000, resolved=-20_000, place=IN_G3),
    a_call("A-9", reported=950, kind="smoke"),
]


def a_crowd(folder: Path, *more: Any, window: str = "today", reading: str = "cumulative") -> Live:
    wall = f'[wall]\nwindow = "{window}"\nreading = "{reading}"\n'
    street = an_installation(folder, more=wall)
    taken_in(street, *CROWD, *more, now=at(1000))
    street.door.accept(street.sources[0], a_batch(a_bad_record("junk")), now=at(1000))
    return Live(street, clock=ManualClock(at(1000)))


@pytest.mark.parametrize("window", ["today", "all", "30d"])
@pytest.mark.parametrize("reading", ["cumulative", "staged"])
def test_the_tiles_say_what_the_figures_say(tmp_path: Path, window: str, reading: str) -> None:
    tiles = the_tiles(a_crowd(tmp_path, window=window, reading=reading))

    assert len(tiles) == len(TARGETED)
    for shown, answered in tiles:
        assert dict(shown) == answered


@pytest.mark.parametrize("window", ["today", "30d"])
def test_a_tile_of_the_wall_and_one_of_the_desk_count_the_same_days(
    tmp_path: Path, window: str
) -> None:
    nearly = -30 * 86_400 + 3600
    live = a_crowd(tmp_path, a_call("B-1", reported=nearly, arrived=nearly + 100), window=window)

    on_the_wall = [dict(tile.figures) for tile in live.snapshot().tiles]
    at_the_desk = [dict(tile.figures) for tile in live.board({"window": window}).tiles]

    assert on_the_wall == at_the_desk


def snapshot(folder: Path) -> Snapshot:
    return a_crowd(folder, window="all").snapshot()


def test_open_incidents_are_counted_by_grid_and_in_all(tmp_path: Path) -> None:
    seen = snapshot(tmp_path)

    assert {grid.code: grid.open for grid in seen.grids} == {"G1": 3, "G2": 1, "G3": 1}
    assert (seen.open_total, seen.open_unlocated) == (7, 2)
    assert seen.open_total == sum(grid.open for grid in seen.grids) + seen.open_unlocated
    assert {item.key for item in seen.open} == {f"A-{n}" for n in (2, 3, 4, 5, 6, 7, 9)}


def test_what_is_missed_next_comes_first_and_what_has_no_clock_last(tmp_path: Path) -> None:
    keys = [item.key for item in snapshot(tmp_path).open]

    just_missed, next_missed, on_scene, long_overdue = "A-5", "A-9", ["A-7", "A-3"], "A-2"
    assert keys[:5] == [just_missed, next_missed, *on_scene, long_overdue]
    assert set(keys[5:]) == {"A-4", "A-6"}


def test_an_open_incident_shows_its_next_clock_by_the_targets_of_its_kind(tmp_path: Path) -> None:
    smoke = next(item for item in snapshot(tmp_path).open if item.kind == "smoke")

    assert smoke.next_clock == 0
    assert [clock.deadline for clock in smoke.clocks] == [at(950 + s) for s in (60, 180, 180)]
    assert smoke.warning_at == at(950 + 42)


def test_what_is_missing_from_the_figures_is_said(tmp_path: Path) -> None:
    quality = snapshot(tmp_path).quality

    assert (quality.incidents, quality.unlocated, quality.quarantined) == (9, 2, 1)
    assert (quality.unknown, quality.quarantined_records) == (1, 1)
    assert quality.excluded == {"not_emergency": 1, "other_jurisdiction": 1}


def test_the_intake_is_counted_in_five_minute_windows(tmp_path: Path) -> None:
    intake = snapshot(tmp_path).intake

    assert len(intake.counts) == 6 * 12
    assert intake.start + timedelta(minutes=5) * (len(intake.counts) - 1) == at(900)
    assert (intake.counts[-1], intake.counts[-4], sum(intake.counts)) == (1, 5, 6)


def test_the_snapshot_says_when_it_changes_by_time_alone(tmp_path: Path) -> None:
    live = a_crowd(tmp_path)

    assert live.snapshot().next_change_at == at(950 + 60)
