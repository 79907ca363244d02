"""Reading times as sources write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.reading.times import past_midnight, precision_of, time_reader

SAN_FRANCISCO = ZoneInfo("America/Los_Angeles")
SHANGHAI = ZoneInfo("Asia/Shanghai")

PATTERNS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d",
    "%Y%m%d%H%M%S",
    "%Y年%m月%d日 %H时%M分",
    "%d.%m.%Y %H",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I %p",
    "%m/%d/%y %H:%M",
    "%H:%M:%S %d-%m-%Y",
    "%d %b %Y %H:%M",
]


def read(text: str, *formats: str, zone: ZoneInfo = SHANGHAI) -> str:
    return time_reader(formats, zone)(text).isoformat()


@pytest.mark.parametrize(
    ("text", "pattern", "moment"),
    [
        ("2026-03-02T09:00:00", "iso", "2026-03-02T01:00:00+00:00"),
        ("2026-03-02T09:00:00+09:00", "iso", "2026-03-02T00:00:00+00:00"),
        ("2026-03-02T01:00:00Z", "iso", "2026-03-02T01:00:00+00:00"),
        ("2026-03-02 09:00:00.123456", "iso", "2026-03-02T01:00:00.123000+00:00"),
        ("1772413200", "epoch_s", "2026-03-02T01:00:00+00:00"),
        ("1772413200250", "epoch_ms", "2026-03-02T01:00:00.250000+00:00"),
        ("2026年03月02日 09时00分", "%Y年%m月%d日 %H时%M分", "2026-03-02T01:00:00+00:00"),
        ("03/02/2026 12:05:00 AM", "%m/%d/%Y %I:%M:%S %p", "2026-03-01T16:05:00+00:00"),
        ("03/02/2026 12:05:00 pm", "%m/%d/%Y %I:%M:%S %p", "2026-03-02T04:05:00+00:00"),
        ("3/2/2026 9:00", "%m/%d/%Y %H:%M", "2026-03-02T01:00:00+00:00"),
        ("03/02/98 09:00", "%m/%d/%y %H:%M", "1998-03-02T01:00:00+00:00"),
    ],
)
def test_a_time_is_read_as_it_is_written(text: str, pattern: str, moment: str) -> None:
    assert read(text, pattern) == moment


def test_several_formats_are_tried_in_turn() -> None:
    formats = ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M")

    assert read("2026-03-02 09:00:00", *formats) == read("02/03/2026 09:00", *formats)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-13-01 00:00:00",
        "2026-02-30 00:00:00",
        "2026-03-02 24:00:00",
        "2026-03-02 09:00:60",
        "2026-03-02 +9:00:00",
        "2026-03-02 09:00:00 ",
        "2026-03-02",
    ],
)
def test_a_text_in_no_known_format_is_refused_and_the_formats_are_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time written as '%Y-%m-%d %H:%M:%S' or 'epoch"):
        read(text, "%Y-%m-%d %H:%M:%S", "epoch_ms")


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-inf", "1e17", "1e300", "253402300800", "9" * 5000]
)
@pytest.mark.parametrize("pattern", ["epoch_s", "epoch_ms"])
def test_a_number_that_is_no_moment_is_refused(text: str, pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        read(text if pattern == "epoch_s" else text + "000", pattern)


def test_the_hour_that_does_not_exist_is_read_as_if_clocks_had_not_gone_forward_yet() -> None:
    assert read("2026-03-08T02:30:00", "iso", zone=SAN_FRANCISCO) == "2026-03-08T10:30:00+00:00"
    assert read("2026-03-08T03:30:00", "iso", zone=SAN_FRANCISCO) == "2026-03-08T10:30:00+00:00"


def test_the_hour_that_occurs_twice_is_read_as_the_first() -> None:
    assert read("2026-11-01T01:30:00", "iso", zone=SAN_FRANCISCO) == "2026-11-01T08:30:00+00:00"
    assert read("2026-11-01T02:00:00", "iso", zone=SAN_FRANCISCO) == "2026-11-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("pattern", "seconds"),
    [
        ("%Y-%m-%d %H:%M:%S", 1),
        ("%Y-%m-%d %T", 1),
        ("iso", 1),
        ("epoch_ms", 1),
        ("%Y-%m-%d %H:%M", 60),
        ("%Y-%m-%d %R", 60),
        ("%d.%m.%Y %I %p", 3600),
        ("%d.%m.%Y", 86_400),
    ],
)
def test_a_format_says_how_precise_its_times_are(pattern: str, seconds: int) -> None:
    assert precision_of(pattern) == seconds


@given(
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001 - as written
    pattern=st.sampled_from(PATTERNS),
)
def test_the_fast_reader_reads_what_strptime_reads(moment: datetime, pattern: str) -> None:
    text = moment.strftime(pattern)

    expected = datetime.strptime(text, pattern).replace(tzinfo=SAN_FRANCISCO)

    assert time_reader((pattern,), SAN_FRANCISCO)(text) == expected.astimezone(UTC)


@given(data=st.data(), pattern=st.sampled_from(PATTERNS))
def test_the_fast_reader_refuses_what_strptime_refuses(data: st.DataObject, pattern: str) -> None:
    text = list(datetime(2026, 11, 25, 10, 35, 47).strftime(pattern))  # noqa: DTZ001 - as written
    for _ in range(data.draw(st.integers(1, 2))):
        i = data.draw(st.integers(0, len(text) - 1))
        text[i] = data.draw(st.sampled_from("0123456789+-_ /:APM") | st.characters())
    damaged = "".join(text)

    assert outcome(damaged, pattern) == naive_outcome(damaged, pattern)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu"])
@pytest.mark.parametrize("pattern", ["iso", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H%M%S"])
def test_a_reader_that_has_read_an_hour_before_reads_the_rest_of_it_alike(
    zone: str, pattern: str
) -> None:
    day, local_zone = datetime(2026, 4, 5), ZoneInfo(zone)  # noqa: DTZ001 - as written
    moments = [
        day + timedelta(days=183 * n, seconds=s) for n in (0, 1) for s in range(0, 86400, 97)
    ]
    moments += [moment.replace(month=11, day=1) for moment in moments]
    form = "%Y-%m-%dT%H:%M:%S" if pattern == "iso" else pattern
    reader = time_reader((pattern,), local_zone)

    read_twice = [[reader(moment.strftime(form)) for moment in moments] for _ in range(2)]

    assert read_twice == [[m.replace(tzinfo=local_zone).astimezone(UTC) for m in moments]] * 2


def outcome(text: str, pattern: str) -> datetime | None:
    try:
        return time_reader((pattern,), ZoneInfo("UTC"))(text)
    except ValueError:
        return None


def naive_outcome(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern).replace(tzinfo=UTC)
    except ValueError:
        return None


def local(text: str, zone: ZoneInfo = SAN_FRANCISCO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-03-02T00:05", "2026-03-03T00:05"),
        ("2026-03-02T11:49", "2026-03-03T11:49"),
        ("2026-03-02T11:50", "2026-03-02T11:50"),
        ("2026-03-02T23:49", "2026-03-02T23:49"),
        ("2026-03-02T23:55", "2026-03-02T23:55"),
    ],
)
def test_a_time_long_before_the_first_is_on_the_next_day(said: str, meant: str) -> None:
    first = local("2026-03-02T23:50")

    moved = past_midnight(local(said), first, after=timedelta(hours=12), zone=SAN_FRANCISCO)

    assert moved == local(meant)


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_the_next_day_begins_at_midnight_also_when_clocks_change(day: str) -> None:
    following = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
    first, said = local(f"{day}T23:50"), local(f"{day}T00:05")

    moved = past_midnight(said, first, after=timedelta(hours=12), zone=SAN_FRANCISCO)

    assert moved == local(f"{following}T00:05")
