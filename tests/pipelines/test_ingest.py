"""The one door: whatever comes in, how often and in which order, the store says the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.connectors.record import Batch, Record
from pipelines.door.ingest import Door
from pipelines.door.receipt import Counts
from pipelines.figures.query import By, Query, kpi, rows
from pipelines.installation import Installation
from pipelines.store.store import Store, Writer
from pipelines.upkeep.rebuilding import rebuild
from tests.builders import MUCH_LATER, NINE, at
from tests.pipelines.installations import (
    ELSEWHERE,
    IN_G1,
    IN_G2,
    IN_G3,
    a_bad_record,
    a_batch,
    a_call,
    a_record,
    an_installation,
    content,
    taken_in,
)
from tests.stores import an_empty_store, examples, on_every_database

MADE = ("incident", "rollup")
pytestmark = on_every_database
SAID = ("report", "fact", "context", "quarantine")


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


def figures(street: Installation, **asked: Any) -> dict[str, dict[str, Any]]:
    query = Query(as_of=MUCH_LATER, **asked)
    with street.store.reading() as reader:
        return {line["key"]: line for line in kpi(reader, query, street.desk)}


def incidents(street: Installation) -> dict[str, dict[str, Any]]:
    with street.store.reading() as reader:
        found = rows(reader, Query(as_of=MUCH_LATER), street.desk)
    return {row["incident_key"]: row for row in found}


def accepted(street: Installation, *records: Record, now: datetime = MUCH_LATER) -> Counts:
    return street.door.accept(street.sources[0], a_batch(*records), now=now)


def test_a_record_becomes_an_incident_in_its_grid(street: Installation) -> None:
    counts = taken_in(street, a_call("A-1", arrived=280, resolved=900, place=IN_G2))

    assert counts == Counts(read=1, stored=1)
    incident = incidents(street)["A-1"]
    assert (incident["grid"], incident["community"]) == ("G2", "C1")
    assert (incident["verdict"], incident["seconds"]) == ("hit", 280)


def test_the_same_batch_again_changes_nothing_but_the_count_of_duplicates(
    street: Installation,
) -> None:
    records = [a_record(a_call("A-1", arrived=280)), a_bad_record("junk", ordinal=2)]
    first = accepted(street, *records)
    before = content(street.store, *MADE, *SAID, "source")

    again = accepted(street, *records, now=at(10**7))

    assert (first.stored, first.quarantined, first.duplicate) == (1, 1, 0)
    assert again == Counts(read=2, duplicate=2)
    assert content(street.store, *MADE, *SAID, "source") == before


def test_what_was_wrong_is_said_with_file_line_column_value_and_rule(street: Installation) -> None:
    counts = taken_in(
        street,
        a_call("A-1", arrived="soon"),
        a_call("A-2", kind="flood"),
        a_call("A-3", place=(0, 0)),
    )

    assert (counts.stored, counts.quarantined, counts.flagged) == (2, 1, 2)
    bad, unmapped, nowhere = map(str, counts.problems)
    assert bad == (
        "calls.csv:2: quarantined: column 'arrived', value 'soon': is not a time written as 'iso'"
    )
    assert unmapped == (
        "calls.csv:3: flagged: column 'kind', value 'flood': is not in the mapping; add it to map"
    )
    assert nowhere == (
        "calls.csv:4: flagged: column '(position)', value '0.0, 0.0': is (0, 0): a missing position"
    )


def test_a_bad_record_is_kept_with_its_bytes(street: Installation) -> None:
    accepted(street, a_bad_record("坏的 row"))

    ((source, _, _, part, line, _, _, rule, raw, *_),) = content(street.store, "quarantine")[
        "quarantine"
    ]
    assert (source, part, line, rule) == ("calls", "calls.csv", 2, "is no row")
    assert raw == "坏的 row".encode()


def test_a_revision_of_a_record_replaces_what_it_said_before(street: Installation) -> None:
    taken_in(street, a_call("A-1", arrived=200, kind="smoke", place=IN_G1), now=at(1000))

    taken_in(street, a_call("A-1", arrived=400, kind="fire", place=IN_G3), now=at(2000))

    incident = incidents(street)["A-1"]
    assert (incident["seconds"], incident["kind"], incident["grid"]) == (400, "fire", "G3")
    assert {grid: line["eligible"] for grid, line in figures(street, by=By.GRID).items()} == {
        "G3": 1
    }
    assert len(content(street.store, "report")["report"]) == 2


def test_a_revision_that_arrives_before_the_one_it_replaces_still_wins(
    street: Installation,
) -> None:
    taken_in(street, a_call("A-1", arrived=400), now=at(2000))

    taken_in(street, a_call("A-1", arrived=200), now=at(1000))

    assert incidents(street)["A-1"]["seconds"] == 400


@pytest.mark.parametrize("together", [True, False])
def test_a_row_that_returns_to_what_it_said_before_counts_the_same_in_any_batching(
    street: Installation, together: bool
) -> None:
    versions = [a_call("A-1", arrived=n) for n in (200, 400, 200)]
    records = [a_record(row, ordinal=n) for n, row in enumerate(versions, start=1)]

    for batch in [records] if together else [[record] for record in records]:
        accepted(street, *batch)

    assert incidents(street)["A-1"]["seconds"] == 400


def test_nothing_is_stored_when_something_goes_wrong_in_the_middle(street: Installation) -> None:
    taken_in(street, a_call("A-1"), now=at(0))
    tables = (*MADE, *SAID, "position", "source")
    before = content(street.store, *tables)
    broken = Door(BreaksAtTheEnd(street.store), rules=street.settings.rules,  # type: ignore[arg-type]
                  grids=street.grids, zone=street.desk.zone)  # fmt: skip
    batch = a_batch(a_record(a_call("A-2")), a_bad_record("junk"), position="far along")

    with pytest.raises(OSError, match="disk full"):
        broken.accept(street.sources[0], batch, now=at(60))

    assert content(street.store, *tables) == before
    assert street.door.accept(street.sources[0], batch, now=at(60)).stored == 1


class BreaksAtTheEnd:
    """A real store whose disk is full just before the commit."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def taking_in(self, work: Callable[[Writer], Any]) -> Any:
        def breaks(writer: Writer) -> None:
            work(writer)
            raise OSError("disk full")

        return self._store.taking_in(breaks)


