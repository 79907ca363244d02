"""The figures are what counting every incident one by one gives."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pipelines.errors import QueryError
from pipelines.figures.groups import State
from pipelines.figures.query import PARAMETERS, By, Query, kpi, parse, rows, tallies
from pipelines.installation import Installation
from pipelines.model.clock import Reading, Verdict
from pipelines.model.incident import Incident
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.tally import EMPTY, Tally, tally_of
from pipelines.store import schema
from pipelines.store.rows import incident_from
from pipelines.upkeep.binding import bind_all
from pipelines.upkeep.rebuilding import rebuild
from tests.builders import MUCH_LATER, NINE, at
from tests.pipelines.installations import (
    ELSEWHERE,
    IN_G1,
    IN_G2,
    IN_G3,
    a_batch,
    a_call,
    a_record,
    an_installation,
    taken_in,
)
from tests.pipelines.test_ingest import an_empty_street
from tests.stores import examples

PLACES = {"G1": IN_G1, "G2": IN_G2, "G3": IN_G3, "away": ELSEWHERE, "none": None}
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = 86_400


SHIFTS = (time(6, 30), time(14), time(22, 15))
MORE = """
[sources.calls.decoder.severity]
column = "title"
map = { 1 = "1", 2 = "2" }

[wall]
shifts = [
  { name = "Early", from = "06:30" },
  { name = "Late", from = "14:00" },
  { name = "Night", from = "22:15" },
]
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("street")
    return an_installation(folder, zone="America/Los_Angeles", more=MORE)


# Hours and days around nine, so that windows cut through rollups of every level.
starts = st.builds(
    lambda days, seconds: days * DAY + seconds, st.integers(-40, 2), st.integers(-4000, 4000)
)
after = st.none() | st.sampled_from([0, 60, 61, 180, 300, 301]) | st.integers(-30, 5000)


@st.composite
def calls(draw: st.DrawFn) -> dict[str, str]:
    t0 = draw(starts)
    said = {m: draw(after) for m in ("accepted", "dispatched", "arrived", "resolved", "cancelled")}
    if draw(st.booleans()):
        said["cancelled"] = None
    return a_call(
        draw(st.sampled_from([f"A-{n}" for n in range(12)])),
        place=PLACES[draw(st.sampled_from(sorted(PLACES)))],
        kind=draw(st.sampled_from(["fire", "smoke", "noise", "flood"])),
        drill=draw(st.sampled_from([None, None, "yes"])),
        title=draw(st.sampled_from([None, "1", "2"])),
        reported=t0,
        **{m: None if value is None else t0 + value for m, value in said.items()},
    )


moments = st.one_of(
    starts.map(at),
    st.builds(lambda day: at(day * DAY).replace(hour=8), st.integers(-40, 3)),  # local midnight
    st.sampled_from([datetime(2026, 2, 1, 8, tzinfo=UTC), datetime(2026, 3, 1, 8, tzinfo=UTC)]),
)
ASKED_BY = (By.STREET, By.COMMUNITY, By.GRID, By.KIND, By.SOURCE)
"""All but the levels above a street, and the shifts, which only so many days can be grouped by."""

queries = st.builds(
    Query,
    as_of=st.sampled_from([MUCH_LATER, NINE]) | moments,
    start=st.none() | moments,
    end=st.none() | moments,
    by=st.none() | st.sampled_from(ASKED_BY),
    milestone=st.sampled_from(TARGETED),
    reading=st.sampled_from(Reading),
    community=st.sampled_from([None, None, None, "C1", "C2", "not_on_map"]),
    grid=st.sampled_from([None, None, None, "G1", "not_on_map", "Z9"]),
    kind=st.sampled_from([None, None, None, "fire", "noise"]),
    source=st.sampled_from([None, None, None, "calls", "other"]),
    severity=st.sampled_from([None, None, None, "0", "1", "0,2"]),
    state=st.sampled_from([None, None, None, *State]),
)
by_shift = st.builds(
    lambda query, by, shift: replace(
        query, by=by or query.by, shift=shift, start=query.start or at(-40 * DAY)
    ),
    queries,
    st.sampled_from([None, By.SHIFT]),
    st.sampled_from([None, "06:30", "22:15"]),
)


