"""Sources nobody wrote code for: two cities' records, taken in by configuration alone.

The data are not part of the project, so these tests run where the folder is there. What is
expected is counted here, in plain Python, from the files themselves.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.door.receipt import Counts
from pipelines.figures.query import By, Query, kpi, rows
from pipelines.installation import Installation, open_installation
from pipelines.settings import load
from tests.pipelines.installations import a_file

SHARED = Path(__file__).parents[3] / "shared" / "data"
POLICE = SHARED / "slopd" / "slopd_calls_2021-09_to_2022-01.csv.gz"
COMPLAINTS = SHARED / "nyc311" / "nyc311_2015-12-11_to_31.csv.gz"
NEIGHBOURHOODS = SHARED / "geo" / "nyc_neighborhoods.geojson"
NOW = datetime(2026, 11, 23, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the records of other cities are not here ({SHARED})"
)

SAN_LUIS_OBISPO = f"""
[area]
code = "slo"
name = "San Luis Obispo"
time_zone = "America/Los_Angeles"

[kinds.police]
name = "Police call"

[sources.slopd]
name = "Police log"
connector = {{ type = "file_drop", path = "{POLICE.as_posix()}" }}

[sources.slopd.decoder]
type = "table"
incident = "case_number"
time_format = "%H:%M"
date = {{ column = "date", format = "%m/%d/%y" }}
kind = "police"
grid = "grid_location"
address = "address"
title = "type"
finished = true

[sources.slopd.decoder.milestones]
reported = "received"
dispatched = "dispatched"
arrived = "arrived"
"""

NEW_YORK = f"""
[area]
code = "nyc"
name = "New York"
time_zone = "America/New_York"

[grids]
file = "{NEIGHBOURHOODS.as_posix()}"
code = "name"
parent = "borough"

[kinds.complaint]
name = "Complaint"
class = "complaint"

[sources.nyc311]
name = "311"
connector = {{ type = "file_drop", path = "{COMPLAINTS.as_posix()}" }}

[sources.nyc311.decoder]
type = "table"
incident = "unique_key"
time_format = "%m/%d/%Y %I:%M:%S %p"
kind = "complaint"
title = "complaint_type"
position = {{ lat = "latitude", lon = "longitude" }}

