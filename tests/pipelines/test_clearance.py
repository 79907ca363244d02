"""What whoever looks may be shown."""

import pytest

from pipelines.privacy.clearance import LEAST, Clearance, Role
from pipelines.privacy.masking import in_rows, masked, street_of, without_flat

ROW = {
    "kind": "dispute",
    "title": "报警人：王小明称3幢2单元1501室争吵，电话13812345678",
    "address": "江锦路148号3幢2单元1501室",
    "lat": 30.2,
    "lon": 120.2,
}


def seen(role: Role, *, sensitive: bool) -> dict[str, object]:
    row = in_rows(ROW, {"dispute"} if sensitive else set(), Clearance(role=role))
    return {name: row[name] for name in ("title", "address", "lat")}


def test_who_forgets_to_say_whose_eyes_it_is_for_shows_the_least() -> None:
    assert Clearance() == LEAST
    assert in_rows(ROW, ()) == in_rows(ROW, (), Clearance(role=Role.WALL))


def test_a_screen_in_a_room_shows_no_more_for_an_administrator() -> None:
    assert Clearance(role=Role.ADMIN).at_most(Role.WALL) == LEAST
    assert Clearance(role=Role.VIEWER).at_most(Role.ADMIN) == Clearance(role=Role.VIEWER)


def test_on_a_wall_an_address_ends_before_the_flat() -> None:
    assert seen(Role.WALL, sensitive=False) == {
        "title": "报警人：王**称3幢争吵，电话138****5678",
        "address": "江锦路148号3幢",
        "lat": 30.2,
    }


def test_a_viewer_reads_the_address_and_no_name_or_number() -> None:
    assert seen(Role.VIEWER, sensitive=False) == {
        "title": "报警人：王**称3幢2单元1501室争吵，电话138****5678",
        "address": "江锦路148号3幢2单元1501室",
        "lat": 30.2,
    }


@pytest.mark.parametrize("role", [Role.WALL, Role.VIEWER])
def test_of_a_sensitive_kind_a_viewer_gets_no_words_and_no_place(role: Role) -> None:
    assert seen(role, sensitive=True) == {"title": None, "address": None, "lat": None}


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DUTY, Role.ADMIN])
def test_of_a_sensitive_kind_a_supervisor_gets_the_words_masked_and_the_street(role: Role) -> None:
    assert seen(role, sensitive=True) == {
        "title": "报警人：王**称3幢争吵，电话138****5678",
        "address": "江锦路",
        "lat": None,
    }


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("江锦路148号3幢2单元1501室", "江锦路148号3幢"),
        ("金色家园3-2-1501", "金色家园3"),
        ("采荷一区12幢401户", "采荷一区12幢"),
        ("148 Main St Apt 4B", "148 Main St"),
        ("148 Main St, Unit 12", "148 Main St"),
        ("2026-11-27 起火", "2026-11-27 起火"),
        ("凯旋路与昙花庵路口", "凯旋路与昙花庵路口"),
    ],
)
def test_an_address_without_its_flat(address: str, shown: str) -> None:
    assert without_flat(address) == shown


@pytest.mark.parametrize(
    ("address", "street"), [("江锦路148号", "江锦路"), ("148 Main St", None), (None, None)]
)
def test_a_street_is_an_address_up_to_its_number(address: str | None, street: str | None) -> None:
    assert street_of(address) == street


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("报警人：王小明", "报警人：王**"),
        ("报警人王小明称有人打架", "报警人王**称有人打架"),
        ("姓名=欧阳小明，电话", "姓名=欧阳**，电话"),
        ("当事人 李强 与 对方", "当事人 李** 与 对方"),
        ("居民李红反映噪音", "居民李**反映噪音"),
        ("陈志强先生来电", "陈**先生来电"),
        ("张女士来电", "张女士来电"),
        ('{"caller_name": "Zhang Wei", "x": 1}', '{"caller_name": "Z**", "x": 1}'),
        ('{"联系人": "王小明"}', '{"联系人": "王**"}'),
        ("居民高空抛物", "居民高空抛物"),
        ("群众方便出行", "群众方便出行"),
        ("老人走失", "老人走失"),
        ("报警人称路边车辆起火", "报警人称路边车辆起火"),
        ("当事人已离开", "当事人已离开"),
        ("Structure fire, name of building: Oak", "Structure fire, name of building: Oak"),
    ],
)
def test_a_name_that_says_it_is_one_is_cut_to_its_surname(text: str, shown: str) -> None:
    assert masked(text) == shown
