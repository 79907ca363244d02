"""Any part may fall silent: its source says so, no other does, and nothing is lost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from pipelines.clock import ManualClock
from pipelines.demo.control import Control, read_control, write_control
from pipelines.demo.truth import figures
from pipelines.model.milestone import TARGETED
from pipelines.snapshot import SourceState
from tests.pipelines.demo.playing import PARTS_OF_DEMO, TUESDAY, Playing, kpi_of, playing

LONG = timedelta(days=5)
"""Longer than any of the sources may be silent."""
WELL = {SourceState.LIVE}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playing]:
    """A week of the street, and then all that the tests add to it."""
    folder = tmp_path_factory.mktemp("street")
    with playing(folder, clock=ManualClock(TUESDAY), weeks=1, trouble=0) as street:
        street.tick_until(street.is_quiet)
        yield street


@pytest.mark.parametrize("source", sorted(PARTS_OF_DEMO))
def test_an_outage_is_that_of_one_source_and_nothing_is_lost(played: Playing, source: str) -> None:
    told(played, stop=source)
    assert isinstance(played.clock, ManualClock)
    played.clock.advance(LONG)

    played.tick_until(lambda: others_are_well(played, source) and is_ill(played, source))
    told(played, start=source)
    played.tick_until(lambda: is_back(played, source) and played.is_quiet())

    now, cases = played.clock.now(), played.truth()
    for milestone in TARGETED:
        true = figures(cases, milestone, staged=False, now=now)
        assert kpi_of(played, milestone, "cumulative") == true


def test_when_the_street_has_finished_nothing_waits_anywhere(played: Playing) -> None:
    write_control(played.settings.data, Control(finished=True))
    played.tick_until(played.is_quiet)
    assert isinstance(played.clock, ManualClock)
    before = len(played.truth())

    played.clock.advance(timedelta(hours=3))
    played.tick_until(played.is_quiet)

    assert len(played.truth()) == before


def told(played: Playing, *, stop: str = "", start: str = "") -> None:
    control = read_control(played.settings.data)
    stopped = (control.stopped | {stop}) - {start, ""}
    write_control(played.settings.data, replace(control, stopped=stopped))
    played.simulator.tick()


def states(played: Playing) -> dict[str, SourceState]:
    return {line.id: line.state for line in played.live.snapshot().sources}


def is_ill(played: Playing, source: str) -> bool:
    return states(played)[source] in {SourceState.DOWN, SourceState.SILENT}


def is_back(played: Playing, source: str) -> bool:
    """Whether it is well. One that was asked just before it was there again is asked later."""
    if states(played)[source] in WELL:
        return True
    assert isinstance(played.clock, ManualClock)
    played.clock.advance(timedelta(seconds=1))
    return False


def others_are_well(played: Playing, source: str) -> bool:
    return all(state in WELL for other, state in states(played).items() if other != source)
