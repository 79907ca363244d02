"""The figures of the San Francisco calls, counted without any of our reading code.

The expected numbers come from an independent count (config/sffd/README.md).
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipelines.kpis import Value, figures
from pipelines.model.clock import Reading
from pipelines.model.fact import Fact, Statement
from pipelines.model.incident import fold
from pipelines.model.milestone import Milestone
from pipelines.model.tally import Tally
from tests.builders import a_statement, a_tally

CALLS = Path("config/sffd/sffd_lone_mountain_2009_2019.csv.gz")
COLUMNS = {
    "Received DtTm": Milestone.REPORTED,
    "Entry DtTm": Milestone.ACCEPTED,
    "Dispatch DtTm": Milestone.DISPATCHED,
    "On Scene DtTm": Milestone.ARRIVED,
    "Available DtTm": Milestone.RESOLVED,
}
SAN_FRANCISCO = ZoneInfo("America/Los_Angeles")


def read() -> Iterator[Statement]:
    with gzip.open(CALLS, "rt", encoding="utf-8") as stream:
        for line, row in enumerate(csv.DictReader(stream), start=2):
            yield a_statement(
                key=row["Call Number"],
                record_id=row["RowID"],
                ordinal=line,
                unit=row["Unit ID"],
                facts=tuple(said(row)),
            )


def said(row: dict[str, str]) -> Iterator[Fact]:
    for column, milestone in COLUMNS.items():
        if row[column]:
            yield Fact(milestone, moment(row[column]))
    if row["Call Final Disposition"] and not row["Available DtTm"]:
        yield Fact(Milestone.RESOLVED, None)  # closed, nobody noted when: 19 rows


def moment(text: str) -> datetime:
    local = datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007 - the zone is set next
    return local.replace(tzinfo=SAN_FRANCISCO).astimezone(UTC)


@pytest.fixture(scope="module")
def tally() -> Tally:
    calls = defaultdict(list)
    for statement in read():
        calls[statement.incident_key].append(statement)
    return a_tally(*(fold(statements) for statements in calls.values()))


def cumulative(tally: Tally, milestone: Milestone) -> dict[str, Value]:
    return figures(tally.clock(milestone, Reading.CUMULATIVE))


def test_all_calls_are_counted(tally: Tally) -> None:
    assert tally.incidents == 901


def test_calls_taken_and_dispatched_in_time(tally: Tally) -> None:
    assert cumulative(tally, Milestone.ACCEPTED)["hit"] == 589
    assert cumulative(tally, Milestone.DISPATCHED)["hit"] == 835


def test_the_five_minute_arrival_rate(tally: Tally) -> None:
    values = cumulative(tally, Milestone.ARRIVED)

    assert (values["hit"], values["miss"], values["unknown"]) == (615, 251, 35)
    assert (values["known"], values["low"]) == (615 / 866, 615 / 901)
    assert values["wilson"] == pytest.approx((0.679, 0.739), abs=5e-4)


def test_how_long_it_took_to_reach_them(tally: Tally) -> None:
    values = cumulative(tally, Milestone.ARRIVED)

    assert (values["p50_s"], values["p90_s"], values["p95_s"]) == (258, 379, 449)


def test_the_staged_reading_is_another_figure(tally: Tally) -> None:
    staged = figures(tally.clock(Milestone.ARRIVED, Reading.STAGED))

    assert staged["hit"] == 829
    assert staged["known"] == 829 / 866
