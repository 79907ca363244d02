"""The benchmark's store is what the door would have made of the same calls."""

import csv
import os
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks import history, long_history
from pipelines.installation import place_of_store
from pipelines.store.rows import from_ms
from pipelines.store.store import Store
from tests.pipelines.installations import content

CALLS = 6000
"""So many that a year is added up by bins, a month is listed by durations, and a grid by case."""


def shown(ms: int) -> str:
    """A moment as the sources write it; nothing where there is none."""
    return f"{from_ms(ms):%Y-%m-%d %H:%M:%S}" if ms >= 0 else ""


def write_sources(folder: Path, zone: ZoneInfo) -> None:
    """Write the calls as their sources would."""
    rows: dict[str, list[tuple[str, ...]]] = {source: [] for source in long_history.SOURCES}
    for calls in long_history.years(CALLS, zone):
        columns = (calls.keys(), calls.sources, calls.kinds, calls.grids, calls.moments.T)
        for key, source, kind, grid, moments in zip(*columns, strict=True):
            named = (long_history.KINDS[kind], long_history.GRIDS[grid])
            moved = [shown(int(ms)) for ms in moments]
            rows[long_history.SOURCES[source]].append((key, *named, *moved))
    for source, lines in rows.items():
        file = folder / f"{source}.csv"
        with file.open("w", newline="") as stream:
            csv.writer(stream).writerows([("id", "kind", "grid", *long_history.MILESTONES), *lines])
        os.utime(file, (0, 0))


def test_a_built_history_is_what_the_door_makes_of_it(tmp_path: Path) -> None:
    door, built = history.open_here(tmp_path / "door"), history.open_here(tmp_path / "built")
    folder = tmp_path / "door" / "in"
    folder.mkdir()
    write_sources(folder, door.desk.zone)
    for source in door.sources:
        door.pull(source, now=long_history.NOW)
    built.store.close()
    history.build(place_of_store(built.settings), built.desk, CALLS)
    again = Store(place_of_store(built.settings))

    names = ("incident", "rollup", "sheet", "slot")
    assert content(door.store, *names) == content(again, *names)
    assert len(content(again, "incident")["incident"]) == CALLS
    again.close()
    door.store.close()
