"""A census counts what the questions about figures count, and its list has the very rows."""

from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from pipelines.desk.board import read_board, read_page
from pipelines.desk.board_filters import asked
from pipelines.desk.judged_order import JUDGED
from pipelines.desk.listing import in_order
from pipelines.figures.census import read_census
from pipelines.figures.query import By, group_key, kpi, rows
from pipelines.installation import Installation
from pipelines.kpis import figures
from pipelines.model.clock import CLOCKS, Verdict
from tests.builders import at
from tests.pipelines.installations import (
    IN_G2,
    IN_G3,
    a_call,
    an_installation,
    taken_in,
)

NOW = at(9000)
PLACES = (None, IN_G2, IN_G3)
CALLS = (
    *(
        a_call(
            f"C-{i}",
            place=PLACES[i % 3],
            kind=("fire", "smoke", "noise")[i % 3 if i % 5 else 0],
            reported=40 * i,
            accepted=40 * i + 30 if i % 7 else None,
            dispatched=40 * i + 90 if i % 4 else None,
            arrived=40 * i + 200 + 20 * (i % 11) if i % 6 else None,
            resolved=40 * i + 900 if i % 3 else None,
        )
        for i in range(60)
    ),
    a_call("same-1", reported=77, accepted=100, arrived=500, resolved=800),
    a_call("same-2", reported=77, accepted=100, arrived=120, resolved=800),
    *(
        a_call(
            f"slow-{i}",
            reported=300 + 7 * (i // 2),
            accepted=310,
            dispatched=330,
            arrived=300 + 7 * (i // 2) + took,
            resolved=8000,
        )
        for i, took in enumerate((900, 905, 909, 909, 911, 1800, 3601, 3659, 3605))
    ),
    a_call("late", reported=8900, accepted=8930),
    a_call("open", reported=8000),
)
SORTS = ("-t0", "t0", "kind", "-address", "arrived", "verdict", "-verdict", "seconds", "-seconds")
FILTERS = (
    {},
    {"community": "C1"},
    {"grid": "G3"},
    {"grid": "not_on_map"},
    {"kind": "fire"},
    {"kind": "fire,smoke"},
    {"source": "calls"},
    {"source": "another"},
    {"state": "open"},
    {"state": "closed", "kind": "smoke"},
    {"severity": "0"},
    {"severity": "1,2"},
)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = an_installation(tmp_path_factory.mktemp("street"))
    taken_in(installation, *CALLS, now=NOW)
    return installation


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("as_of", [NOW, at(8100), at(2000)])
def test_a_census_counts_what_a_question_counts(street, filters, as_of):
    with street.store.reading() as reader:
        query = asked(filters, now=as_of, zone=street.desk.zone).query
        chosen = read_census(reader, street.desk, query.window, as_of=as_of).chosen(
            query, street.desk
        )
        for milestone, reading in CLOCKS:
            (line,) = kpi(reader, _of(query, milestone, reading), street.desk)
            assert {"key": "all", **figures(chosen.tally(milestone, reading))} == line


@pytest.mark.parametrize("by", [By.COMMUNITY, By.GRID, By.KIND])
def test_its_parts_are_those_of_a_question(street, by):
    query = asked({}, now=NOW, zone=street.desk.zone).query
    with street.store.reading() as reader:
        chosen = read_census(reader, street.desk, query.window, as_of=NOW).chosen(
            query, street.desk
        )
        clock = (query.milestone, query.reading)
        place = {By.KIND: "kind", By.SOURCE: "source"}.get(by, "grid")
        parts = chosen.by_place(
            *clock, place, lambda value: group_key(by, street.desk, value, value, value)
        )
        lines = kpi(reader, _of(query, *clock, by=by), street.desk)

    assert {key: (p.tally.hit, p.tally.miss, p.tally.eligible) for key, p in parts.items()} == {
        line["key"]: (line["hit"], line["miss"], line["eligible"]) for line in lines
    }


def test_bars_add_up_to_the_whole(street):
    query = asked({}, now=NOW, zone=street.desk.zone).query
    with street.store.reading() as reader:
        chosen = read_census(reader, street.desk, query.window, as_of=NOW).chosen(
            query, street.desk
        )
        marks = [at(0) + timedelta(minutes=10 * i) for i in range(20)]
        bars = chosen.by_span(query.milestone, query.reading, marks)

    assert sum(bar.incidents for bar in bars) == len(chosen)
    assert sum(bar.tally.miss for bar in bars) == chosen.tally(*CLOCKS[4]).miss


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("sort", SORTS)
def test_the_list_has_the_very_rows_of_each_verdict(street, filters, sort):
    with street.store.reading() as reader:
        for verdict in (None, *Verdict):
            wanted = {**filters, "sort": sort} | ({"verdict": str(verdict)} if verdict else {})
            query = asked(wanted, now=NOW, zone=street.desk.zone).query
            listing = read_page(reader, street, wanted, now=NOW)
            pages = [listing.page(offset, 7) for offset in range(0, listing.total, 7)]
            found = [row["id"] for page in pages for row in page]

            assert sorted(found) == sorted(row["id"] for row in rows(reader, query, street.desk))
            assert len(found) == listing.total
            if sort.removeprefix("-") in JUDGED:
                behind = rows(reader, query, street.desk)
                assert found == [row["id"] for row in in_order(behind, sort)]


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("sort", ["verdict", "-verdict", "seconds", "-seconds"])
def test_a_page_of_any_size_and_place_is_that_part_of_the_list(street, clock, sort):
    milestone, reading = clock
    wanted = {"sort": sort, "milestone": str(milestone), "reading": str(reading)}
    with street.store.reading() as reader:
        query = asked(wanted, now=NOW, zone=street.desk.zone).query
        whole = [row["id"] for row in in_order(rows(reader, query, street.desk), sort)]
        listing = read_page(reader, street, wanted, now=NOW)
        for limit in (1, 2, 5, 100):
            for offset in range(0, len(whole) + 2, limit):
                page = [row["id"] for row in listing.page(offset, limit)]
                assert page == whole[offset : offset + limit]


def test_a_list_by_verdict_reads_no_more_than_the_page(street):
    counted = []
    with street.store.reading() as reader:
        read = reader.incident_rows
        reader.incident_rows = lambda *asked, **more: (
            counted.append(read(*asked, **more)) or (counted[-1])
        )
        listing = read_page(reader, street, {"sort": "seconds"}, now=NOW)
        listing.page(20, 5)

    assert listing.total == len(CALLS)
    assert sum(map(len, counted)) < 10


def test_every_number_of_a_board_is_the_length_of_its_list(street):
    counted = {"hit": "hit", "miss": "miss", "unknown": "unknown", "pending": "pending"}
    with street.store.reading() as reader:
        shown = read_board(reader, street, {"window": "today"}, now=NOW)
        for tile, (key, verdict) in product(shown.tiles, counted.items()):
            asked_for = {"window": "today", "milestone": str(tile.milestone), "verdict": verdict}
            assert read_page(reader, street, asked_for, now=NOW).total == tile.figures[key]


def test_a_silent_source_leaves_what_stands_open_unknown(tmp_path: Path):
    installation = an_installation(tmp_path, options='silence = "10m"')
    taken_in(installation, *CALLS, now=NOW)
    much_later = NOW + timedelta(days=2)
    with installation.store.reading() as reader:
        query = asked({"window": "7d"}, now=much_later, zone=installation.desk.zone).query
        chosen = read_census(reader, installation.desk, query.window, as_of=much_later).chosen(
            query, installation.desk
        )
        for clock in CLOCKS:
            (line,) = kpi(reader, _of(query, *clock), installation.desk)
            assert {"key": "all", **figures(chosen.tally(*clock))} == line
    installation.store.close()


def _of(query, milestone, reading, by=None):
    from dataclasses import replace

    return replace(query, milestone=milestone, reading=reading, by=by, verdict=None)
