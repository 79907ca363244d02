"""The memory behind a position."""

from datetime import datetime, timedelta

import pytest

from pipelines.connectors.sql_view.overlap import KEPT, Memory, digest_of
from tests.builders import MUCH_LATER, at

OVERLAP = timedelta(minutes=10)


def digest(n: int) -> bytes:
    return digest_of(str(n).encode())


def a_memory(*times: datetime | None) -> Memory:
    memory = Memory()
    for n, time in enumerate(times):
        memory.learn(time, digest(n), now=MUCH_LATER)
    return memory


@pytest.mark.parametrize("naive", [True, False])
def test_a_position_holds_all_that_is_remembered(naive: bool) -> None:
    times = [at(n).replace(tzinfo=None) if naive else at(n) for n in (0, 5, 5, 9)]

    memory = Memory.load(a_memory(*times, None).dump())

    assert (memory.newest, memory.rows) == (times[-1], 5)
    assert [memory.knows(digest(n)) for n in range(6)] == [True] * 5 + [False]
    assert memory.start(OVERLAP) == times[-1] - OVERLAP


def test_what_lies_before_the_overlap_is_forgotten() -> None:
    memory = a_memory(at(0), at(1), at(601), None)

    memory.forget(OVERLAP)

    assert [memory.knows(digest(n)) for n in range(4)] == [False, True, True, True]


def test_a_time_ahead_of_the_clock_moves_nothing() -> None:
    memory = a_memory(at(0), MUCH_LATER + timedelta(days=2))

    assert memory.newest == at(0)
    assert memory.knows(digest(1))


def test_a_position_stays_small_and_keeps_the_newest() -> None:
    memory = a_memory(*(at(n // 2) for n in range(KEPT + 10)))

    text = memory.dump()

    kept = Memory.load(text)
    assert [kept.knows(digest(n)) for n in (0, 9, 10, KEPT + 9)] == [False, False, True, True]
    assert memory.knows(digest(0))


def test_nothing_is_known_at_the_beginning() -> None:
    memory = Memory.load(None)

    assert (memory.newest, memory.rows, memory.start(OVERLAP)) == (None, 0, None)
    memory.forget(OVERLAP)
    assert Memory.load(memory.dump()).newest is None