@pytest.mark.parametrize(
    ("call", "grid", "reason"),
    [
        ({"place": IN_G1}, "G1", None),
        ({"place": IN_G1, "grid": "G3"}, "G1", None),
        ({"place": None, "grid": "G3"}, "G3", None),
        ({"place": (0, 0), "grid": "G3"}, "G3", None),
        ({"place": ELSEWHERE, "grid": "G3"}, "G3", None),
        ({"place": None, "grid": "Z9"}, "not_on_map", None),
        ({"place": None}, "not_on_map", None),
        ({"place": (0, 0)}, "not_on_map", None),
        ({"place": IN_G1[::-1]}, "not_on_map", None),
        ({"place": ELSEWHERE}, "not_on_map", "other_jurisdiction"),
        ({"place": ELSEWHERE, "drill": "yes"}, "not_on_map", "drill"),
        ({"place": ELSEWHERE, "kind": "noise"}, "not_on_map", "not_emergency"),
    ],
)
def test_where_an_incident_counts(
    street: Installation, call: dict[str, Any], grid: str, reason: str | None
) -> None:
    taken_in(street, a_call(**call))

    (group,) = figures(street, by=By.GRID).items()
    assert group[0] == grid
    assert group[1]["eligible"] == (0 if reason else 1)
    assert group[1]["excluded"] == ({reason: 1} if reason else {})


def test_records_that_are_not_on_the_map_are_counted(street: Installation) -> None:
    counts = taken_in(street, a_call("A-1"), a_call("A-2", place=None), a_call("A-3", place=(0, 0)))

    assert counts.unlocated == 2


abroad = pytest.mark.filterwarnings("ignore:Non-Chinese coords found")


@abroad
@pytest.mark.parametrize(
    ("crs", "place"),
    [
        ("GCJ-02", (30.04767, 120.054775)),
        ("EPSG:32651", (3328095.0, 215672.0)),
        ("EPSG:3857", (3510000.0, 13364000.0)),
    ],
)
def test_positions_in_other_coordinates_are_found_in_their_grid(
    tmp_path: Path, crs: str, place: tuple[float, float]
) -> None:
    street = an_installation(tmp_path, options=f'crs = "{crs}"')

    counts = taken_in(
        street, a_call("A-1", place=place), a_call("A-2", place=(0, 0)), a_call("A-3", place=None)
    )

    assert incidents(street)["A-1"]["grid"] == "G1"
    assert (counts.unlocated, counts.flagged) == (2, 1)


@abroad
def test_swapped_positions_are_noticed_in_chinese_coordinates_too(tmp_path: Path) -> None:
    street = an_installation(tmp_path, options='crs = "GCJ-02"')

    counts = taken_in(street, a_call("A-1", place=(120.054775, 30.04767)))

    assert [p.rule for p in counts.problems] == [
        "is latitude and longitude swapped; swap the columns in position"
    ]


def test_the_street_is_the_sum_of_its_communities_and_of_its_grids(street: Installation) -> None:
    places = [IN_G1, IN_G1, IN_G2, IN_G3, ELSEWHERE, None]
    taken_in(street, *(a_call(f"A-{n}", place=place, arrived=100 * n, resolved=2000)
                       for n, place in enumerate(places, start=1)))  # fmt: skip

    whole = figures(street, by=By.STREET)["street"]
    communities, grids = figures(street, by=By.COMMUNITY), figures(street, by=By.GRID)
    assert communities.keys() == {"C1", "C2", "not_on_map"}
    assert grids.keys() == {"G1", "G2", "G3", "not_on_map"}
    for parts in (communities, grids):
        for name in ("eligible", "hit", "miss", "unknown", "pending", "quarantined"):
            assert sum(part[name] for part in parts.values()) == whole[name]
    assert whole["eligible"] == 5
    assert whole["excluded"] == grids["not_on_map"]["excluded"] == {"other_jurisdiction": 1}


