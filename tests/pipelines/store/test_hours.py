"""An hour has as many sheets as it needs, which follow from what is in it alone."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.model.clock import CLOCKS
from pipelines.store import hours, schema
from pipelines.store.hours import Change, SheetKey, laid_out, sheets_at, sheets_of, write_sheets
from pipelines.store.sheets import HOUR_MS, LINE_BYTES, line_of, offset_of, start_of
from pipelines.store.store import Reader
from tests.stores import an_empty_store, examples, on_every_database

pytestmark = on_every_database

HOURS = [HOUR_MS * 492_000, HOUR_MS * 492_001]
OFFSETS_MS = [0, 1, 999, 1000, 1001, 59_999, 60_000, 61_000, 1_800_000, HOUR_MS - 1]


def line(offset_ms: int, slot: int = 7) -> bytes:
    return line_of(slot, start_of(offset_ms, 2, closed=True), [1] * len(CLOCKS))


lines = st.lists(st.builds(line, st.sampled_from(OFFSETS_MS), st.integers(1, 3)), max_size=9)
turns = st.lists(st.tuples(st.sampled_from(HOURS), lines, st.randoms()), min_size=1, max_size=5)


@contextmanager
def sheets_hold(most: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hours, "MOST", most)
        yield


def rows_of(reader: Reader) -> list[tuple[Any, ...]]:
    return [(*row[:-1], bytes(row[-1])) for row in reader.stream(schema.sheet)]


def cut(content: bytes) -> list[bytes]:
    return [content[i : i + LINE_BYTES] for i in range(0, len(content), LINE_BYTES)]


def test_however_lines_come_and_go_the_sheets_are_those_of_what_is_left() -> None:
    @settings(
        max_examples=examples(100),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(turns)
    def holds(turns: Sequence[tuple[int, list[bytes], Random]]) -> None:
        there: dict[int, list[bytes]] = {hour: [] for hour in HOURS}
        with an_empty_store() as store, sheets_hold(2):
            for hour, added, dice in turns:
                removed = dice.sample(there[hour], dice.randint(0, len(there[hour])))
                left = Counter(there[hour]) + Counter(added) - Counter(removed)
                there[hour] = sorted(left.elements())
                with store.writing() as writer:
                    write_sheets(writer, {hour: Change(added, removed)})

            due = [
                row
                for hour in HOURS
                if there[hour]
                for row in laid_out(SheetKey(hour), b"".join(there[hour]))
            ]
            with store.reading() as reader:
                assert rows_of(reader) == sorted(due)
                found = sheets_at(reader, HOURS)
                assert {h: cut(found.get(h, b"")) for h in HOURS} == there
                until = list(sheets_of(reader, HOURS[0], HOURS[1] + 1000))
        begun = {
            hour: sorted(one for h, some in until if h == hour for one in cut(some))
            for hour in HOURS
        }
        early = [one for one in there[HOURS[1]] if offset_of(one) < 1000]
        assert begun == {HOURS[0]: there[HOURS[0]], HOURS[1]: early}

    holds()


def test_no_sheet_is_longer_than_it_may_be_but_that_of_a_second() -> None:
    many = [line(offset_ms, slot) for offset_ms in range(0, HOUR_MS, 500) for slot in (1, 2)]
    crowd = [line(77_000, slot) for slot in range(5000)]

    with an_empty_store() as store:
        with store.writing() as writer:
            write_sheets(writer, {HOURS[0]: Change([*many, *crowd])})
        with store.reading() as reader:
            rows = rows_of(reader)
            content = sheets_at(reader, HOURS)[HOURS[0]]

    assert content == b"".join(sorted([*many, *crowd]))
    assert [row[:4] for row in rows if row[2] == 3600] == [(HOURS[0], 0, 3600, 19_400)]
    assert {row[1] for row in rows if row[2] == 60} == {*range(0, 3600, 60)}
    seconds = [row for row in rows if row[2] == 1]
    assert {row[1] for row in seconds} == {*range(60, 120)}
    assert max(len(row[-1]) for row in rows if row[2] > 1) <= hours.MOST * LINE_BYTES
    assert max(row[3] for row in seconds) == 5004


@pytest.mark.parametrize("most", [1, 4096])
def test_what_is_not_there_cannot_be_taken_out_of_a_parted_hour_either(most: int) -> None:
    with an_empty_store() as store, sheets_hold(most):
        with store.writing() as writer:
            write_sheets(writer, {HOURS[0]: Change([line(0), line(61_000), line(62_000)])})
            before = rows_of(writer)

        def take_out() -> None:
            with store.writing() as writer:
                write_sheets(writer, {HOURS[0]: Change(removed=[line(1000)])})

        with pytest.raises(OverflowError, match="do not hold"):
            take_out()
        with store.reading() as reader:
            assert rows_of(reader) == before