def every_incident(street: Installation) -> list[Incident]:
    with street.store.reading() as reader:
        return [incident_from(row) for row in reader.rows(schema.incident.select())]


def group_of(incident: Incident, query: Query, street: Installation) -> str:
    community = {"G1": "C1", "G2": "C1", "G3": "C2"}.get(incident.grid, "not_on_map")
    return {
        None: "all",
        By.STREET: street.desk.areas.top.code,
        By.COMMUNITY: community,
        By.GRID: incident.grid or "not_on_map",
        By.KIND: incident.kind or "",
        By.SOURCE: incident.source,
        By.SHIFT: shift_of(incident),
    }[query.by]


def shift_of(incident: Incident) -> str:
    """By the local time of day alone."""
    local = incident.t0.at.astimezone(ZoneInfo("America/Los_Angeles")).time()
    begun = [shift for shift in SHIFTS if shift <= local] or SHIFTS
    return f"{begun[-1]:%H:%M}"


def is_asked_for(incident: Incident, query: Query, street: Installation) -> bool:
    def key(by: By) -> str:
        return group_of(incident, replace(query, by=by), street)

    t0 = incident.t0.at
    return (
        t0 <= query.as_of
        and (query.start is None or query.start <= t0)
        and (query.end is None or t0 < query.end)
        and all(
            wanted is None or wanted == key(by)
            for by, wanted in (
                (By.COMMUNITY, query.community),
                (By.GRID, query.grid),
                (By.KIND, query.kind),
                (By.SOURCE, query.source),
                (By.SHIFT, query.shift),
            )
        )
        and (query.severity is None or str(incident.severity or 0) in query.severity.split(","))
        and (query.state is None or (incident.closed_at is None) is (query.state is State.OPEN))
    )


def counted_one_by_one(street: Installation, query: Query) -> dict[str, Tally]:
    groups: dict[str, Tally] = {}
    for incident in every_incident(street):
        if is_asked_for(incident, query, street):
            key = group_of(incident, query, street)
            one = tally_of(incident, street.desk.rules, now=query.as_of, source_alive=True)
            groups[key] = groups.get(key, EMPTY) + one
    return groups


def answered(street: Installation, query: Query) -> dict[str, Tally]:
    with street.store.reading() as reader:
        return tallies(reader, query, street.desk)


def bind(street: Installation) -> None:
    with street.store.writing() as writer:
        bind_all(writer, street.desk)


def test_rollups_and_what_is_not_settled_equal_counting_one_by_one(
    template: Installation, every_database: str
) -> None:
    @settings(max_examples=examples(50))
    @given(
        said=st.lists(calls(), max_size=14),
        asked=st.lists(queries | by_shift, min_size=1, max_size=8),
        is_bound=st.booleans(),
    )
    def equal(said: list[dict[str, str]], asked: list[Query], is_bound: bool) -> None:
        with an_empty_street(template) as street:
            taken_in(street, *said)
            if is_bound:
                bind(street)

            for query in asked:
                assert answered(street, query) == counted_one_by_one(street, query)

    equal()


@settings(max_examples=30)
@given(said=st.lists(calls(), max_size=14), asked=st.lists(queries, min_size=1, max_size=3))
def test_the_rows_behind_a_figure_are_as_many_as_it_says(
    template: Installation, said: list[dict[str, str]], asked: list[Query]
) -> None:
    with an_empty_street(template) as street:
        taken_in(street, *said)

        for query in asked:
            with street.store.reading() as reader:
                lines = kpi(reader, query, street.desk)
                for verdict in Verdict:
                    found = rows(reader, replace(query, verdict=verdict), street.desk)
                    assert {row["verdict"] for row in found} <= {verdict}
                    for line in lines:
                        own = [row for row in found if line["key"] in ("all", own_key(query, row))]
                        shown = line["excluded"] if verdict == "excluded" else line[verdict]
                        assert len(own) == (sum(shown.values()) if verdict == "excluded" else shown)


