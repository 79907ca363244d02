"""How each source is doing, in full: quiet told from dead, and codes that nobody has mapped."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.clock import ManualClock
from pipelines.desk.roster import Roster, Standing, read_quarantine, read_roster
from pipelines.door import unmapped
from pipelines.feeds.arrivals import Rhythm, read_rhythm
from pipelines.feeds.health import Health
from pipelines.installation import Installation
from pipelines.roles.live import Live
from pipelines.snapshot import SourceState
from tests.builders import NINE, at
from tests.pipelines.installations import (
    CALLS,
    a_bad_record,
    a_batch,
    a_call,
    a_record,
    an_installation,
    taken_in,
)

HOUR = timedelta(hours=1)
OTHER = CALLS.format(options='silence = "4h"', path="other.csv").replace(
    "sources.calls", "sources.other"
)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    """Calls every five minutes from eight to six for two weeks up to nine; others have a rule."""
    installation = an_installation(tmp_path, more=OTHER)
    records = []
    for i in range(1, 14 * 288):
        moment = NINE - i * timedelta(minutes=5)
        if 0 <= moment.hour < 10:  # UTC: eight to six in Shanghai
            seconds = (moment - NINE).total_seconds()
            records.append(a_record(a_call(f"A-{i}", reported=seconds), ordinal=i))
    calls, other = installation.sources
    installation.door.accept(calls, a_batch(*records), now=NINE)
    installation.door.accept(other, a_batch(a_record(a_call("B-1"))), now=NINE)
    yield installation
    installation.store.close()


def roster(street: Installation, now: datetime, health: Health | None = None) -> Roster:
    with street.store.reading() as reader:
        return read_roster(reader, street, health or Health(), now=now, is_standby=False)


def standings(street: Installation, now: datetime) -> tuple[Standing, Standing]:
    first, second = roster(street, now).lines
    return first.standing, second.standing


def test_a_source_that_is_expected_now_is_silent_soon(street: Installation) -> None:
    assert standings(street, NINE + 0.4 * HOUR)[0] is Standing.ACTIVE
    assert standings(street, NINE + 1.5 * HOUR)[0] is Standing.SILENT


def test_a_source_that_nobody_expects_at_night_is_quiet(street: Installation) -> None:
    six_pm = NINE + 9 * HOUR
    taken_in(street, a_call("A-last", reported=9 * 3600.0 - 60), now=six_pm)

    at_ten = roster(street, six_pm + 4 * HOUR).lines[0]

    assert at_ten.standing is Standing.QUIET
    assert at_ten.usual_hour < 0.5
    assert at_ten.chance > 0.5


def test_silence_by_agreement_overrides_what_we_guess(street: Installation) -> None:
    assert standings(street, NINE + 3.9 * HOUR)[1] is Standing.QUIET
    assert standings(street, NINE + 4.1 * HOUR)[1] is Standing.SILENT


def test_the_wall_and_the_roster_agree_on_who_is_silent(street: Installation) -> None:
    live = Live(street, clock=ManualClock(NINE + 1.5 * HOUR))

    assert live.snapshot().sources[0].state is SourceState.SILENT
    assert live.roster().lines[0].state is SourceState.SILENT
    assert live.health()["sources"][0]["standing"] == "silent"


def test_what_the_figures_call_silent_is_what_was_agreed(street: Installation) -> None:
    """A verdict must not change because a guess about a rhythm does."""
    now = NINE + 5 * HOUR
    with street.store.reading() as reader:
        assert street.desk.silent(reader, now) == {"other"}
    assert standings(street, now)[0] is Standing.SILENT


def test_one_dead_source_is_silent_and_only_that_one(street: Installation) -> None:
    _, other = street.sources
    for i in range(30):
        moment = NINE + i * timedelta(minutes=10)
        record = a_record(a_call(f"B-{i}", reported=i * 600.0))
        street.door.accept(other, a_batch(record), now=moment)

    assert standings(street, NINE + 5 * HOUR) == (Standing.SILENT, Standing.ACTIVE)


def test_what_was_missed_is_expected_until_it_comes(street: Installation) -> None:
    line = roster(street, NINE + 0.5 * HOUR).lines[0]

    assert line.this_hour == 0
    assert line.expected == pytest.approx(6, abs=0.5)
    assert [hour.records for hour in line.hours][-2] == 12


def test_trouble_that_is_over_can_still_be_read(street: Installation) -> None:
    health = Health()
    health.succeeded("calls", now=at(0))
    health.failed("calls", "timed out", now=at(10))
    health.failed("calls", "connection refused", now=at(20))
    down = roster(street, at(21), health).lines[0]
    health.succeeded("calls", now=at(30))
    up = roster(street, at(31), health).lines[0]

    assert (down.standing, down.since, down.problem) == (
        Standing.DOWN, at(10), "connection refused",
    )  # fmt: skip
    assert (up.standing, up.since, up.problem) == (Standing.ACTIVE, at(30), None)
    assert (up.last_problem, up.last_problem_at) == ("connection refused", at(20))


def test_a_source_stays_up_since_its_first_success(street: Installation) -> None:
    health = Health()
    for seconds in (0, 10, 20):
        health.succeeded("calls", now=at(seconds))

    line = roster(street, at(21), health).lines[0]

    assert (line.since, line.last_success_at) == (at(0), at(20))


def test_the_rhythm_is_not_read_anew_for_every_screen(street: Installation) -> None:
    health = Health()
    zone = street.settings.area.time_zone
    with street.store.reading() as reader:
        first = health.rhythms(reader, street.sources, zone, now=NINE)
        again = health.rhythms(reader, street.sources, zone, now=NINE + timedelta(minutes=4))
        later = health.rhythms(reader, street.sources, zone, now=NINE + timedelta(minutes=6))
        assert read_rhythm(reader, "nobody", zone) == Rhythm()

    assert first is again
    assert later is not again


def test_quarantine_is_listed_by_source(street: Installation) -> None:
    street.door.accept(street.sources[1], a_batch(a_bad_record("junk")), now=NINE)

    with street.store.reading() as reader:
        every = read_quarantine(reader, street, None, now=NINE)
        calls = read_quarantine(reader, street, "calls", now=NINE)
        unknown = read_quarantine(reader, street, "nobody", now=NINE)

    assert (every.total, len(every.items), every.groups[0].source) == (1, 1, "other")
    assert (calls.total, calls.items) == (0, ())
    assert (unknown.total, unknown.items) == (0, ())


def codes(street: Installation) -> dict[str, int]:
    with street.store.reading() as reader:
        return {code.value: code.records for code in unmapped.listed(reader, source="calls")}


def test_codes_without_a_mapping_are_counted_and_not_guessed(street: Installation) -> None:
    taken_in(street, a_call("X-1", kind="0907"), a_call("X-2", kind="0907"), now=NINE)
    taken_in(street, a_call("X-3", kind="0801"), a_call("X-4", kind="fire"), now=NINE)
    taken_in(street, a_call("X-1", kind="0907"), now=NINE)

    assert codes(street) == {"0907": 2, "0801": 1}
    with street.store.reading() as reader:
        assert unmapped.totals(reader) == {"calls": 3}
    assert roster(street, NINE).lines[0].unmapped == 3


def test_a_column_of_free_text_does_not_fill_the_store(street: Installation) -> None:
    many = [a_call(f"X-{i}", kind=f"text {i}") for i in range(unmapped.MOST_VALUES + 50)]
    taken_in(street, *many, now=NINE)
    taken_in(street, a_call("Y-1", kind="text 0"), a_call("Y-2", kind="yet another"), now=NINE)

    found = codes(street)
    assert len(found) == unmapped.MOST_VALUES
    assert found["text 0"] == 2
    assert "yet another" not in found
