"""The benchmark's store is what the door would have made of the same calls."""

import csv
import os
from pathlib import Path

from benchmarks import history
from pipelines.store.store import Store
from tests.pipelines.installations import content


def test_a_built_history_is_what_the_door_makes_of_it(tmp_path: Path) -> None:
    door, built = history.open_here(tmp_path / "door"), history.open_here(tmp_path / "built")
    made = list(history.calls(400))
    for source in history.SOURCES:
        file = tmp_path / "door" / "in" / f"{source}.csv"
        file.parent.mkdir(exist_ok=True)
        with file.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("id", "kind", "grid", *history.MILESTONES))
            for call in made:
                if call.source == source:
                    shown = [f"{m:%Y-%m-%d %H:%M:%S}" if m else "" for m in call.moments]
                    writer.writerow((call.key, call.kind, call.grid, *shown))
        os.utime(file, (0, 0))
    for source in door.sources:
        door.pull(source, now=history.NOW)
    built.store.close()
    history.build(tmp_path / "built", built.desk, 400)
    again = Store(tmp_path / "built" / "data" / "grid135.sqlite3")

    names = ("incident", "rollup", "sheet", "slot")
    assert content(door.store, *names) == content(again, *names)
    assert len(content(again, "incident")["incident"]) == 400
    again.close()
    door.store.close()