def own_key(query: Query, row: Mapping[str, Any]) -> str:
    keys = {
        By.STREET: "street",
        By.COMMUNITY: row["community"] or "not_on_map",
        By.GRID: row["grid"] or "not_on_map",
        By.KIND: row["kind"] or "",
        By.SOURCE: row["source"],
    }
    return keys[query.by] if query.by else "all"


class Street(RuleBasedStateMachine):
    """Records come in, are revised and repeated; the figures agree after each step."""

    template: Installation

    def __init__(self) -> None:
        super().__init__()
        self._open = an_empty_street(self.template)
        self.street = self._open.__enter__()
        self.now = 0
        self.said: list[dict[str, str]] = []

    def teardown(self) -> None:
        self._open.__exit__(None, None, None)

    @rule(said=st.lists(calls(), min_size=1, max_size=4))
    def new_records_come_in(self, said: list[dict[str, str]]) -> None:
        self.said += said
        self.now += 1
        taken_in(self.street, *said, now=MUCH_LATER + timedelta(seconds=self.now))

    @rule(data=st.data())
    def known_records_come_again(self, data: st.DataObject) -> None:
        if self.said:
            again = data.draw(st.lists(st.sampled_from(self.said), max_size=4))
            assert taken_in(self.street, *again).stored == 0

    @rule()
    def all_is_made_anew(self) -> None:
        rebuild(self.street.store, self.street.desk)

    @rule()
    def all_days_are_bound_and_all_months_summed(self) -> None:
        bind(self.street)

    @rule(query=queries | by_shift)
    def someone_asks(self, query: Query) -> None:
        assert answered(self.street, query) == counted_one_by_one(self.street, query)

    @invariant()
    def the_total_is_right(self) -> None:
        for as_of in (NINE, MUCH_LATER):
            for query in (
                Query(as_of=as_of, by=By.GRID),
                Query(as_of=as_of, by=By.SHIFT, start=at(-41 * DAY)),
                Query(as_of=as_of, by=By.KIND, severity="1", state=State.CLOSED),
            ):
                assert answered(self.street, query) == counted_one_by_one(self.street, query)


def test_the_figures_stay_right_while_records_come_in(
    template: Installation, every_database: str
) -> None:
    machine = type("StreetOfThisTest", (Street,), {"template": template})
    tried = settings(max_examples=examples(12), stateful_step_count=8)
    run_state_machine_as_test(machine, settings=tried)


@pytest.fixture
def street(tmp_path: Path, every_database: str) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


def test_a_figure_as_of_then_knows_only_what_had_happened(street: Installation) -> None:
    taken_in(street, a_call("A-1", accepted=40, arrived=280, resolved=900))

    def hits(seconds: float) -> tuple[int, int, int]:
        with street.store.reading() as reader:
            (line,) = kpi(reader, Query(as_of=at(seconds)), street.desk)
        return line["eligible"], line["pending"], line["hit"]

    assert [hits(n) for n in (-1, 0, 279, 280)] == [(0, 0, 0), (1, 1, 0), (1, 1, 0), (1, 0, 1)]


def test_nothing_to_count_is_one_line_without_a_rate(street: Installation) -> None:
    with street.store.reading() as reader:
        (line,) = kpi(reader, Query(as_of=MUCH_LATER), street.desk)
        assert kpi(reader, Query(as_of=MUCH_LATER, by=By.GRID), street.desk) == []

    assert (line["key"], line["eligible"], line["known"], line["p50_s"]) == ("all", 0, None, None)


def test_a_silent_source_leaves_what_it_did_not_say_unknown(tmp_path: Path) -> None:
    street = an_installation(tmp_path, options='silence = "10m"')
    taken_in(street, a_call("A-1"), now=at(30))

    def verdict(seconds: float) -> str:
        with street.store.reading() as reader:
            ((row,), line) = (
                rows(reader, Query(as_of=at(seconds)), street.desk),
                kpi(reader, Query(as_of=at(seconds)), street.desk)[0],
            )
        assert line[row["verdict"]] == 1
        return f"{row['verdict']}: {row['reason']}"

    assert verdict(301) == "miss: open_past_target"
    assert verdict(631) == "unknown: source_silent"


