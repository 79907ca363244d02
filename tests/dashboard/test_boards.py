"""What the boards beside the figures say."""

from dataclasses import replace

import pytest

from pipelines.model.device import Condition
from pipelines.snapshot import Due, Standing
from tests.dashboard.builders import (
    NOW,
    a_community_board,
    a_complaint_board,
    a_critical,
    a_dated_complaint,
    a_device_board,
    a_snapshot,
    an_incident,
)
from tests.dashboard.test_panels import classes, drawn, panel, words


def test_a_device_in_alarm_is_named_with_its_place():
    text = words(drawn(panel("devices"), a_snapshot(devices=a_device_board(1))))

    assert "怡和花园5层感烟" in text
    assert "新塘路 327 号怡和花园 5 层" in text


def test_a_condition_that_nobody_has_is_said_only_if_it_always_is():
    board = a_device_board(0, holding={Condition.TAMPER: 2})
    text = words(drawn(panel("devices"), a_snapshot(devices=board))["devices-counts"])

    assert "火警" in text
    assert text[text.index("拆卸") - 1] == "2"
    assert "离线" not in text


def test_alarms_beyond_the_rows_are_counted():
    board = a_device_board(12, holding={Condition.ALARM: 40})
    leaves = drawn(panel("devices"), a_snapshot(devices=board))
    (more,) = leaves["devices-more"]["children"]

    assert len(leaves["devices-alarms"]["children"]) == 12
    assert more["props"]["data-total"] == "40"


def test_the_parts_of_the_bar_are_as_wide_as_their_share():
    leaves = drawn(panel("complaints"), a_snapshot())
    (stack, _) = leaves["complaints-bar"]["children"]
    parts = [part["props"] for part in stack["props"]["children"]]

    assert [(p["className"], p["style"]["flexGrow"]) for p in parts] == [
        ("due--overdue", 3),
        ("due--soon", 2),
        ("due--in_time", 18),
    ]


def test_complaints_without_targets_are_not_called_in_time():
    board = a_complaint_board(has_targets=False, by_due={Due.NO_TARGET: 23}, rows=())
    text = words(drawn(panel("complaints"), a_snapshot(complaints=board))["complaints-bar"])

    assert text == ["尚未配置办理时限"]


def test_a_complaint_row_carries_the_clock_of_its_handling():
    late = a_dated_complaint(3, left_h=-1)
    leaves = drawn(panel("open"), a_snapshot(open=(late,)))
    (row,) = leaves["open-rows"]["children"]

    assert "is-missed" in row["props"]["className"]
    deadline = round((late.handling.deadline).timestamp() * 1000)
    assert row["props"]["data-deadline"] == str(deadline)


def test_communities_stand_in_the_order_of_their_codes_with_no_percentage():
    leaves = drawn(panel("communities"), a_snapshot())
    names = [cell["props"]["children"][0] for cell in leaves["communities-cells"]["children"]]

    assert words(names)[:3] == ["三叉", "五福", "三堡"]
    assert not [w for w in words(leaves["communities-cells"]) if "%" in w]


@pytest.mark.parametrize(
    ("known", "quiet", "said"),
    [(0, None, ["—", "近期无突发"]), (9, None, ["30+", "天无超时"]), (9, 0, ["0", "天无超时"])],
)
def test_a_community_says_how_long_it_has_been_quiet(known, quiet, said):
    board = a_community_board()
    first = replace(board.communities[0], known=known, hit=known, quiet_days=quiet)
    board = replace(board, communities=(first, *board.communities[1:]))
    cell = drawn(panel("communities"), a_snapshot(communities=board))["communities-cells"][
        "children"
    ][0]

    assert words(cell)[1:3] == said


def test_only_a_community_outside_the_limits_is_named_in_the_funnel():
    leaves = drawn(panel("communities"), a_snapshot())

    assert [w for w in words(leaves["communities-funnel"]) if w == "江锦"] == ["江锦"]
    assert "三叉" not in words(leaves["communities-funnel"])
    assert f"funnel__dot--{Standing.FAR_BELOW}" in classes(leaves["communities-funnel"])


def test_a_funnel_of_too_few_cases_is_not_drawn():
    board = a_community_board(limits=())
    text = words(drawn(panel("communities"), a_snapshot(communities=board))["communities-funnel"])

    assert text == ["突发太少，尚不能比较"]


def test_the_card_says_what_where_and_who_is_near():
    leaves = drawn(panel("stage"), a_snapshot(critical=(a_critical(),)))
    text = words(leaves["stage-card"])

    assert {"烟感火警", "Ⅰ级", "新塘路 327 号怡和花园 5 层", "180 米"} <= set(text)


def test_a_drill_and_what_has_taken_over_look_their_own_way_on_the_map():
    drill, fire = an_incident(3, is_drill=True), an_incident(4)
    critical = a_critical(incident=fire)
    leaves = drawn(panel("map"), a_snapshot(open=(fire, drill), critical=(critical,)))
    marks = [m["props"]["className"].split()[2:] for m in leaves["map-marks"]["children"]]

    assert marks == [["mark--drill"], ["mark--critical"]]


def test_an_incident_without_a_severity_has_no_level():
    leaves = drawn(panel("open"), a_snapshot(open=(an_incident(severity=None),)))

    assert not [c for c in classes(leaves["open-rows"]) if c.startswith("tag--level")]


def test_the_usual_range_is_drawn_and_only_what_leaves_it_is_marked():
    intake = a_snapshot().intake
    plain = drawn(panel("intake"), a_snapshot())["intake-bars"]
    banded = replace(intake, counts=(5, 1, *([0] * 70)), usual=((0.0, 3.0),) * 72)
    shown = drawn(panel("intake"), a_snapshot(intake=banded))["intake-bars"]

    assert "intake__usual" not in classes(plain)
    assert classes(shown).count("intake__usual") == 1
    assert classes(shown).count("column--unusual") == 1


def test_the_shift_stands_beside_the_date():
    assert "白班" in words(drawn(panel("header"), a_snapshot())["header-clock"])


def test_the_community_in_turn_shows_its_own_incidents():
    board = a_complaint_board()
    stage = replace(a_snapshot().stage, scene="community", community="c05", rotates=False)
    mine = an_incident(3, community="c05", address="本社区")
    other = an_incident(4, community="c06", address="别处")
    leaves = drawn(
        panel("focus"), a_snapshot(stage=stage, open=(mine, other), complaints=board, now=NOW)
    )

    text = " ".join(words(leaves["focus-rows"]))
    assert "本社区" in text
    assert "别处" not in text
    assert words(leaves["focus-heading"])[0] == "城星"
