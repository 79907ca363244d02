"""A file of the past, played as if it happened now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.clock import FastClock, ManualClock
from pipelines.connectors.record import Horizon
from pipelines.feeds.replay import Replay, seen
from pipelines.figures.query import By, Query, kpi, rows
from pipelines.installation import Installation
from pipelines.model.milestone import TARGETED
from pipelines.roles.live import Live
from tests.builders import NINE, a_statement, at
from tests.pipelines.installations import IN_G1, IN_G2, IN_G3, a_call, an_installation, as_csv, drop

TODAY = datetime(2026, 11, 23, 12, 0, 0, 123_456, tzinfo=UTC)
"""When the replay starts: a moment that is not to the millisecond, as moments are."""

YEAR = 365 * 86_400


def a_replay(
    folder: Path, calls: Sequence[dict[str, str]], options: str = "", start: float = 0
) -> Installation:
    """An installation that plays these calls from ``start`` seconds after nine on."""
    drop(folder / "calls.csv", as_csv(calls))
    told = f'replay = {{ from = "{at(start).isoformat()}"{options} }}'
    return an_installation(folder, replayed=True, options=told)


def played(street: Installation, *seconds: float) -> None:
    """Poll at these moments, in seconds after the replay starts."""
    for moment in seconds:
        street.pull(street.sources[0], now=after(moment))


def after(seconds: float) -> datetime:
    return TODAY + timedelta(seconds=seconds)


def shown(street: Installation, seconds: float) -> dict[str, dict[str, Any]]:
    with street.store.reading() as reader:
        found = rows(reader, Query(as_of=after(seconds)), street.desk)
    return {row["incident_key"]: row for row in found}


def the_replay(street: Installation) -> Replay:
    replay = street.sources[0].replay
    assert replay is not None
    return replay


def stamps(street: Installation, seconds: float, key: str = "A-1") -> set[str]:
    row = shown(street, seconds).get(key)
    return set() if row is None else set(row["stamps"]) - {"received"}


def test_each_fact_of_a_record_is_seen_at_its_own_time(tmp_path: Path) -> None:
    street = a_replay(tmp_path, [a_call("A-1", reported=100, dispatched=160, arrived=400)])
    seen_at: dict[float, set[str]] = {}

    for moment in (0, 99, 100, 159, 160, 399, 400):
        played(street, moment)
        seen_at[moment] = stamps(street, moment)

    assert seen_at == {
        0: set(), 99: set(),
        100: {"reported"}, 159: {"reported"},
        160: {"reported", "dispatched"}, 399: {"reported", "dispatched"},
        400: {"reported", "dispatched", "arrived"},
    }  # fmt: skip


def test_durations_are_kept_to_the_millisecond(tmp_path: Path) -> None:
    street = a_replay(tmp_path, [a_call("A-1", reported=100, arrived=400, resolved=900)])

    played(street, 0, 150, 1000)

    row = shown(street, 1000)["A-1"]
    assert (row["seconds"], row["verdict"]) == (300, "hit")
    assert datetime.fromisoformat(row["t0"]) == after(100).replace(microsecond=123_000)


def test_a_limit_that_is_just_kept_is_kept_with_several_units_too(tmp_path: Path) -> None:
    units = [
        a_call("A-1", record=f"r{n}", unit=f"E0{n}", reported=100, arrived=there, resolved=done)
        for n, (there, done) in enumerate([(500, 700), (400, 900)], start=1)
    ]
    street = a_replay(tmp_path, units)

    played(street, 0, *range(100, 1000, 50))

    with street.store.reading() as reader:
        (line,) = kpi(reader, Query(as_of=after(5000)), street.desk)
    assert (line["hit"], line["miss"]) == (1, 0)


def test_what_lies_before_the_chosen_moment_is_there_at_once(tmp_path: Path) -> None:
    calls = [a_call("old", reported=-YEAR, arrived=-YEAR + 200), a_call("new", reported=10)]
    street = a_replay(tmp_path, calls)

    played(street, 0)

    row = shown(street, 0)["old"]
    assert datetime.fromisoformat(row["t0"]) - after(-YEAR) < timedelta(milliseconds=1)
    assert row["seconds"] == 200
    assert "new" not in shown(street, 0)


def test_a_call_that_was_open_at_the_chosen_moment_goes_on(tmp_path: Path) -> None:
    street = a_replay(tmp_path, [a_call("A-1", reported=-100, arrived=150)])

    played(street, 0)
    assert stamps(street, 0) == {"reported"}

    played(street, 150)
    assert shown(street, 150)["A-1"]["seconds"] == 250


def test_quiet_stretches_can_be_cut_short(tmp_path: Path) -> None:
    calls = [a_call(f"A-{n}", reported=n * 10_000, arrived=n * 10_000 + 200) for n in (-1, 1, 2)]
    street = a_replay(tmp_path, calls, ', max_gap = "60s"')

    played(street, 0)
    assert shown(street, 0)["A--1"]["t0"][:19] == after(-60).isoformat()[:19]

    played(street, 60, 119, 120)
    assert {key: row["t0"][:19] for key, row in shown(street, 120).items() if key != "A--1"} == {
        "A-1": after(60).isoformat()[:19],
        "A-2": after(120).isoformat()[:19],
    }
    played(street, 320)
    assert [row["seconds"] for row in shown(street, 320).values()] == [200, 200, 200]


def test_time_can_pass_faster_between_calls_and_not_within_them(tmp_path: Path) -> None:
    calls = [a_call("A-1", reported=600, arrived=800), a_call("A-2", reported=1200)]
    street = a_replay(tmp_path, calls, ", gap_speed = 6")

    played(street, 0, 100, 199, 200, 300)

    found = shown(street, 300)
    assert [row["t0"][:19] for row in found.values()] == [
        after(100).isoformat()[:19], after(200).isoformat()[:19],
    ]  # fmt: skip
    assert found["A-1"]["seconds"] == 200


def test_a_replay_ends_when_all_has_been_played(tmp_path: Path) -> None:
    street = a_replay(tmp_path, [a_call("A-1", reported=10, arrived=200)])
    ended = []

    for moment in (0, 10, 199, 200, 5000):
        played(street, moment)
        ended.append(the_replay(street).has_ended)

    assert ended == [False, False, False, True, True]


def test_a_loop_begins_anew_with_new_incidents(tmp_path: Path) -> None:
    street = a_replay(tmp_path, [a_call("A-1", reported=10, arrived=200)], ", loop = true")

    played(street, *range(0, 1000, 5))

    found = shown(street, 1000)
    assert list(found) == ["A-1", "A-1~1", "A-1~2", "A-1~3"]
    assert {row["seconds"] for row in found.values()} == {190}
    assert not the_replay(street).has_ended
    begins = [datetime.fromisoformat(row["t0"]) for row in found.values()]
    assert begins == sorted(begins)


def test_a_bad_record_is_set_aside_in_a_replay_too(tmp_path: Path) -> None:
    street = a_replay(tmp_path, [a_call("A-1", arrived="soon"), a_call("A-2")])

    counts = street.pull(street.sources[0], now=TODAY)

    assert (counts.stored, counts.quarantined) == (1, 1)


def test_nothing_is_played_until_the_file_is_there(tmp_path: Path) -> None:
    street = a_replay(tmp_path, [a_call("A-1")])
    file = drop(tmp_path / "calls.csv", as_csv([a_call("A-1")]), written=TODAY)

    played(street, 0)
    assert shown(street, 0) == {}

    drop(file, as_csv([a_call("A-1")]), written=after(10))
    played(street, 20)
    assert list(shown(street, 20)) == ["A-1"]


def test_the_clock_of_a_fast_replay_runs_as_fast_as_it_says(tmp_path: Path) -> None:
    base = ManualClock(TODAY)
    clock = FastClock(base=base, anchor=TODAY, start=TODAY, rate=60)
    street = a_replay(tmp_path, [a_call("A-1", reported=60, arrived=600)], ", speed = 60")
    live = Live(street, clock=clock)

    street.pull(street.sources[0], now=clock.now())
    base.advance(timedelta(seconds=10))
    street.pull(street.sources[0], now=clock.now())

    assert live.rate == 60
    assert live.now() == after(600)
    assert shown(street, 600)["A-1"]["seconds"] == 540


def test_the_speed_of_a_replay_becomes_the_speed_of_the_product(tmp_path: Path) -> None:
    assert Live(a_replay(tmp_path, [a_call("A-1")], ", speed = 60")).rate == 60


def test_a_replay_begins_empty_and_leaves_imported_figures_alone(tmp_path: Path) -> None:
    imported = an_installation(tmp_path)
    drop(tmp_path / "calls.csv", as_csv([a_call("A-1")]))
    imported.pull(imported.sources[0], now=TODAY)
    played(a_replay(tmp_path, [a_call("A-2")]), 0)

    again = a_replay(tmp_path, [a_call("A-2")])

    assert (list(shown(imported, 0)), list(shown(again, 0))) == (["A-1"], [])


def test_only_what_had_happened_is_seen_of_a_statement() -> None:
    statement = a_statement(reported=0, dispatched=90, arrived=300)
    hour = timedelta(hours=1)

    some = seen(statement, Horizon(at(90), hour, 2))

    assert [(f.milestone, f.at) for f in some.facts] == [
        ("reported", NINE + hour), ("dispatched", at(90) + hour),
    ]  # fmt: skip
    assert some.incident_key == "A-1~2"
    assert seen(statement, None) is statement


offsets = st.none() | st.integers(0, 900)


@st.composite
def calls(draw: st.DrawFn) -> dict[str, str]:
    t0 = draw(st.integers(-4000, 8000))
    after_t0 = {m: draw(offsets) for m in ("accepted", "dispatched", "arrived", "resolved")}
    number = draw(st.integers(1, 5))  # its records agree about where and what it is
    return a_call(
        f"A-{number}",
        record=f"r{draw(st.integers(1, 40))}",
        unit=draw(st.sampled_from([None, "E05", "T10"])),
        kind="smoke" if number > 3 else "fire",
        place=[IN_G1, IN_G2, IN_G3][number % 3],
        reported=number * 2000 - 6000 + t0 // 100,
        **{m: None if n is None else number * 2000 - 6000 + n for m, n in after_t0.items()},
    )


batches = st.lists(calls(), min_size=1, max_size=10, unique_by=lambda row: row["record"])
options = st.sampled_from(["", ', max_gap = "60s"', ", gap_speed = 7", ", loop = true"])


def figures(street: Installation, as_of: datetime) -> list[Mapping[str, Any]]:
    with street.store.reading() as reader:
        return [
            line
            for milestone in TARGETED
            for line in kpi(
                reader, Query(as_of=as_of, by=By.GRID, milestone=milestone), street.desk
            )
        ]


@settings(max_examples=25, phases=[Phase.reuse, Phase.generate])
@given(said=batches, steps=st.lists(st.integers(1, 3000), max_size=8),
       told=st.sampled_from(["", ', max_gap = "60s"', ", gap_speed = 7"]))  # fmt: skip
def test_when_all_is_played_the_figures_are_those_of_the_import(
    tmp_path_factory: pytest.TempPathFactory,
    said: list[dict[str, str]],
    steps: list[int],
    told: str,
) -> None:
    street = a_replay(tmp_path_factory.mktemp("street"), said, told)
    imported = an_installation(tmp_path_factory.mktemp("imported"))
    drop(imported.settings.path("calls.csv"), as_csv(said))
    imported.pull(imported.sources[0], now=TODAY)

    played(street, 0, *sorted(steps), 10**6)

    assert figures(street, after(2 * 10**6)) == figures(imported, after(2 * 10**6))


@settings(max_examples=40)
@given(said=batches, told=options, steps=st.lists(st.integers(1, 400), min_size=1, max_size=25))
def test_the_played_moment_never_runs_backwards_within_a_cycle(
    template: Callable[[str], Installation],
    tmp_path_factory: pytest.TempPathFactory,
    said: list[dict[str, str]],
    told: str,
    steps: list[int],
) -> None:
    street = template(told)
    drop(street.settings.path("calls.csv"), as_csv(said))
    replay = fresh(street)
    moment, before, cycle = 0, replay.real_time(TODAY), 0

    for step in steps:
        for batch in replay.poll({}, now=after(moment)):
            cycles = {record.horizon.cycle for record in batch.records if record.horizon}
            if cycles - {cycle}:
                cycle, before = max(cycles), datetime.min.replace(tzinfo=UTC)
        if cycle == replay._cycle:
            assert replay.real_time(after(moment)) >= before
            before = replay.real_time(after(moment))
        moment += step


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Installation]:
    """One installation for each way to play, made once."""
    made: dict[str, Installation] = {}

    def get(told: str) -> Installation:
        if told not in made:
            made[told] = a_replay(tmp_path_factory.mktemp("street"), [], told)
        return made[told]

    return get


def fresh(street: Installation) -> Replay:
    """The replay of an installation, before it has played anything."""
    source = street.sources[0]
    options = the_replay(street).options
    return replace(
        source, replay=Replay(options, source.poller, source.decoder, zone=street.desk.zone)
    ).replay  # type: ignore[return-value]
