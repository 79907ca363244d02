"""The example configuration for 110 calls, on a real server: three views, one incident."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipelines.figures.query import Query, kpi
from pipelines.installation import Installation, open_installation
from pipelines.model.fact import Reason
from pipelines.settings import load
from pipelines.store import schema
from tests.builders import MUCH_LATER
from tests.databases import Database, postgresql
from tests.pipelines.installations import a_file

EXAMPLE = Path(__file__).parents[2] / "config" / "110-example.toml"
NINE = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - as the views write it, without a zone

VIEWS = {
    "V_JJD": "JJDBH TEXT, GLZJJDBH TEXT, HBBS TEXT, WXBS TEXT, SCBS TEXT, JQLBDM TEXT, JQDJDM TEXT,"
    " JQDZ TEXT, FXDWJD NUMERIC(10,6), FXDWWD NUMERIC(10,6), BJSJ TIMESTAMP, JJSJ TIMESTAMP,"
    " RKSJ TIMESTAMP, GXSJ TIMESTAMP",
    "V_PJD": "PJDBH TEXT, JJDBH TEXT, PJSJ TIMESTAMP, SCBS TEXT, RKSJ TIMESTAMP, GXSJ TIMESTAMP",
    "V_FKD": "FKDBH TEXT, JJDBH TEXT, CLJGDM TEXT, SJCJSJ TIMESTAMP, DDXCSJ TIMESTAMP,"
    " CLWBSJ TIMESTAMP, SCBS TEXT, RKSJ TIMESTAMP, GXSJ TIMESTAMP",
}

# The same figures, counted by the owner's database. T is the target in seconds.
COUNT = """
WITH call AS (
    SELECT bjsj, gxsj, scbs = '1' OR wxbs = '1' AS void,
        CASE %(milestone)s
            WHEN 'accepted' THEN jjsj
            WHEN 'dispatched' THEN (SELECT min(pjsj) FROM v_pjd p
                                    WHERE p.jjdbh = j.jjdbh AND p.scbs = '0')
            ELSE (SELECT min(ddxcsj) FROM v_fkd f WHERE f.jjdbh = j.jjdbh AND f.scbs = '0')
        END AS reached,
        (SELECT coalesce(bool_and(clwbsj IS NOT NULL), false)
         FROM v_fkd f WHERE f.jjdbh = j.jjdbh AND f.scbs = '0') AS over
    FROM v_jjd j
    WHERE substr(jqlbdm, 1, 2) <> '99' AND hbbs = '0'
        AND coalesce(glzjjdbh, jjdbh) = jjdbh
), judged AS (
    SELECT CASE
        WHEN reached - bjsj <= %(target)s THEN 'hit'
        WHEN reached IS NOT NULL THEN 'miss'
        WHEN void AND gxsj - bjsj <= %(target)s THEN 'excluded'
        WHEN void THEN 'miss'
        WHEN over THEN 'unknown' ELSE 'miss' END AS verdict
    FROM call)
SELECT count(*) FILTER (WHERE verdict = 'hit'), count(*) FILTER (WHERE verdict = 'miss'),
    count(*) FILTER (WHERE verdict = 'unknown') FROM judged
