"""A machine whose clock is set: polling goes on, and a replay does not notice."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.clock import FastClock, ManualClock, SteadyClock, SystemClock
from pipelines.feeds.health import Health
from pipelines.host.clock_steps import NOTICED, ClockSteps
from pipelines.roles.schedule import Schedule
from pipelines.store import schema
from tests.builders import NINE
from tests.pipelines.installations import a_call, an_installation, as_csv, drop

HOUR = timedelta(hours=1)


def wait_for_incidents(installation, count):
    deadline = time.monotonic() + 10
    while True:
        with installation.store.reading() as reader:
            found = reader.count(schema.incident)
        if found == count:
            return
        assert time.monotonic() < deadline, f"{found} incidents"
        time.sleep(0.02)


class Steady:
    """A clock that nobody can set, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@given(
    elapsed=st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=5),
    steps=st.lists(st.integers(min_value=-10_000, max_value=10_000), min_size=5, max_size=5),
)
def test_what_was_set_is_told_apart_from_what_has_passed(elapsed, steps):
    clock, steady = ManualClock(NINE), Steady()
    watch = ClockSteps(clock, steady=steady)

    for seconds, step_s in zip(elapsed, steps, strict=False):
        step = timedelta(seconds=step_s)
        steady.seconds += seconds
        clock.advance(timedelta(seconds=seconds) + step)
        found = watch.step()

        if abs(step) < NOTICED:
            assert found == timedelta(0)
        elif abs(step) > NOTICED:
            assert abs(found - step) < timedelta(milliseconds=10)


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_sources_are_asked_at_once_when_the_clock_was_set(tmp_path, step):
    drop(tmp_path / "calls1.csv", as_csv([a_call("A-1")]))
    installation = an_installation(tmp_path, options='every = "1h"', path="calls*.csv")
    machine = ManualClock(NINE)
    schedule = Schedule(installation, Health(), SystemClock(), machine=machine)
    schedule.start()
    schedule.take(installation.sources[0])
    wait_for_incidents(installation, 1)

    drop(tmp_path / "calls2.csv", as_csv([a_call("A-2")]))
    machine.advance(step)

    wait_for_incidents(installation, 2)
    schedule.stop()
    installation.store.close()


def test_a_fast_clock_does_not_notice_that_the_machine_was_set(monkeypatch):
    base = SteadyClock()
    start = base.now()
    fast = FastClock(base=base, anchor=start, start=start, rate=60.0)

    class Set(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2030, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("pipelines.clock.datetime", Set)

    assert SystemClock().now().year == 2030
    assert fast.now() - start < HOUR
