"""The case file: what was said about one incident, and why its clocks stand as they do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.desk.casefile import Case, CaseFile, read_case
from pipelines.installation import Installation, open_installation
from pipelines.model.clock import Reading, Verdict
from pipelines.model.incident import incident_id
from pipelines.model.milestone import Milestone
from pipelines.settings import load
from tests.builders import MUCH_LATER, at
from tests.pipelines.installations import (
    IN_G2,
    a_call,
    a_config,
    a_file,
    an_installation,
    taken_in,
    the_grids,
)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


def file_of(street: Installation, key: str = "A-1") -> CaseFile:
    with street.store.reading() as reader:
        return read_case(reader, street, incident_id("calls", key), now=MUCH_LATER)


def case_of(street: Installation, key: str = "A-1") -> Case:
    case = file_of(street, key).case
    assert case is not None
    return case


def test_a_clock_says_what_it_ran_between_and_how_it_came_out(street: Installation) -> None:
    taken_in(street, a_call("A-1", place=IN_G2, accepted=40, arrived=312))

    line = next(
        c
        for c in case_of(street).clocks
        if (c.milestone, c.reading) == (Milestone.ARRIVED, Reading.CUMULATIVE)
    )

    assert (line.outcome.verdict, line.outcome.reason) == (Verdict.MISS, "late")
    assert (line.outcome.seconds, line.target_s) == (312, 300)
    assert line.start is not None
    assert line.stop is not None
    assert (line.start.at, line.stop.at) == (at(0), at(312))


def test_the_timeline_keeps_what_a_revision_replaced(street: Installation) -> None:
    taken_in(street, a_call("A-1", arrived=100), now=at(200))
    taken_in(street, a_call("A-1", arrived=320), now=at(400))

    arrivals = [e for e in case_of(street).timeline if e.milestone is Milestone.ARRIVED]

    assert [(e.at, e.is_used, e.is_replaced) for e in arrivals] == [
        (at(100), False, True),
        (at(320), True, False),
    ]


def test_only_the_first_unit_to_arrive_counts_and_the_other_is_still_listed(
    street: Installation,
) -> None:
    taken_in(
        street,
        a_call("A-1", record="1", unit="E05", arrived=250),
        a_call("A-1", record="2", unit="T10", arrived=200),
    )

    arrivals = [e for e in case_of(street).timeline if e.milestone is Milestone.ARRIVED]

    assert [(e.unit, e.is_used) for e in arrivals] == [("T10", True), ("E05", False)]


def test_reports_are_shown_as_received_but_masked(street: Installation) -> None:
    taken_in(street, a_call("A-1", title="回电13812345678"))

    case = case_of(street)

    (report,) = case.reports
    assert "138****5678" in report.text
    assert case.title == "回电138****5678"
    assert "13812345678" not in repr(case.reports)


def test_of_a_sensitive_kind_neither_words_nor_reports_leave_the_server(tmp_path: Path) -> None:
    noise = '[kinds.noise]\nname = "Noise"'
    text = a_config(tmp_path).read_text("utf-8")
    assert noise in text
    file = a_file(tmp_path / "street.toml", text.replace(noise, f"{noise}\nsensitive = true"))
    the_grids(tmp_path)
    settings = load({"GRID135_DATA": str(tmp_path / "data")}, str(file))
    street = open_installation(settings, replayed=False)
    taken_in(street, a_call("A-1", kind="noise", title="quarrel at the Wangs'"))

    case = case_of(street)

    assert case.is_sensitive
    assert (case.title, case.address, case.reports) == (None, None, ())
    street.store.close()


def test_what_is_not_there_is_said_to_be_not_there(street: Installation) -> None:
    assert file_of(street, "nobody's").case is None
