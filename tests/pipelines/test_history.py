"""The benchmark's store is what the door would have made of the same calls."""

import csv
import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from benchmarks import history, long_history
from pipelines.figures.groups import By, Query
from pipelines.figures.query import kpi, rows
from pipelines.installation import place_of_store
from pipelines.model.clock import Reading
from pipelines.model.milestone import Milestone
from pipelines.store.rows import from_ms
from pipelines.store.store import Store
from pipelines.upkeep.binding import bind_all
from tests.pipelines.installations import content

ARRIVED, CUMULATIVE = Milestone.ARRIVED, Reading.CUMULATIVE
CALLS = 4000
"""So many that a year is added up by bins, a source of it listed by durations, a grid by case."""


def shown(ms: int) -> str:
    """A moment as the sources write it; nothing where there is none."""
    return f"{from_ms(ms):%Y-%m-%d %H:%M:%S}" if ms >= 0 else ""


def write_sources(folder: Path, zone: ZoneInfo) -> None:
    """Write the calls as their sources would."""
    rows: dict[str, list[tuple[str, ...]]] = {source: [] for source in long_history.SOURCES}
    for calls in long_history.years(CALLS, zone):
        columns = (calls.sources, calls.kinds, calls.grids, calls.severities, calls.moments.T)
        for key, source, kind, grid, severity, moments in zip(calls.keys(), *columns, strict=True):
            named = (long_history.KINDS[kind], long_history.GRIDS[grid], str(severity))
            moved = [shown(int(ms)) for ms in moments]
            rows[long_history.SOURCES[source]].append((key, *named, *moved))
    for source, lines in rows.items():
        file = folder / f"{source}.csv"
        with file.open("w", newline="") as stream:
            csv.writer(stream).writerows(
                [("id", "kind", "grid", "severity", *long_history.MILESTONES), *lines]
            )
        os.utime(file, (0, 0))


def test_a_built_history_is_what_the_door_makes_of_it(tmp_path: Path) -> None:
    door, built = history.open_here(tmp_path / "door"), history.open_here(tmp_path / "built")
    folder = tmp_path / "door" / "in"
    folder.mkdir()
    write_sources(folder, door.desk.zone)
    for source in door.sources:
        door.pull(source, now=long_history.NOW)
    with door.store.writing() as writer:
        bind_all(writer, door.desk)
    built.store.close()
    history.build(place_of_store(built.settings), built.desk, CALLS)
    again = Store(place_of_store(built.settings))

    names = ("incident", "rollup", "sheet", "slot", "volume", "stratum", "stratified")
    assert content(door.store, *names) == content(again, *names)
    assert len(content(again, "incident")["incident"]) == CALLS
    again.close()
    door.store.close()


def test_the_benchmark_runs_and_its_answers_are_those_of_counting_one_by_one(
    tmp_path: Path,
) -> None:
    result = history.measure(tmp_path, 100_000)
    street = history.open_here(tmp_path)
    asked = [q for q in islice(history.queries(Random(5)), 90) if is_short(q)]

    with street.store.reading() as reader:
        for query in (replace(q, milestone=ARRIVED, reading=CUMULATIVE) for q in asked):
            listed = rows(reader, query, street.desk)
            counted = Counter(row["verdict"] for row in listed)
            lines = kpi(reader, query, street.desk)
            for name in ("hit", "miss", "unknown", "pending"):
                assert sum(line[name] for line in lines) == counted[name], query

    assert result["incidents"] == 100_000
    assert result["rows_read"] > 0
    assert len(asked) > 20
    assert any(query.by is By.SHIFT for query in asked)
    street.store.close()


def is_short(query: Query) -> bool:
    """About so few incidents that listing them takes no time to speak of."""
    begin, end = query.window
    return end - begin < timedelta(days=60)
