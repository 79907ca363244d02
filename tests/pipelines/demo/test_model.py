"""The model of the street: the same each time, with the volumes of a real one, and about nobody."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from pipelines.demo.model.agenda import Agenda
from pipelines.demo.model.case import Case, Message, Revisions, Told, stamps_at
from pipelines.demo.model.street import Street, read_street
from pipelines.demo.truth import figures
from pipelines.model.milestone import Milestone
from pipelines.reading.options import parse_duration
from pipelines.settings import load
from tests.pipelines.demo.playing import CONFIG, PARTS_OF_DEMO, TUESDAY

ZONE = load({}, str(CONFIG)).area.time_zone
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def street() -> Street:
    return read_street(CONFIG.parent / "demo")


@pytest.fixture(scope="module")
def half_a_year(street: Street) -> Sequence[Case]:
    return happened(street, begin=TUESDAY - timedelta(days=180))[0]


def happened(
    street: Street, *, begin: datetime, seed: int = 135, until: datetime = TUESDAY
) -> tuple[Sequence[Case], Sequence[Message]]:
    sources = tuple(PARTS_OF_DEMO | {"smoke_mqtt"})
    return Agenda(street, seed=seed, zone=ZONE, sources=sources, begin=begin).until(until)


def test_an_hour_is_the_same_whenever_the_simulation_began(street: Street) -> None:
    since = TUESDAY - timedelta(days=1)
    long = [c for c in happened(street, begin=since - timedelta(days=3))[0] if c.t0 >= since]

    short = [c for c in happened(street, begin=since)[0] if c.t0 >= since]

    assert [case for case in long if case.t0 >= since] == short


def test_another_seed_is_another_street(street: Street) -> None:
    since = TUESDAY - timedelta(days=1)

    assert happened(street, begin=since)[0] != happened(street, begin=since, seed=136)[0]


def test_what_is_handed_out_in_steps_is_what_is_handed_out_at_once(street: Street) -> None:
    begin = TUESDAY - timedelta(hours=12)
    agenda = Agenda(
        street, seed=135, zone=ZONE, sources=tuple(PARTS_OF_DEMO | {"smoke_mqtt"}), begin=begin
    )
    steps = [agenda.until(begin + n * MINUTE)[1] for n in range(12 * 60 + 1)]

    at_once = happened(street, begin=begin)[1]

    assert [m for step in steps for m in step] == at_once
    assert all(a.at <= b.at for a, b in pairwise(at_once))


def test_the_volumes_of_a_year_are_those_of_the_street(half_a_year: Sequence[Case]) -> None:
    kinds = Counter(case.kind for case in half_a_year)

    assert 2 * len(half_a_year) == pytest.approx(32_833, rel=0.05)
    assert 2 * kinds["police"] == pytest.approx(186, rel=0.25)
    assert 2 * kinds["dispute"] == pytest.approx(1675, rel=0.08)
    assert 2 * kinds["smoke"] == pytest.approx(9 * 365, rel=0.08)


def test_the_targets_are_mostly_met_and_not_always(half_a_year: Sequence[Case]) -> None:
    later = TUESDAY + timedelta(days=1)
    for milestone, low, high in (
        (Milestone.ACCEPTED, 0.95, 0.995),
        (Milestone.DISPATCHED, 0.97, 1.0),
        (Milestone.ARRIVED, 0.92, 0.985),
    ):
        counted = figures(half_a_year, milestone, staged=False, now=later)

        assert low < counted["hit"] / (counted["hit"] + counted["miss"]) < high
        assert counted["unknown"] > 0


def test_no_text_has_a_telephone_or_identity_number_or_an_address_of_mail(street: Street) -> None:
    _, messages = happened(street, begin=TUESDAY - timedelta(days=3))
    texts = [
        text
        for message in messages
        for name, text in message.body.items()
        if isinstance(text, str) and name in {"JQDZ", "BJNR", "address", "title", "subCategory"}
    ]

    assert texts
    assert not [text for text in texts if re.search(r"1[3-9]\d{9}|\d{17}[\dX]|@", text)]


def test_every_grid_sees_something_happen(street: Street) -> None:
    places = {place.grid for place in street.places}

    assert places <= street.grids.keys()
    assert any(grid.is_business for grid in street.grids.values())
    assert any(grid.is_riverside for grid in street.grids.values())


def test_a_correction_counts_from_the_moment_it_is_told() -> None:
    wrong = Told(TUESDAY, Milestone.ARRIVED, TUESDAY - MINUTE)
    right = Told(TUESDAY + 2 * MINUTE, Milestone.ARRIVED, TUESDAY)

    before = stamps_at([right, wrong], TUESDAY + MINUTE)
    after = stamps_at([right, wrong], TUESDAY + 3 * MINUTE)

    assert (before[Milestone.ARRIVED], after[Milestone.ARRIVED]) == (TUESDAY - MINUTE, TUESDAY)


def test_a_record_shows_all_that_is_known_at_each_change() -> None:
    record = Revisions(id="A")
    record.change(TUESDAY + MINUTE, state="closed")
    record.change(TUESDAY, state="open", unit="E1")

    rows = list(record.rows())

    assert rows == [
        (TUESDAY, {"id": "A", "state": "open", "unit": "E1"}),
        (TUESDAY + MINUTE, {"id": "A", "state": "closed", "unit": "E1"}),
    ]


def test_the_history_is_as_long_as_a_device_may_keep_its_messages() -> None:
    weeks = load({}, str(CONFIG)).demo

    assert weeks is not None
    assert timedelta(weeks=weeks.weeks) < parse_duration("90d")
