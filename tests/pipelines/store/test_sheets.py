"""A sheet is its lines in order, however they came to be on it."""

import random
from collections import Counter

import pytest

from pipelines.store.sheets import multiset

SIZE = 8


def lines(dice: random.Random, number: int) -> list[bytes]:
    """Lines of which some are the same."""
    return [dice.randrange(number * 2 + 1).to_bytes(SIZE, "big") for _ in range(number)]


@pytest.mark.parametrize("number", [0, 5, 200, 5000])
def test_the_lines_stand_in_order_whatever_comes_in_and_goes(number: int):
    dice = random.Random(number)
    for _ in range(50):
        before, added = lines(dice, number), lines(dice, dice.randrange(4))
        removed = dice.sample(before, min(len(before), dice.randrange(4)))

        after = multiset(b"".join(sorted(before)), SIZE, added, removed)

        left = Counter(before) + Counter(added) - Counter(removed)
        assert after == b"".join(sorted(left.elements()))


@pytest.mark.parametrize("number", [5, 5000])
def test_a_line_that_comes_and_goes_at_once_leaves_no_trace(number: int):
    content = b"".join(sorted(lines(random.Random(1), number)))
    passing = b"\xff" * SIZE

    assert multiset(content, SIZE, [passing], [passing]) == content


@pytest.mark.parametrize("number", [5, 5000])
@pytest.mark.parametrize("missing", [b"\x00" * SIZE, b"\x01" * SIZE, b"\xff" * SIZE])
def test_what_is_not_there_cannot_be_taken_out(number: int, missing: bytes):
    content = b"".join(i.to_bytes(SIZE, "big") for i in range(1, number + 1))

    with pytest.raises(OverflowError, match="do not hold"):
        multiset(content, SIZE, [], [missing])


@pytest.mark.parametrize("number", [5, 5000])
def test_a_line_cannot_be_taken_out_more_often_than_it_is_there(number: int):
    content = b"".join(i.to_bytes(SIZE, "big") for i in range(number))

    with pytest.raises(OverflowError, match="do not hold"):
        multiset(content, SIZE, [], [content[:SIZE]] * 2)
