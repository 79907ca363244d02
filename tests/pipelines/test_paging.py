"""A page of rows is asked for in words that are checked."""

import pytest

from pipelines.desk.paging import Paging, paging_in
from pipelines.errors import QueryError


def test_without_a_word_it_is_all_rows_by_their_beginning() -> None:
    assert paging_in({"kind": "fire"}) == Paging(limit=None, offset=0, sort="t0")
    assert paging_in({"limit": "", "sort": ""}) == Paging()


def test_a_page_says_how_many_from_where_and_in_which_order() -> None:
    asked = {"limit": "10000", "offset": "1000000000", "sort": "-seconds"}

    assert paging_in(asked) == Paging(limit=10_000, offset=10**9, sort="-seconds")


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("limit", "0", "from 1 to 10000"),
        ("limit", "10001", "from 1 to 10000"),
        ("limit", "-1", "from 1 to 10000"),
        ("limit", "1e3", "from 1 to 10000"),
        ("limit", "\u0665", "from 1 to 10000"),
        ("offset", "1000000001", "from 0 to 1000000000"),
        ("offset", "9" * 5000, "from 0 to 1000000000"),
        ("sort", "title", "t0, -t0, verdict, -verdict, seconds, -seconds"),
        ("sort", "--t0", "must be one of"),
        ("sort", "t0; DROP TABLE incident", "must be one of"),
    ],
)
def test_a_wrong_page_is_refused_with_value_and_rule(name: str, value: str, rule: str) -> None:
    with pytest.raises(QueryError, match=rule) as refused:
        paging_in({name: value})

    assert f"{name} = {value!r}" in str(refused.value)
