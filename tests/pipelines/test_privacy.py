"""What may name a person is masked before it leaves the server."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.privacy import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("请回电13812345678，谢谢", "请回电138****5678，谢谢"),
        ("138 1234 5678", "138****5678"),
        ("+8613812345678", "+86138****5678"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("身份证330104199001011234。", "身份证330104********1234。"),
        ("33010419900101123X", "330104********123X"),
        ("0571-86001234", "0571-******34"),
        ("卡号6222021202001234567", "卡号******4567"),
        ("chen.wei@example.org", "c***@example.org"),
        ("江锦路148号3幢2单元1501室", "江锦路148号3幢2单元1501室"),
        ("工单20261124000123", "工单******0123"),
        ("37.7821212340281, -122.458858659839", "37.7821212340281, -122.458858659839"),
        ("", ""),
        (None, None),
    ],
)
def test_numbers_that_name_a_person_are_masked(text: str | None, shown: str | None) -> None:
    assert masked(text) == shown


phones = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
identities = st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True)
words = st.text(st.characters(codec="utf-8", exclude_categories=["Nd", "Cs"]), max_size=20)


@given(words, phones | identities, words)
def test_no_number_survives_wherever_it_stands(before: str, number: str, after: str) -> None:
    shown = masked(before + number + after)

    assert shown is not None
    assert number not in shown
    assert not re.search(r"\d{9}", shown)


@given(st.text())
def test_masking_what_is_masked_changes_nothing(text: str) -> None:
    once = masked(text)

    assert masked(once) == once
