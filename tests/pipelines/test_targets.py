"""Targets are data: by kind, severity and area, and for complaints in working time."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.figures.query import Query, kpi
from pipelines.model.milestone import Milestone
from tests.builders import MUCH_LATER
from tests.pipelines.installations import (
    IN_G1,
    IN_G3,
    a_call,
    an_installation,
    taken_in,
    the_settings,
)

CHINA = Path(__file__).parents[2] / "config" / "calendars" / "cn.toml"

SPECIAL = """
[[targets.special]]
kinds = ["fire"]
severities = [1]
arrived = "240s"

[[targets.special]]
areas = ["C2", "G1"]
dispatched = "120s"
"""

COMPLAINTS = """
[calendar]
file = "cn.toml"

[targets.kinds.noise]
resolved = "4wh"
"""


def test_the_last_target_that_fits_kind_severity_and_area_counts(tmp_path):
    street = an_installation(tmp_path, more=SPECIAL)
    rules = street.desk.rules

    def limit(kind: str, severity: int, grid: str, milestone: Milestone) -> object:
        return rules.limit(kind, milestone, severity=severity, grid=grid)

    assert limit("fire", 1, "G2", Milestone.ARRIVED) == timedelta(seconds=240)
    assert limit("fire", 2, "G2", Milestone.ARRIVED) == timedelta(seconds=300)
    assert limit("smoke", 1, "G2", Milestone.ARRIVED) == timedelta(seconds=180)
    assert limit("fire", 1, "G1", Milestone.DISPATCHED) == timedelta(seconds=120)
    assert limit("fire", 1, "G3", Milestone.DISPATCHED) == timedelta(seconds=120)  # G3 lies in C2
    assert limit("fire", 1, "G2", Milestone.DISPATCHED) == timedelta(seconds=180)
    street.store.close()


def test_an_area_has_its_own_target_in_the_figures(tmp_path):
    street = an_installation(
        tmp_path, more='[[targets.special]]\nareas = ["C2"]\narrived = "600s"\n'
    )
    taken_in(street, *(
        a_call(f"A-{n}", place=place, arrived=500, resolved=900)
        for n, place in enumerate((IN_G1, IN_G3))
    ))  # fmt: skip

    with street.store.reading() as reader:
        (line,) = kpi(reader, Query(as_of=MUCH_LATER), street.desk)

    assert (line["hit"], line["miss"]) == (1, 1)
    street.store.close()


def test_complaints_have_a_figure_of_their_own_in_working_time(tmp_path):
    shutil.copy(CHINA, tmp_path / "cn.toml")
    street = an_installation(tmp_path, more=COMPLAINTS)
    # four hours from Monday at nine, with the midday break: until half past two
    day = "2026-03-02T"
    taken_in(
        street,
        a_call("N-1", kind="noise", resolved=f"{day}14:30:00+08:00"),
        a_call("N-2", kind="noise", resolved=f"{day}14:30:01+08:00"),
        a_call("A-1", kind="fire", arrived=200, resolved=900),
    )

    with street.store.reading() as reader:
        handled = Query(as_of=MUCH_LATER, milestone=Milestone.RESOLVED)
        (line,) = kpi(reader, handled, street.desk)
        (loop,) = kpi(reader, Query(as_of=MUCH_LATER), street.desk)

    assert (line["hit"], line["miss"], line["excluded"]) == (1, 1, {"no_target": 1})
    assert (loop["hit"], loop["eligible"], loop["excluded"]) == (1, 1, {"not_emergency": 2})
    street.store.close()


def test_a_year_that_nobody_announced_is_named_and_its_cases_are_unknown(tmp_path):
    (tmp_path / "cn.toml").write_text('[2025]\noff = ["01-01"]\nworked = []\n')
    street = an_installation(tmp_path, more=COMPLAINTS)
    taken_in(street, a_call("N-1", kind="noise", resolved=600))

    with street.store.reading() as reader:
        handled = Query(as_of=MUCH_LATER, milestone=Milestone.RESOLVED)
        (line,) = kpi(reader, handled, street.desk)

    assert street.desk.rules.years_missing(2026) == (2026, 2027)
    assert (line["unknown"], line["known"]) == (1, None)
    street.store.close()


def test_clocks_that_disagree_leave_what_they_could_turn_in_doubt(tmp_path):
    street = an_installation(tmp_path, more='[targets.clock_doubt]\ncalls = "20s"\n')
    taken_in(street, *(
        a_call(f"A-{seconds}", arrived=seconds, resolved=900) for seconds in (280, 281, 320, 321)
    ))  # fmt: skip

    with street.store.reading() as reader:
        (line,) = kpi(reader, Query(as_of=MUCH_LATER), street.desk)

    assert (line["hit"], line["miss"], line["indeterminate"]) == (2, 2, 2)
    street.store.close()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            '[targets.kinds.noise]\nresolved = "soon"\n',
            "must be a duration such as .* or working time",
        ),
        ('[targets.kinds.noise]\nresolved = "1.5wd"\n', "working days must be whole"),
        ('[targets.kinds.noise]\narrived = "4wh"\n', 'must be a duration such as "90s"'),
        ('[[targets.special]]\nkinds = ["flood"]\n', "there is no such kind"),
        ('[calendar]\nhours = ["9 to 5"]\n', "must be two times of day"),
    ],
)
def test_a_target_that_cannot_be_is_named(tmp_path, more, message):
    with pytest.raises(SettingsError, match=message):
        the_settings(tmp_path, more=more)
