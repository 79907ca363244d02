"""Complaints by their targets: in time, soon due, overdue, and what came and went today."""

from pathlib import Path

from pipelines.snapshot import Due
from tests.builders import NINE, at
from tests.pipelines.installations import IN_G1, IN_G3, a_call, a_file, an_installation, taken_in
from tests.pipelines.wall.reading import the_snapshot

HOUR = 3600
TARGET = '[targets.kinds.noise]\nresolved = "4h"\n'
WORKING = (
    '[targets.kinds.noise]\nresolved = "4wh"\n'
    '[calendar]\nfile = "calendar.toml"\nhours = ["09:00-12:00", "13:00-17:00"]\n'
)


def test_each_complaint_stands_where_its_target_puts_it(tmp_path: Path) -> None:
    street = an_installation(tmp_path, more=TARGET)
    taken_in(
        street,
        a_call("late", kind="noise", reported=0),
        a_call("soon", kind="noise", reported=2 * HOUR, place=IN_G3),
        a_call("new", kind="noise", reported=4 * HOUR),
        a_call("fire", kind="fire", reported=4 * HOUR),
        a_call("drill", kind="noise", reported=0, drill="yes"),
    )

    board = the_snapshot(street, at(5 * HOUR)).complaints

    assert board is not None
    assert board.by_due == {Due.OVERDUE: 1, Due.SOON: 1, Due.IN_TIME: 1}
    assert board.open == 3
    assert [row.key for row in board.rows] == ["late", "soon", "new"]
    assert board.by_community == {"C1": {Due.OVERDUE: 1, Due.IN_TIME: 1}, "C2": {Due.SOON: 1}}


def test_a_target_in_working_time_waits_for_the_next_working_day(tmp_path: Path) -> None:
    a_file(tmp_path / "calendar.toml", "[2026]\noff = []\nworked = []\n")
    street = an_installation(tmp_path, more=WORKING)
    taken_in(street, a_call("monday", kind="noise", reported=6 * HOUR))  # at 15:00, two hours left

    evening = the_snapshot(street, at(10 * HOUR)).complaints
    next_noon = the_snapshot(street, at(27 * HOUR)).complaints

    assert evening is not None
    assert next_noon is not None
    (row,) = evening.rows
    assert row.handling is not None
    assert row.handling.deadline == at(26 * HOUR)
    assert evening.by_due.get(Due.OVERDUE, 0) == 0
    assert next_noon.by_due == {Due.OVERDUE: 1}


def test_what_came_and_went_since_midnight_is_counted(tmp_path: Path) -> None:
    street = an_installation(tmp_path, more=TARGET)
    taken_in(
        street,
        a_call("yesterday", kind="noise", reported=-20 * HOUR, resolved=HOUR),
        a_call("today", kind="noise", reported=0, resolved=HOUR),
        a_call("open", kind="noise", reported=60),
        a_call("fire", kind="fire", reported=0, resolved=HOUR),
        a_call("later", kind="noise", reported=9 * HOUR),
    )

    board = the_snapshot(street, at(2 * HOUR)).complaints

    assert board is not None
    assert (board.came_today, board.closed_today, board.open) == (2, 2, 1)


def test_without_a_target_only_the_number_is_said(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(street, a_call("one", kind="noise"))

    board = the_snapshot(street, at(60)).complaints

    assert board is not None
    assert (board.has_targets, board.open, board.by_due) == (False, 1, {Due.NO_TARGET: 1})
    assert board.rows == ()


def test_complaints_follow_the_emergencies_by_when_they_are_due(tmp_path: Path) -> None:
    street = an_installation(tmp_path, more=TARGET)
    taken_in(
        street,
        a_call("first", kind="noise", reported=-HOUR),
        a_call("fire", kind="fire", reported=0, place=IN_G1),
        a_call("second", kind="noise", reported=-60),
    )

    shown = the_snapshot(street, NINE).open

    assert [incident.key for incident in shown] == ["fire", "first", "second"]


def test_the_board_can_say_when_it_changes(tmp_path: Path) -> None:
    street = an_installation(tmp_path, more="[wall.scenes]\nrotate = false\n" + TARGET)
    taken_in(street, a_call("one", kind="noise", reported=0))

    snapshot = the_snapshot(street, at(4 * HOUR - 1))

    assert snapshot.next_change_at == at(4 * HOUR)
