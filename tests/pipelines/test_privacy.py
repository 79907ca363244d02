"""What may name a person is masked before it leaves the server."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.privacy.masking import masked, masked_record, spots


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


RECEIVED = datetime(2026, 11, 27, 8, 15, tzinfo=UTC)
seconds = st.integers(-86_400, 86_400)


@given(words, seconds, words)
def test_the_time_that_a_device_sends_with_its_record_is_left(
    before: str, apart: int, after: str
) -> None:
    sent = f"{int(RECEIVED.timestamp() + apart)}{apart % 1000:03d}"

    # a day that is not quite: the milliseconds may take it over the edge
    shown = masked_record(f"{before} {sent} {after}", [RECEIVED, RECEIVED + timedelta(seconds=1)])

    assert sent in shown
    assert sent not in masked(f"{before} {sent} {after}")


@given(words, phones | identities, words)
def test_a_number_of_a_person_in_a_record_is_masked_all_the_same(
    before: str, number: str, after: str
) -> None:
    text = f'{{"ts": {int(RECEIVED.timestamp() * 1000)}, "tel": "{before}{number}{after}"}}'

    shown = masked_record(text, [RECEIVED])

    assert number not in shown
    assert str(int(RECEIVED.timestamp() * 1000)) in shown


@given(st.integers(10**12, 10**13 - 1))
def test_no_other_number_of_thirteen_digits_is_taken_for_a_time(number: int) -> None:
    is_near = abs(number / 1000 - RECEIVED.timestamp()) <= 86_400

    assert (str(number) in masked_record(f"账号{number}", [RECEIVED])) == is_near


def test_a_name_beside_a_time_is_masked_and_a_time_is_nothing_to_reveal() -> None:
    text = f"报警人：王小明 {int(RECEIVED.timestamp() * 1000)} 13812345678"

    assert "王小明" not in masked_record(text, [RECEIVED])
    assert [spot.what for spot in spots(text, [RECEIVED])] == ["phone", "name"]
    assert [spot.what for spot in spots(text)] == ["phone", "account", "name"]


@given(st.text())
def test_masking_what_is_masked_changes_nothing(text: str) -> None:
    once = masked(text)

    assert masked(once) == once