"""
CODES = ("010900", "020100", "030100", "070100", "990000")
TARGETS = {"accepted": 60, "dispatched": 180, "arrived": 300}


@pytest.fixture
def database() -> Iterator[Database]:
    with postgresql() as database:
        for name, columns in VIEWS.items():
            database.run(f"CREATE TABLE {name} ({columns})")
        yield database


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    (old,) = (line for line in EXAMPLE.read_text().splitlines() if line.startswith("url = "))
    text = EXAMPLE.read_text().replace(old, f'url = "{database.url}"')
    environ = {"GRID135_DATA": str(tmp_path / "data"), "GRID135_110_PASSWORD": "grid135_test"}
    return open_installation(
        load(environ, str(a_file(tmp_path / "110.toml", text))), replayed=False
    )


def values(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        NINE + timedelta(seconds=value) if name.endswith("SJ") and value is not None else value
        for name, value in row.items()
    )


def put(database: Database, view: str, **said: Any) -> None:
    """A row; numbers are seconds after nine in the columns that hold times."""
    row = {"SCBS": "0", "RKSJ": 0} | said
    if view == "V_JJD":
        row = {"HBBS": "0", "WXBS": "0", "JQLBDM": "010900", "JQDJDM": "2"} | row
    marks = ", ".join("?" * len(row))
    database.run(f"INSERT INTO {view} ({', '.join(row)}) VALUES ({marks})", [values(row)])  # noqa: S608 - only column names


def change(database: Database, view: str, key: str, **said: Any) -> None:
    said = {"GXSJ": 1, **said}
    columns = ", ".join(f"{name} = ?" for name in said)
    id_column = {"V_JJD": "JJDBH", "V_PJD": "PJDBH", "V_FKD": "FKDBH"}[view]
    database.run(f"UPDATE {view} SET {columns} WHERE {id_column} = ?", [(*values(said), key)])  # noqa: S608 - only column names


def a_call(database: Database, key: str = "J1", **said: Any) -> None:
    put(database, "V_JJD", **({"JJDBH": key, "BJSJ": 0, "JJSJ": 20} | said))


def pull(installation: Installation, *, seconds: float = 0) -> None:
    now = MUCH_LATER + timedelta(seconds=seconds)
    installation.pull(installation.sources[0], now=now)


def incidents(installation: Installation) -> dict[str, Any]:
    with installation.store.reading() as reader:
        return {row.key: row for row in reader.incident_rows()}


def stamps(row: Any) -> dict[str, float]:
    """Seconds after the report, by milestone."""
    names = ("accepted", "dispatched", "en_route", "arrived", "resolved", "cancelled")
    found = {name: getattr(row, f"{name}_ms") for name in names}
    return {n: (ms - row.t0_ms) / 1000 for n, ms in found.items() if ms is not None}


def test_three_types_of_record_add_up_to_one_incident(
    database: Database, installation: Installation
) -> None:
    a_call(database, JQDZ="文晖路 1 号", FXDWJD=120.2, FXDWWD=30.2)
    put(database, "V_PJD", PJDBH="1", JJDBH="J1", PJSJ=60)
    put(database, "V_PJD", PJDBH="2", JJDBH="J1", PJSJ=90)
    put(database, "V_FKD", FKDBH="1", JJDBH="J1", CLJGDM="A", SJCJSJ=95, DDXCSJ=280, CLWBSJ=900)
    put(database, "V_FKD", FKDBH="2", JJDBH="J1", CLJGDM="B", DDXCSJ=240, CLWBSJ=1200)

    pull(installation)

    (row,) = incidents(installation).values()
    assert (row.key, row.kind, row.severity, row.address) == ("J1", "police", 2, "文晖路 1 号")
    assert stamps(row) == {
        "accepted": 20, "dispatched": 60, "en_route": 95, "arrived": 240, "resolved": 1200,
    }  # fmt: skip
    assert row.units == 2


def test_any_order_of_arrival_gives_the_same_incident(
    database: Database, installation: Installation
) -> None:
    orders = list(permutations(("V_JJD", "V_PJD", "V_FKD")))
    for step in range(3):
        for n, order in enumerate(orders):
            said = {
                "V_JJD": {"BJSJ": 0, "JJSJ": 20},
                "V_PJD": {"PJDBH": f"P{n}", "PJSJ": 60},
                "V_FKD": {"FKDBH": f"F{n}", "CLJGDM": "A", "DDXCSJ": 280, "CLWBSJ": 900},
            }[order[step]]
            put(database, order[step], JJDBH=f"J{n}", **said)
        pull(installation, seconds=step)

    rows = incidents(installation)
    alike = {
        tuple(v for k, v in row._mapping.items() if k not in ("id", "key")) for row in rows.values()
    }
    assert (len(rows), len(alike)) == (6, 1)
    assert stamps(rows["J5"]) == {"accepted": 20, "dispatched": 60, "arrived": 280, "resolved": 900}


def test_a_feedback_that_comes_before_its_call_waits_for_it(
    database: Database, installation: Installation
) -> None:
    put(database, "V_FKD", FKDBH="F", JJDBH="J1", CLJGDM="A", DDXCSJ=200)
    pull(installation)
    alone = incidents(installation)["J1"]
    assert (alone.kind, alone.reported_ms) == (None, None)

    a_call(database)
    pull(installation)

    (row,) = incidents(installation).values()
    assert (row.kind, stamps(row)) == ("police", {"accepted": 20, "arrived": 200})


def test_it_is_resolved_when_the_last_unit_that_reported_has_finished(
    database: Database, installation: Installation
) -> None:
    a_call(database)
    put(database, "V_FKD", FKDBH="F1", JJDBH="J1", CLJGDM="A", CLWBSJ=900)
    put(database, "V_FKD", FKDBH="F2", JJDBH="J1", CLJGDM="B", DDXCSJ=200)
    pull(installation)
    assert incidents(installation)["J1"].closed_ms is None

    change(database, "V_FKD", "F2", CLWBSJ=1500)
    pull(installation)

    assert stamps(incidents(installation)["J1"])["resolved"] == 1500


def test_a_deleted_feedback_counts_no_longer_and_stays_readable(
    database: Database, installation: Installation
) -> None:
    a_call(database)
    put(database, "V_FKD", FKDBH="F1", JJDBH="J1", CLJGDM="A", DDXCSJ=100, CLWBSJ=200)
    put(database, "V_FKD", FKDBH="F2", JJDBH="J1", CLJGDM="B", DDXCSJ=290, CLWBSJ=600)
    pull(installation)

    change(database, "V_FKD", "F1", SCBS="1")
    pull(installation)

    row = incidents(installation)["J1"]
    assert stamps(row) == {"accepted": 20, "arrived": 290, "resolved": 600}
    assert row.flagged == 1
    with installation.store.reading() as reader:
        kept = reader.rows(schema.report.select().where(schema.report.c.record_id == "fkd\x1fF1"))
    assert len(kept) == 2


@pytest.mark.parametrize("column", ["SCBS", "WXBS"])
def test_a_deleted_or_invalid_call_is_cancelled_not_removed(
    database: Database, installation: Installation, column: str
) -> None:
    a_call(database)
    pull(installation)

    change(database, "V_JJD", "J1", GXSJ=200, **{column: "1"})
    pull(installation)

    assert stamps(incidents(installation)["J1"]) == {"accepted": 20, "cancelled": 200}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"HBBS": "1"}, Reason.MERGED_CHILD),
        ({"GLZJJDBH": "J0"}, Reason.MERGED_CHILD),
        ({"GLZJJDBH": "J1"}, None),
        ({"GLZJJDBH": "0"}, None),
        ({}, None),
    ],
)
def test_a_merged_or_linked_call_is_in_the_ledger(
    database: Database, installation: Installation, said: dict[str, str], reason: Reason | None
) -> None:
    a_call(database, **said)

    pull(installation)

    assert incidents(installation)["J1"].excluded == reason


def test_the_figures_are_those_the_owners_database_counts(
    database: Database, installation: Installation
) -> None:
    a_month_of_calls(database, Random(135))

    pull(installation)
    again = installation.pull(installation.sources[0], now=MUCH_LATER)

    assert again.read == 0
    with installation.store.reading() as reader:
        for milestone, seconds in TARGETS.items():
            query = Query(as_of=MUCH_LATER, milestone=milestone)  # type: ignore[arg-type]
            (figures,) = kpi(reader, query, installation.desk)
            target = timedelta(seconds=seconds)
            said = {"milestone": milestone, "target": target}
            counted = database.connection.execute(COUNT, said).fetchone()
            assert (figures["hit"], figures["miss"], figures["unknown"]) == counted
            assert min(counted) > 0 or milestone != "arrived"


def a_month_of_calls(database: Database, random: Random) -> None:
    """Some hundreds of calls with everything that happens to calls."""
    numbers = iter(range(10**6))
    for n in range(600):
        start, key = n * 3600, f"J{n:04}"
        said = {"JQLBDM": random.choice(CODES), "JQDJDM": "3", "GXSJ": start + 100}
        said |= {"HBBS": "1"} if random.random() < 0.05 else {}
        said |= {"GLZJJDBH": f"J{n - 1:04}"} if n and random.random() < 0.05 else {}
        if random.random() < 0.1:
            said |= {
                random.choice(["SCBS", "WXBS"]): "1",
                "GXSJ": start + random.choice([100, 900]),
            }
        picked_up = start + random.randint(2, 90)
        a_call(database, key, BJSJ=start, JJSJ=picked_up, RKSJ=start, **said)
        for _ in range(random.choice([0, 1, 1, 2, 3])):
            sent = picked_up + random.randint(10, 200)
            deleted = "1" if random.random() < 0.05 else "0"
            number = str(next(numbers))
            row = {"JJDBH": key, "RKSJ": sent, "SCBS": deleted}
            put(database, "V_PJD", PJDBH=number, PJSJ=sent, **row)
            there = sent + random.randint(30, 300) if random.random() < 0.85 else None
            done = (there or sent) + random.randint(60, 3000) if random.random() < 0.8 else None
            row |= {"CLJGDM": f"U{number}", "DDXCSJ": there, "CLWBSJ": done}
            put(database, "V_FKD", FKDBH=number, **row)
