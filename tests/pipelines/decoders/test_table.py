"""What a row of a table means, as the configuration says it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.connectors.record import Origin, Record, content_of
from pipelines.decoders.table import TableDecoder
from pipelines.decoders.table_options import TableOptions
from pipelines.errors import BadRecordError
from pipelines.model.fact import Fact, Flag, Reason, Statement
from pipelines.model.incident import fold
from pipelines.model.milestone import Milestone
from pipelines.model.place import Place
from pipelines.model.stamp import Method
from tests.builders import NINE, at, the_outcome
from tests.pipelines.installations import a_bad_record

PLAIN: dict[str, Any] = {
    "incident": "id",
    "milestones": {"reported": "reported", "arrived": "arrived"},
    "kind": "fire",
}
ROW = {"id": "A-1", "reported": "2026-03-02 09:00:00", "arrived": "2026-03-02 09:04:00"}
SECONDS = "%Y-%m-%d %H:%M:%S"
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def a_decoder(**options: Any) -> TableDecoder:
    plain = {"time_format": SECONDS}
    return TableDecoder(
        TableOptions.model_validate(PLAIN | plain | options), zone=ZoneInfo("Asia/Shanghai")
    )


def a_record(fields: Mapping[str, str], ordinal: int = 1) -> Record:
    raw = "\x1f".join(fields.values()).encode("utf-8", errors="surrogatepass")
    return Record(raw, b"", fields, Origin("calls.csv", 2), ordinal)


def decoded(decoder: TableDecoder, **fields: str) -> Statement:
    return decoder.decode(a_record(ROW | fields), source="cad", received_at=NOW)


def refusal(decoder: TableDecoder, **fields: str) -> tuple[str, str, str]:
    """The column, value and rule for which a row is set aside."""
    with pytest.raises(BadRecordError) as caught:
        decoded(decoder, **fields)
    return caught.value.column, caught.value.value, caught.value.rule


def test_columns_become_milestones_in_utc() -> None:
    statement = decoded(a_decoder())

    assert statement.facts == (
        Fact(Milestone.REPORTED, NINE),
        Fact(Milestone.ARRIVED, at(240)),
    )
    assert (statement.source, statement.incident_key, statement.record_id) == ("cad", "A-1", "A-1")
    assert (statement.kind, statement.recorded_at, statement.flags) == ("fire", NOW, ())


def test_stamps_are_as_precise_as_their_format_and_say_how_they_came_to_be() -> None:
    decoder = a_decoder(time_format="%Y-%m-%d %H:%M", method="clerk")

    statement = decoded(decoder, reported="2026-03-02 09:00", arrived="2026-03-02 09:04")

    assert statement.facts[1] == Fact(Milestone.ARRIVED, at(240), 60, Method.CLERK)


def test_precision_can_be_coarser_than_the_format_shows() -> None:
    assert decoded(a_decoder(precision="60s")).facts[0].precision_s == 60


def test_two_formats_in_one_file_are_both_read() -> None:
    decoder = a_decoder(time_format=[SECONDS, "%d.%m.%Y %H:%M"])

    statement = decoded(decoder, arrived="02.03.2026 09:04")

    assert [fact.at for fact in statement.facts] == [NINE, at(240)]


def test_a_third_format_is_refused_with_column_value_and_rule() -> None:
    column, value, rule = refusal(a_decoder(), arrived="2 March, four past nine")

    assert (column, value) == ("arrived", "2 March, four past nine")
    assert rule == f"is not a time written as '{SECONDS}'"


@pytest.mark.parametrize("nothing", ["", " ", "null", "NULL", "None", "n/a", "-", "\\N"])
def test_a_text_that_means_nothing_is_no_milestone(nothing: str) -> None:
    assert [f.milestone for f in decoded(a_decoder(), arrived=nothing).facts] == ["reported"]


def test_which_texts_mean_nothing_is_a_setting() -> None:
    assert len(decoded(a_decoder(null=["", "无"]), arrived="无").facts) == 1


def test_a_record_without_an_id_is_refused() -> None:
    assert refusal(a_decoder(), id="null") == (
        "id",
        "null",
        "is empty; every record needs this id",
    )


def test_a_record_without_a_start_is_refused() -> None:
    column, _, rule = refusal(a_decoder(), reported="")

    assert (column, rule) == ("reported", "is empty, so there is no moment to start the clock at")


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    column, _, rule = refusal(a_decoder(address="Addr"))

    assert (column, rule) == ("Addr", "no such column; there are: id, reported, arrived")


def test_a_line_that_could_not_be_cut_is_refused_for_that_reason() -> None:
    with pytest.raises(BadRecordError, match="is no row"):
        a_decoder().decode(a_bad_record("junk"), source="cad", received_at=NOW)


@pytest.mark.parametrize(
    ("time", "rule"),
    [
        ("2099-01-01 00:00:00", "lies in the future (2026-03-02 now)"),
        ("1900-01-01 00:00:00", "lies before 1990-01-01; a placeholder?"),
    ],
)
def test_a_time_that_cannot_be_is_refused(time: str, rule: str) -> None:
    assert refusal(a_decoder(), arrived=time) == ("arrived", time, rule)
    assert refusal(a_decoder(), reported=time) == ("reported", time, rule)


def test_a_clock_that_is_an_hour_ahead_is_no_reason_to_lose_a_call() -> None:
    assert decoded(a_decoder(), arrived="2026-03-02 11:00:00").facts[1].at == at(7200)


def test_an_arrival_before_the_report_is_kept_and_judged_impossible() -> None:
    statement = decoded(a_decoder(), arrived="2026-03-02 08:59:00")

    outcome = the_outcome(fold([statement]))
    assert (outcome.verdict, outcome.reason) == ("quarantined", "negative_duration")
    (flag,) = statement.flags
    assert (flag.column, flag.value) == ("arrived", "2026-03-02 08:59:00")
    assert flag.rule.startswith("lies before the report")


def test_an_arrival_in_the_minute_of_the_report_is_no_impossible_order() -> None:
    decoder = a_decoder(time_format=["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"])

    statement = decoded(decoder, reported="2026-03-02 09:00:40", arrived="2026-03-02 09:00")

    assert statement.flags == ()


def test_several_columns_can_tell_the_records_of_an_incident_apart() -> None:
    decoder = a_decoder(record=["id", "unit"], unit="unit")

    one, other = decoded(decoder, unit="E05"), decoded(decoder, unit="T10")

    assert one.incident_key == other.incident_key
    assert one.record_id != other.record_id
    assert (one.unit, other.unit) == ("E05", "T10")
    assert refusal(decoder, unit="")[0] == "unit"


def test_only_the_named_units_stop_the_clock() -> None:
    decoder = a_decoder(unit="unit", qualifying={"column": "type", "values": ["ENGINE"]})

    assert decoded(decoder, unit="E05", type="ENGINE").qualifies
    assert not decoded(decoder, unit="B02", type="CHIEF").qualifies
    assert not decoded(decoder, unit="B02", type="").qualifies


def test_a_kind_that_is_not_mapped_is_flagged_and_the_call_kept() -> None:
    decoder = a_decoder(kind={"column": "type", "map": {"火警": "fire"}})

    assert decoded(decoder, type="火警").kind == "fire"
    assert decoded(decoder, type="水灾").kind is None
    assert decoded(decoder, type="水灾").flags == (
        Flag("type", "水灾", "is not in the mapping; add it to map"),
    )


def test_a_default_stands_for_every_other_value_without_a_flag() -> None:
    decoder = a_decoder(kind={"column": "type", "map": {}, "default": "other"})

    assert (decoded(decoder, type="水灾").kind, decoded(decoder, type="水灾").flags) == (
        "other",
        (),
    )


def test_values_can_be_left_out_of_the_figures_for_a_reason() -> None:
    decoder = a_decoder(exclude={"column": "type", "map": {"演练": "drill"}})

    assert decoded(decoder, type="演练").excluded is Reason.DRILL
    assert decoded(decoder, type="火警").excluded is None


@pytest.mark.parametrize("wrong", [{"map": {"x": "boring"}}, {"default": "boring"}])
def test_a_reason_that_is_not_in_the_ledger_stops_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="'boring' is no ledger reason; use one of drill, "):
        a_decoder(exclude={"column": "type", **wrong})


def test_a_severity_is_mapped_to_a_number() -> None:
    decoder = a_decoder(severity={"column": "level", "map": {"一级": "1"}})

    assert decoded(decoder, level="一级").severity == 1
    assert decoded(decoder, level="四级").severity is None
    assert len(decoded(decoder, level="四级").flags) == 1


def test_a_case_that_is_over_is_resolved_at_no_stated_time() -> None:
    decoder = a_decoder(finished=True, milestones={"reported": "reported", "resolved": "arrived"})

    assert decoded(decoder, arrived="").facts[-1] == Fact(Milestone.RESOLVED, None)
    assert decoded(decoder).facts[-1] == Fact(Milestone.RESOLVED, at(240))


def test_title_address_and_own_grid_are_taken_over() -> None:
    decoder = a_decoder(title="what", address="where", grid="beat")

    statement = decoded(decoder, what="浓烟", where="庆春路1号", beat=" G01 ")

    assert (statement.title, statement.place) == ("浓烟", Place(None, None, "庆春路1号", "G01"))
    assert decoded(decoder, what="", where="", beat="").place is None


@pytest.mark.parametrize(
    ("lat", "lon", "position"),
    [
        ("30.25", "120.21", (30.25, 120.21)),
        (" -30.25 ", "1.2e2", (-30.25, 120.0)),
        ("", "120.21", None),
        ("null", "null", None),
    ],
)
def test_coordinates_are_two_columns(
    lat: str, lon: str, position: tuple[float, float] | None
) -> None:
    decoder = a_decoder(position={"lat": "y", "lon": "x"})

    place = decoded(decoder, y=lat, x=lon).place

    assert place == (Place(*position) if position else None)


@pytest.mark.parametrize("text", ["(37.77, -122.44)", "37.77,-122.44", " ( 37.77 , -122.44 ) "])
def test_coordinates_can_be_one_column(text: str) -> None:
    decoder = a_decoder(position={"column": "at"})

    assert decoded(decoder, at=text).place == Place(37.77, -122.44)


def test_coordinates_can_be_written_in_any_pattern() -> None:
    pattern = r"POINT \((?P<lon>\S+) (?P<lat>\S+)\)"
    decoder = a_decoder(position={"column": "at", "pattern": pattern})

    assert decoded(decoder, at="POINT (120.21 30.25)").place == Place(30.25, 120.21)


@pytest.mark.parametrize(
    ("position", "fields", "flag"),
    [
        ({"lat": "y", "lon": "x"}, {"y": "north", "x": "120"}, ("y, x", "north, 120")),
        ({"column": "at"}, {"at": "by the bridge"}, ("at", "by the bridge")),
        ({"column": "at"}, {"at": "1.2.3, 4"}, ("at", "1.2.3, 4")),
    ],
)
def test_a_position_that_is_none_is_flagged_and_the_call_kept(
    position: dict[str, str], fields: dict[str, str], flag: tuple[str, str]
) -> None:
    statement = decoded(a_decoder(position=position), **fields)

    assert statement.place is None
    rule = "is not a pair of coordinates; the case is not on the map"
    assert statement.flags == (Flag(*flag, rule),)


@pytest.mark.parametrize(
    "position",
    [{}, {"lat": "y"}, {"lon": "x"}, {"column": "at", "lat": "y"}, {"column": "at", "pattern": "("},
     {"column": "at", "pattern": "(?P<lat>.)"}],
)  # fmt: skip
def test_half_a_position_stops_the_start(position: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        a_decoder(position=position)


def test_times_without_a_date_take_it_from_its_column_and_pass_midnight() -> None:
    decoder = a_decoder(time_format="%H:%M", date={"column": "day", "format": "%m/%d/%y"})

    statement = decoded(decoder, day="03/01/26", reported="23:58", arrived="00:03")

    assert [fact.at for fact in statement.facts] == [
        datetime(2026, 3, 1, 15, 58, tzinfo=UTC),
        datetime(2026, 3, 1, 16, 3, tzinfo=UTC),
    ]
    assert statement.facts[0].precision_s == 60


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"time_format": "%Y-%m-%d %Q"}, "'%Y-%m-%d %Q' is no strptime pattern"),
        ({"time_format": ["iso", "%Y %Y"]}, "'%Y %Y' is no strptime pattern"),
        (
            {"time_format": "iso", "date": {"column": "day", "format": "%Y"}},
            "a time written as 'iso' has its date",
        ),
        (
            {"time_format": "%d %H:%M", "date": {"column": "day", "format": "%Y-%m-%d"}},
            "'%Y-%m-%d %d %H:%M' is no strptime pattern",
        ),
    ],
)
def test_a_format_that_can_read_nothing_stops_the_start(options: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        a_decoder(**options)


def test_a_date_that_is_none_is_shown_in_the_message() -> None:
    decoder = a_decoder(time_format="%H:%M", date={"column": "day", "format": "%m/%d/%y"})

    column, value, rule = refusal(decoder, day="13/32/26", reported="23:58")

    assert (column, value) == ("reported", "13/32/26 23:58")
    assert "%m/%d/%y %H:%M" in rule


def test_midnight_is_passed_by_the_local_calendar() -> None:
    options = PLAIN | {
        "time_format": "%H:%M",
        "date": {"column": "day", "format": "%m/%d/%y"},
    }
    decoder = TableDecoder(
        TableOptions.model_validate(options), zone=ZoneInfo("America/Los_Angeles")
    )

    # clocks went back that night, so 24 hours later is not the same time of day
    statement = decoded(decoder, day="11/02/25", reported="23:50", arrived="00:05")

    reported, arrived = (fact.at for fact in statement.facts)
    assert arrived is not None
    assert reported is not None
    assert (arrived - reported).total_seconds() == 15 * 60


def test_the_content_of_a_record_is_what_it_says_and_not_where_it_stood() -> None:
    one, moved, other = a_record(ROW), a_record(ROW, ordinal=9), a_record(ROW | {"id": "A-2"})

    assert content_of(one) == content_of(moved) != content_of(other)


EVERYTHING: dict[str, Any] = {
    "record": ["id", "unit"],
    "time_format": [SECONDS, "%H:%M", "iso", "epoch_s", "epoch_ms"],
    "kind": {"column": "kind", "map": {"1": "fire"}},
    "severity": {"column": "kind", "map": {"1": "1", "2": "²"}},
    "exclude": {"column": "kind", "map": {"9": "drill"}},
    "position": {"lat": "y", "lon": "x"},
    "grid": "grid", "address": "address", "title": "title", "unit": "unit",
    "qualifying": {"column": "kind", "values": ["1"]},
    "finished": True,
}  # fmt: skip
DATED = {
    "date": {"column": "day", "format": "%Y-%m-%d"},
    "time_format": ["%H:%M", "%H:%M:%S"],
    "position": {"column": "address"},
}
DECODERS = (a_decoder(**EVERYTHING), a_decoder(**EVERYTHING | DATED))
NAMES = ("id", "reported", "arrived", "kind", "y", "x", "grid", "address", "title", "unit", "day")

cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["1", "2", "9", "nan", "inf", "null", "9999-12-31", "0001-01-01", "(1.1.1,2)"]),
    st.sampled_from(["23:59", "00:00", "2026-03-02 09:00:00", "2026-03-02T09:00+14:00", "00:00Z"]),
    st.floats().map(str),
    st.integers().map(str),
)
tables = st.fixed_dictionaries(dict.fromkeys(NAMES, cells)) | st.dictionaries(
    st.sampled_from(NAMES), cells
)


@given(fields=tables, decoder=st.sampled_from(DECODERS))
def test_any_row_is_a_statement_or_a_bad_record_and_nothing_else(
    fields: dict[str, str], decoder: TableDecoder
) -> None:
    facts: tuple[Fact, ...] = ()
    try:
        statement = decoder.decode(a_record(fields), source="cad", received_at=NOW)
    except BadRecordError as error:
        said = (error.column, error.value, error.rule)
    else:
        said = ("id", statement.incident_key, statement.record_id)
        facts = statement.facts

    assert all(isinstance(text, str) for text in said)
    assert said[0].strip()
    assert all(fact.at is None or fact.at.tzinfo is UTC for fact in facts)