def test_a_row_says_what_it_is_judged_by(street: Installation) -> None:
    taken_in(street, a_call("A-1", arrived=301, resolved=900, title="浓烟"))

    with street.store.reading() as reader:
        (row,) = rows(reader, Query(as_of=MUCH_LATER), street.desk)

    assert (row["verdict"], row["reason"], row["seconds"]) == ("miss", "late", 301)
    assert (row["t0"], row["deadline"]) == (NINE.isoformat(), at(300).isoformat())
    assert (row["incident_key"], row["title"], row["lat"], row["lon"]) == ("A-1", "浓烟", *IN_G1)
    assert row["stamps"]["arrived"] == at(301).isoformat()


def asked(**parameters: str) -> Query:
    return parse(parameters, now=NINE, zone=SHANGHAI)


def test_a_question_without_parameters_is_about_all_arrivals_until_now() -> None:
    assert asked() == asked(**dict.fromkeys(PARAMETERS, "")) == Query(as_of=NINE)


def test_every_parameter_is_read() -> None:
    query = asked(
        **{"from": "2026-03-01", "to": "2026-03-02T09:00:00+08:00"}, as_of="2026-03-02T01:00:00Z",
        by="grid", milestone="accepted", reading="staged", verdict="hit",
        community="C1", grid="G1", kind="fire", source="calls",
    )  # fmt: skip

    assert query == Query(
        as_of=NINE, start=datetime(2026, 2, 28, 16, tzinfo=UTC), end=NINE,
        by=By.GRID, milestone=Milestone.ACCEPTED, reading=Reading.STAGED, verdict=Verdict.HIT,
        community="C1", grid="G1", kind="fire", source="calls",
    )  # fmt: skip


def test_a_plus_sign_that_a_url_turned_into_a_space_is_understood() -> None:
    assert asked(**{"from": "2026-03-02T09:00:00 08:00"}).start == NINE


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"by": "postcode"},
         "by = 'postcode': must be one of: city, district, street, community, grid, kind, source, "
         "shift"),
        ({"milestone": "cancelled"},
         "milestone = 'cancelled': must be one of: accepted, dispatched, arrived, resolved"),
        ({"milestone": "resolved", "reading": "staged"},
         "reading = 'staged': handling is measured from the report on"),
        ({"reading": "both"}, "reading = 'both': must be one of: cumulative, staged"),
        ({"verdict": "good"}, "verdict = 'good': must be one of: hit, miss, unknown, pending"),
        ({"from": "yesterday"}, "from = 'yesterday': must be a date or a time, such as 2026-11-23"),
        ({"as_of": "25:00"}, "as_of = '25:00': must be a date or a time"),
        ({"to": "0001-01-01"}, "to = '0001-01-01': must be in the years 1900 to 2199"),
        ({"from": "9999-12-31T23:59:59"}, "must be in the years 1900 to 2199"),
        ({"form": "2026-03-02"}, "'form' is no parameter; use from, to, by, milestone"),
        ({"from": "2026-03-02", "to": "2026-03-01"},
         "to = '2026-03-01' is not after from = '2026-03-02'"),
        ({"from": "2026-03-02", "to": "2026-03-02"}, "is not after from"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_names_parameter_value_and_what_is_allowed(
    parameters: dict[str, str], message: str
) -> None:
    with pytest.raises(QueryError) as caught:
        asked(**parameters)

    assert message in str(caught.value)


@given(texts=st.dictionaries(st.sampled_from(PARAMETERS), st.text(max_size=20)))
def test_any_text_is_a_question_or_a_query_error(texts: dict[str, str]) -> None:
    try:
        query = asked(**texts)
    except QueryError:
        return
    assert query.as_of.tzinfo is not None


def test_a_batch_of_records_needs_no_order(template: Installation) -> None:
    with an_empty_street(template) as street:
        late, early = a_record(a_call("A-2", reported=60)), a_record(a_call("A-1"), ordinal=2)

        street.door.accept(street.sources[0], a_batch(late, early), now=MUCH_LATER)

        with street.store.reading() as reader:
            found = rows(reader, Query(as_of=MUCH_LATER), street.desk)
        assert [row["incident_key"] for row in found] == ["A-1", "A-2"]
