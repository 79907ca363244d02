"""Two processes take conflicting records into one PostgreSQL store; every figure stays exact."""

import json
import multiprocessing
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors.record import Batch, Origin, Record
from pipelines.door.ingest import Delivery
from pipelines.installation import Installation, open_installation
from pipelines.settings import load
from pipelines.store import schema
from pipelines.upkeep.rebuilding import verify
from tests.builders import at
from tests.pipelines.installations import IN_G1, IN_G2, IN_G3, a_call, a_record, content
from tests.pipelines.test_episodes import Sensors, a_street, alarms
from tests.stores import environ_of, kept_in

NOW = at(10**6)
TOLD = ("incident", "rollup", "sheet", "slot", "report", "fact", "alarm", "signal", "context",
        "quarantine", "source", "unmapped")  # fmt: skip


def the_records() -> dict[str, list[Record]]:
    """By source: calls with revisions and several units, alarms that join, answers to alarms."""
    dice = random.Random(5)
    calls, raised, answers = [], [], []
    for i in range(120):
        place = dice.choice([IN_G1, IN_G2, IN_G3])
        for unit in range(dice.randint(1, 3)):
            row = a_call(f"A-{i}", record=f"{i}.{unit}", unit=f"E{unit}", place=place,
                         kind=dice.choice(["fire", "noise", "flood"]),
                         reported=i * 700, arrived=i * 700 + dice.randint(100, 500),
                         resolved=i * 700 + 900)  # fmt: skip
            calls.append(a_record(row, ordinal=len(calls) + 1))
        device, seconds = f"S-{1 + i % 4}", i * 350 // 4
        raised.append(alarms((device, seconds), (device, seconds + 500)))
        told = {"number": str(i), "device": device, "alarm": at(seconds).isoformat(),
                "accepted": at(seconds + 20).isoformat(),
                "arrived": at(seconds + 200).isoformat()}  # fmt: skip
        raw = json.dumps(told).encode()
        answers.append(Record(raw, b"", told, Origin("station.csv", i + 2), i + 1))
    return {"calls": calls, "sensors": raised, "station": answers}


def deliveries(street: Installation, seed: int, *, without: int | None) -> list[list[Delivery]]:
    """A few records at a time, often of several sources, in an order of its own.

    One in three of them is left away by each of the two, so one in three both deliver.
    """
    calls, station = street.sources[:2]
    sources = {"calls": calls, "sensors": replace(calls, decoder=Sensors()), "station": station}
    parts = [
        (name, record)
        for name, records in the_records().items()
        for i, record in enumerate(records)
        if i % 3 != without
    ]
    dice = random.Random(seed)
    dice.shuffle(parts)
    found = []
    while parts:
        some, parts = parts[:7], parts[7:]
        by_source: dict[str, list[Record]] = {}
        for name, record in some:
            by_source.setdefault(name, []).append(record)
        found.append(
            [
                Delivery(sources[name], Batch(records=tuple(records), part="", position=None))
                for name, records in by_source.items()
            ]
        )
    return found


def take_in(environ: dict[str, str], config: str, seed: int, barrier: Any) -> None:
    """What each process does."""
    street = open_installation(load(environ, config), replayed=False)
    barrier.wait(60)
    for together in deliveries(street, seed, without=seed):
        street.door.accept_all(together, now=NOW)
    street.store.close()


def stored(street: Installation) -> dict[str, Sequence[tuple[Any, ...]]]:
    """What must not depend on who came first; of reports and signals not where they stood."""
    found = content(street.store, *TOLD)
    lines = schema.report.c.keys().index("part")
    found["report"] = [row[:lines] + row[lines + 2 :] for row in found["report"]]
    return found


@pytest.mark.timeout(180)
def test_two_processes_that_touch_the_same_incidents_leave_what_one_alone_would(
    tmp_path: Path,
) -> None:
    with kept_in("postgresql"):
        shared = a_street(tmp_path / "shared")
        environ = {"GRID135_DATA": str(tmp_path / "shared" / "data")}
        environ |= environ_of(tmp_path / "shared")
        config = str(tmp_path / "shared" / "street.toml")
        processes = multiprocessing.get_context("spawn")
        barrier = processes.Barrier(2)
        workers = [
            processes.Process(target=take_in, args=(environ, config, seed, barrier))
            for seed in (1, 2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(150)

        assert [worker.exitcode for worker in workers] == [0, 0]
        found = verify(shared.store, shared.desk)
        assert (found.wrong, found.differences) == (0, ())
        together = stored(shared)
        shared.store.close()

    alone = a_street(tmp_path / "alone")
    for together_in_one in deliveries(alone, 3, without=None):
        alone.door.accept_all(together_in_one, now=NOW)
    expected = stored(alone)
    alone.store.close()
    assert found.incidents == len(expected["incident"]) > 60
    for name in TOLD:
        assert together[name] == expected[name], name