seconds = st.none() | st.sampled_from([-60, 0, 60, 61, 180, 300, 301, 3599.5]) | st.integers(0, 900)
calls = st.builds(
    a_call,
    st.sampled_from(["A-1", "A-2", "A-3"]),
    record=st.sampled_from(["r1", "r2"]),
    unit=st.sampled_from([None, "E05", "T10"]),
    kind=st.sampled_from(["fire", "smoke", "noise", "flood", ""]),
    place=st.sampled_from([None, (0, 0), IN_G1, IN_G2, IN_G3, ELSEWHERE, (30.05, 120.1)]),
    grid=st.sampled_from([None, "G3", "Z9"]),
    drill=st.sampled_from([None, None, "yes"]),
    title=st.sampled_from([None, "浓烟"]),
    reported=st.sampled_from([-86_400 * 3, -3600, 0, 5, "nonsense"]),
    accepted=seconds,
    dispatched=seconds,
    arrived=seconds,
    resolved=seconds,
    cancelled=st.none() | seconds,
)


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[datetime, Record]]:
    """Different records with the moment each is received at."""
    said = draw(st.lists(calls, min_size=1, max_size=9, unique_by=lambda row: tuple(row.items())))
    received = [at(draw(st.sampled_from([0, 400, 1000.5]))) for _ in said]
    return [
        (r, a_record(row, ordinal=n)) for n, (row, r) in enumerate(zip(said, received, strict=True))
    ]


def in_batches(
    delivered: Sequence[tuple[datetime, Record]], cuts: Sequence[bool]
) -> Iterator[tuple[datetime, Batch]]:
    """Neighbours that were received together, cut further where ``cuts`` says so."""
    number, marked = 0, []
    for i, (received, record) in enumerate(delivered):
        number += cuts[i % len(cuts)] if cuts else 0
        marked.append((received, number, record))
    for (received, _), group in groupby(marked, key=lambda item: item[:2]):
        yield received, a_batch(*(record for *_, record in group))


@contextmanager
def an_empty_street(street: Installation) -> Iterator[Installation]:
    """The same street with a store of its own."""
    with an_empty_store() as store:
        door = Door(store, rules=street.settings.rules, grids=street.grids, zone=street.desk.zone)
        yield replace(street, store=store, door=door)


def delivered(
    street: Installation, items: Sequence[tuple[datetime, Record]], cuts: Sequence[bool]
) -> Mapping[str, Any]:
    with an_empty_street(street) as fresh:
        for received, batch in in_batches(items, cuts):
            counts = fresh.door.accept(fresh.sources[0], batch, now=received)
            assert counts.read == counts.stored + counts.duplicate + counts.quarantined
            assert counts.read == len(batch.records)
        before = content(fresh.store, *MADE)
        rebuild(fresh.store, fresh.desk)
        assert content(fresh.store, *MADE) == before
        return content(fresh.store, *MADE, "report", "fact")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return an_installation(tmp_path_factory.mktemp("street"))


def test_any_order_repetition_and_batching_gives_the_same_store(
    template: Installation, every_database: str
) -> None:
    @settings(max_examples=examples(40), phases=[Phase.reuse, Phase.generate])
    @given(data=st.data())
    def the_same(data: st.DataObject) -> None:
        items = data.draw(deliveries())
        again = data.draw(st.lists(st.sampled_from(items), max_size=6))
        shuffled = data.draw(st.permutations(items + again))
        cuts = data.draw(st.lists(st.booleans(), max_size=5))

        in_order = sorted(items, key=lambda item: (item[0], item[1].ordinal))
        assert delivered(template, shuffled, cuts) == delivered(template, in_order, [])

    the_same()


def test_every_record_that_was_read_is_stored_or_known_or_set_aside(
    template: Installation, every_database: str
) -> None:
    @settings(max_examples=examples(25))
    @given(said=st.lists(calls | st.none(), max_size=12), now=st.sampled_from([NINE, MUCH_LATER]))
    def accounted_for(said: list[dict[str, str] | None], now: datetime) -> None:
        records = [
            a_bad_record("junk") if row is None else a_record(row, ordinal=n)
            for n, row in enumerate(said)
        ]
        with an_empty_street(template) as fresh:
            first = accepted(fresh, *records, now=now)
            second = accepted(fresh, *records, now=now)
            kept = content(fresh.store, "report", "quarantine")

        assert first.read == len(said) == first.stored + first.duplicate + first.quarantined
        assert (len(kept["report"]), len(kept["quarantine"])) == (first.stored, first.quarantined)
        assert (second.stored, second.quarantined, second.duplicate) == (0, 0, len(said))

    accounted_for()
