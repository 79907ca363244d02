"""A window of strata is added up from what is summed, and from lines wherever it is not."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.store import schema
from pipelines.store.buckets import Level, Part, Span, bucket_end, bucket_start, starts_in
from pipelines.store.rows import to_ms
from pipelines.store.sheets import HOUR_MS
from pipelines.store.store import Store, scratch_store
from pipelines.store.strata import COMBINATIONS, Cut, Telling, parts, release

ZONE = ZoneInfo("Asia/Kolkata")
"""Half an hour off, so that months begin in the middle of an hour."""
BEGIN = bucket_start(Level.YEAR, datetime(2021, 6, 1, tzinfo=UTC), ZONE)
END = bucket_start(Level.YEAR, datetime(2026, 6, 1, tzinfo=UTC), ZONE)
EVERY = {
    level: list(starts_in(Part(level, 1, (BEGIN, END)), ZONE))
    for level in (Level.MONTH, Level.YEAR)
}
TELLINGS = [
    Telling(Cut.STATE),
    Telling(Cut.SHIFT, "07:30 19:30"),
    Telling(Cut.BOTH, "07:30 19:30"),
]

moments = st.integers(-100 * 24 * 60, 1925 * 24 * 60).map(lambda m: BEGIN + timedelta(minutes=m))
windows = st.tuples(moments, moments).map(lambda both: (min(both), max(both)))


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with scratch_store() as store:
        yield store


def mark(store: Store, telling: Telling, kept: set[tuple[Level, datetime]]) -> None:
    rows = [(int(telling.cut), int(level), to_ms(start), telling.told_by) for level, start in kept]
    with store.writing() as writer:
        writer.clear(schema.stratified)
        writer.put(schema.stratified, rows)


def found(store: Store, telling: Telling, window: Span, per: int) -> list[Part]:
    with store.reading() as reader:
        return list(parts(reader, telling, window, ZONE, per))


def covered(parts: list[Part]) -> dict[datetime, int]:
    """How often each moment counts, by where that changes."""
    steps: Counter[datetime] = Counter()
    for part in parts:
        steps[part.span[0]] += part.sign
        steps[part.span[1]] -= part.sign
    return {moment: n for moment, n in steps.items() if n}


@settings(max_examples=60, deadline=None)
@given(
    window=windows,
    left_out=st.sets(st.sampled_from([(x, at) for x, starts in EVERY.items() for at in starts])),
    telling=st.sampled_from(TELLINGS),
    per=st.integers(0, 7),
)
def test_the_parts_add_up_to_the_window_and_only_what_is_marked_is_read_as_a_sum(
    store: Store,
    window: Span,
    left_out: set[tuple[Level, datetime]],
    telling: Telling,
    per: int,
) -> None:
    every = {(level, start) for level in COMBINATIONS[telling.cut] for start in EVERY[level]}
    mark(store, telling, every - left_out)

    result = found(store, telling, window, per)

    assert covered(result) == ({window[0]: 1, window[1]: -1} if window[0] < window[1] else {})
    for part in result:
        if part.level is not Level.HOUR:
            starts = starts_in(part, ZONE)
            assert {(part.level, start) for start in starts} <= every - left_out


@settings(max_examples=60, deadline=None)
@given(window=windows, telling=st.sampled_from(TELLINGS), per=st.sampled_from([0, 1, 2, 4]))
def test_where_all_is_summed_less_than_a_month_is_read_line_by_line(
    store: Store, window: Span, telling: Telling, per: int
) -> None:
    mark(store, telling, {(x, at) for x in COMBINATIONS[telling.cut] for at in EVERY[x]})
    begin, end = max(window[0], BEGIN), min(window[1], END)

    lines = [part for part in found(store, telling, (begin, end), per) if part.level is Level.HOUR]

    assert len(lines) <= 2
    assert all(stop - start <= timedelta(days=15, hours=12) for _, _, (start, stop) in lines)


def test_sums_told_apart_by_other_shifts_are_not_read(store: Store) -> None:
    mark(store, TELLINGS[1], {(Level.MONTH, start) for start in EVERY[Level.MONTH]})
    window = (BEGIN, BEGIN + timedelta(days=300))

    assert found(store, Telling(Cut.SHIFT, "08:00 20:00"), window, 0) == [
        Part(Level.HOUR, 1, window)
    ]


def test_an_hour_in_which_a_month_begins_releases_both(store: Store) -> None:
    april = EVERY[Level.MONTH][15]
    mark(store, TELLINGS[0], {(x, at) for x in COMBINATIONS[Cut.STATE] for at in EVERY[x]})

    with store.writing() as writer:
        release(writer, [to_ms(april) // HOUR_MS * HOUR_MS], ZONE)
        left = {(row[1], row[2]) for row in writer.rows(schema.stratified.select())}

    march, year = EVERY[Level.MONTH][14], EVERY[Level.YEAR][1]
    every = {(int(x), to_ms(at)) for x in COMBINATIONS[Cut.STATE] for at in EVERY[x]}
    assert every - left == {
        (int(Level.MONTH), to_ms(march)),
        (int(Level.MONTH), to_ms(april)),
        (int(Level.YEAR), to_ms(year)),
    }
    assert bucket_end(Level.MONTH, march, ZONE) == april
