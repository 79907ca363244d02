"""Figures by shift: every incident belongs to the one shift it began in."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import QueryError
from pipelines.figures.comparison import compare
from pipelines.figures.groups import By, Query
from pipelines.figures.intake import intake
from pipelines.figures.query import kpi, parse, population, rows
from pipelines.figures.shifts import shift_of, spans_of
from pipelines.figures.totals import tallies
from pipelines.installation import Installation
from pipelines.model.clock import Verdict
from pipelines.model.tally import EMPTY, Tally, tally_of
from pipelines.upkeep.binding import bind_all
from tests.builders import at
from tests.pipelines.installations import IN_G1, IN_G3, a_call, an_installation, taken_in

SHIFTS = """
[wall]
shifts = [
  { name = { zh = "早班", en = "Early" }, from = "07:30" },
  { name = { zh = "晚班", en = "Late" }, from = "15:30" },
  { name = { zh = "夜班", en = "Night" }, from = "23:00" },
]
"""
STARTS = (time(7, 30), time(15, 30), time(23))
KEYS = ("07:30", "15:30", "23:00")
HOUR, DAY = 3600, 86_400
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path, more=SHIFTS)
    taken_in(installation, *CALLS)
    yield installation
    installation.store.close()


# nine in the morning, and every 97 minutes from then on; some late, some open, some unmapped
CALLS = [
    a_call(
        f"A-{n}",
        reported=n * 97 * 60,
        place=(IN_G1, IN_G3, None)[n % 3],
        arrived=None if n % 7 == 0 else n * 97 * 60 + 200 + 40 * (n % 5),
        resolved=None if n % 11 == 0 else n * 97 * 60 + 2000,
    )
    for n in range(120)
]


# every nine hours and a bit for two months, over the day on which clocks change in Europe
FAR_APART = [
    a_call(
        f"B-{n}",
        reported=n * 541 * 60,
        place=(IN_G1, IN_G3, None)[n % 3],
        arrived=None if n % 7 == 0 else n * 541 * 60 + 200 + 40 * (n % 5),
        resolved=None if n % 11 == 0 else n * 541 * 60 + 2000,
    )
    for n in range(160)
]


def query(**asked: object) -> Query:
    return replace(Query(as_of=at(9 * DAY), start=at(0)), **asked)  # type: ignore[arg-type]


def by_hand(street: Installation, asked: Query) -> dict[str, Tally]:
    """Count one by one, by the local time of day alone."""
    found: dict[str, Tally] = {}
    with street.store.reading() as reader:
        cases = population(reader, replace(asked, shift=None), street.desk)
    for incident, _, _ in cases:
        local = incident.t0.at.astimezone(street.desk.zone).time()
        key = KEYS[0] if STARTS[0] <= local < STARTS[1] else KEYS[1]
        key = KEYS[2] if local >= STARTS[2] or local < STARTS[0] else key
        one = tally_of(incident, street.desk.rules, now=asked.as_of, source_alive=True)
        found[key] = found.get(key, EMPTY) + one
    return found


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(-40 * DAY, 60 * DAY),
    length=st.integers(1, 9 * DAY) | st.integers(1, 99 * DAY),
    as_of=st.integers(0, 62 * DAY),
    is_bound=st.booleans(),
)
def test_the_figures_by_shift_are_what_counting_one_by_one_gives(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int, as_of: int, is_bound: bool
) -> None:
    street = _once(tmp_path_factory, is_bound=is_bound)
    asked = Query(as_of=at(as_of), start=at(start), end=at(start + length))

    with street.store.reading() as reader:
        found = tallies(reader, replace(asked, by=By.SHIFT), street.desk)
        assert found == by_hand(street, asked)
        for key in KEYS:
            one = tallies(reader, replace(asked, shift=key), street.desk)
            assert one.get("all", EMPTY) == found.get(key, EMPTY)


_KEPT: dict[bool, Installation] = {}


def _once(factory: pytest.TempPathFactory, *, is_bound: bool) -> Installation:
    if is_bound not in _KEPT:
        folder = factory.mktemp("street")
        street = _KEPT[is_bound] = an_installation(folder, zone="Europe/Berlin", more=SHIFTS)
        taken_in(street, *CALLS, *FAR_APART)
        if is_bound:
            with street.store.writing() as writer:
                bind_all(writer, street.desk)
    return _KEPT[is_bound]


def test_the_rows_of_a_shift_are_as_many_as_its_figure_says(street: Installation) -> None:
    with street.store.reading() as reader:
        for line in kpi(reader, query(by=By.SHIFT), street.desk):
            asked = query(shift=line["key"])
            counted = Counter(row["verdict"] for row in rows(reader, asked, street.desk))
            for verdict in (Verdict.HIT, Verdict.MISS, Verdict.UNKNOWN, Verdict.PENDING):
                assert counted[verdict] == line[verdict]


def test_what_was_known_then_is_known_by_shift_too(street: Installation) -> None:
    late = a_call("A-1", record="A-1", reported=97 * 60, arrived=97 * 60 + 900)
    taken_in(street, late, now=at(40 * DAY))

    with street.store.reading() as reader:
        then = kpi(reader, query(by=By.SHIFT, known_at=at(35 * DAY)), street.desk)
        now = kpi(reader, query(by=By.SHIFT), street.desk)

    assert sum(line["miss"] for line in now) == sum(line["miss"] for line in then) + 1


def test_the_intake_and_the_comparison_by_shift_add_up(street: Installation) -> None:
    asked = query(by=By.SHIFT, end=at(5 * DAY))
    with street.store.reading() as reader:
        whole = intake(reader, replace(asked, by=None), street.desk)
        each = intake(reader, asked, street.desk)
        one = intake(reader, replace(asked, by=None, shift="23:00"), street.desk)
        compared = compare(reader, asked, street.desk)
        shown = kpi(reader, asked, street.desk)

    total = [sum(window["count"] for window in line["windows"]) for line in (*whole, *one)]
    by_key = {line["key"]: sum(w["count"] for w in line["windows"]) for line in each}
    assert sum(by_key.values()) == total[0]
    assert by_key["23:00"] == total[1] > 0
    assert {c["key"]: c["hit"] for c in compared} == {s["key"]: s["hit"] for s in shown}


@given(
    moment=st.integers(0, 364 * DAY).map(
        lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    ),
    zone=st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("America/St_Johns")]),
)
def test_every_moment_lies_in_one_shift_also_where_clocks_change(
    moment: datetime, zone: ZoneInfo
) -> None:
    window = (moment - timedelta(days=2), moment + timedelta(days=2))
    holding = [
        key
        for key in KEYS
        for begin, end in spans_of(key, window, STARTS, zone)
        if begin <= moment < end
    ]

    assert holding == [shift_of(moment, STARTS, zone)]


def test_the_night_shift_is_an_hour_shorter_when_the_clocks_go_forward() -> None:
    window = (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC))

    ((begin, end),) = spans_of("23:00", window, STARTS, BERLIN)

    assert end - begin == timedelta(hours=7, minutes=30)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"shift": "08:00"}, "shift = '08:00': must be one of: 07:30, 15:30, 23:00"),
        ({"by": "shift", "from": "2020-01-01"}, "at most 366 by shift: give a later from"),
    ],
)
def test_a_question_by_shift_that_cannot_be_answered_says_why(
    street: Installation, asked: dict[str, str], said: str
) -> None:
    with street.store.reading() as reader, pytest.raises(QueryError, match=said):
        kpi(reader, parse({"from": "2026-03-01", **asked}, now=at(DAY), zone=SHANGHAI), street.desk)


@pytest.mark.parametrize("question", [kpi, rows, intake])
def test_without_shifts_nothing_can_be_asked_by_shift(tmp_path: Path, question: object) -> None:
    street = an_installation(tmp_path)
    taken_in(street, a_call("A-1"))

    with street.store.reading() as reader, pytest.raises(QueryError, match="there are no shifts"):
        question(reader, Query(as_of=at(60), start=at(-60), shift="08:00"), street.desk)  # type: ignore[operator]