[sources.nyc311.decoder.milestones]
reported = "created_date"
resolved = "closed_date"
"""


def imported(folder: Path, config: str) -> tuple[Installation, Counts]:
    file = a_file(folder / "city.toml", config)
    city = open_installation(
        load({"GRID135_DATA": str(folder / "data")}, str(file)), replayed=False
    )
    return city, city.pull(city.sources[0], now=NOW)


def figures(city: Installation, **asked: Any) -> dict[str, dict[str, Any]]:
    with city.store.reading() as reader:
        lines = kpi(reader, Query(as_of=NOW, **asked), city.desk)
    return {line["key"]: line for line in lines}


def records(file: Path) -> list[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def police(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Counts]:
    return imported(tmp_path_factory.mktemp("slopd"), SAN_LUIS_OBISPO)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Counts]:
    return imported(tmp_path_factory.mktemp("nyc311"), NEW_YORK)


def last_of_each_case() -> Mapping[str, dict[str, str]]:
    return {row["case_number"]: row for row in records(POLICE)}


def minutes_to_arrival(row: Mapping[str, str]) -> int | None:
    """From received to arrived, where both are local times of one day or the night behind it."""
    if not row["arrived"]:
        return None
    received, arrived = (
        datetime.strptime(f"{row['date']} {row[name]}", "%m/%d/%y %H:%M")  # noqa: DTZ007
        for name in ("received", "arrived")
    )
    if received - arrived > timedelta(hours=12):
        arrived += timedelta(days=1)
    zone = ZoneInfo("America/Los_Angeles")
    taken = arrived.replace(tzinfo=zone).astimezone(UTC) - received.replace(tzinfo=zone)
    return round(taken.total_seconds()) // 60


def test_a_police_log_is_taken_in_and_its_repeats_are_known(
    police: tuple[Installation, Counts],
) -> None:
    different = {tuple(row.values()) for row in records(POLICE)}

    counts = police[1]
    assert (counts.read, counts.stored, counts.quarantined) == (15_527, len(different), 0)
    assert counts.duplicate == 15_527 - len(different)
    rules = {problem.rule.split(",")[0] for problem in counts.problems}
    assert rules == {"lies before the report"}  # a few are, by minutes: the log was typed
    assert figures(police[0])["all"]["eligible"] == len(last_of_each_case()) == 14_734


def test_police_arrivals_are_counted_to_the_minute_and_past_midnight(
    police: tuple[Installation, Counts],
) -> None:
    taken = [minutes_to_arrival(row) for row in last_of_each_case().values()]
    known = [minutes for minutes in taken if minutes is not None]

    line = figures(police[0])["all"]

    assert line["hit"] == sum(0 <= minutes <= 5 for minutes in known)
    assert line["miss"] == sum(minutes > 5 for minutes in known)
    assert line["quarantined"] == sum(minutes < 0 for minutes in known)
    assert line["unknown"] == taken.count(None)
    assert line["indeterminate"] == known.count(5)
    assert (line["pending"], line["excluded"]) == (0, {})
    good = sorted(minutes * 60 for minutes in known if minutes >= 0)
    assert line["p50_s"] == good[-(-len(good) // 2) - 1]


def test_police_grids_are_the_owners_own_codes(police: tuple[Installation, Counts]) -> None:
    own = Counter(row["grid_location"] or "not_on_map" for row in last_of_each_case().values())

    by_grid = figures(police[0], by=By.GRID)

    assert {grid: line["eligible"] for grid, line in by_grid.items()} == own


def test_a_police_case_that_was_edited_says_what_its_last_row_says(
    police: tuple[Installation, Counts],
) -> None:
    first: dict[str, dict[str, str]] = {}
    edited = {}
    for row in records(POLICE):
        if first.setdefault(row["case_number"], row) != row:
            edited[row["case_number"]] = row

    with police[0].store.reading() as reader:
        shown = {row["incident_key"]: row for row in rows(reader, Query(as_of=NOW), police[0].desk)}

    assert len(edited) == 2
    for key, row in edited.items():
        minutes = minutes_to_arrival(row)
        assert shown[key]["title"] == row["type"]
        assert shown[key]["seconds"] == (None if minutes is None else minutes * 60)


def test_complaints_are_taken_in_with_their_places(
    complaints: tuple[Installation, Counts],
) -> None:
    without = sum(not row["latitude"] for row in records(COMPLAINTS))

    # 19,809 of 19,820 positions lie in a neighbourhood: counted when the data were taken
    assert complaints[1] == Counts(read=20_000, stored=20_000, unlocated=without + 19_820 - 19_809)


def test_complaints_are_never_in_the_five_minute_cohort(
    complaints: tuple[Installation, Counts],
) -> None:
    line = figures(complaints[0])["all"]

    assert (line["eligible"], line["known"]) == (0, None)
    assert line["excluded"] == {"not_emergency": 20_000}


def test_complaints_of_the_boroughs_add_up_to_the_city(
    complaints: tuple[Installation, Counts],
) -> None:
    boroughs = figures(complaints[0], by=By.COMMUNITY)
    grids = figures(complaints[0], by=By.GRID)

    counted = {key: line["excluded"]["not_emergency"] for key, line in boroughs.items()}
    stated = Counter(
        row["borough"].lower().replace(" ", "-") for row in records(COMPLAINTS) if row["latitude"]
    )
    assert counted.keys() == {*stated, "not_on_map"}
    assert sum(counted.values()) == 20_000
    assert sum(line["excluded"]["not_emergency"] for line in grids.values()) == 20_000
    for borough, number in stated.items():
        assert counted[borough] == pytest.approx(number, abs=100)  # their clerks' and our borders


def test_each_complaint_is_open_until_it_is_closed(
    complaints: tuple[Installation, Counts],
) -> None:
    with complaints[0].store.reading() as reader:
        shown = rows(reader, Query(as_of=NOW), complaints[0].desk)

    still_open = {row["incident_key"] for row in shown if row["closed"] is None}
    assert still_open == {r["unique_key"] for r in records(COMPLAINTS) if not r["closed_date"]}
