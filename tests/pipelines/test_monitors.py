"""Integrity monitors: planted patterns are found, clean data are left in peace."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from pipelines.figures.groups import Query
from pipelines.figures.monitoring import monitor, monitor_lines
from pipelines.figures.monitors import Finding, Group, Monitor, Seen, examined
from pipelines.installation import Installation
from pipelines.model.clock import Verdict
from pipelines.model.incident import incident_id
from pipelines.model.milestone import Milestone
from pipelines.model.stamp import Method
from tests.builders import at
from tests.pipelines.installations import IN_G1, IN_G3, a_call, altered, an_installation, taken_in

DAY = 86_400
Change = Callable[[int, Seen, Random], Seen | None]


def a_stamp(
    n: int, began: float, took: float, milestone: Milestone = Milestone.ARRIVED, **changes: object
) -> Seen:
    seen = Seen(
        incident=f"i{n}",
        source="110",
        grid=f"G{n % 4}",
        unit="",
        milestone=milestone,
        at=at(began + took),
        seconds=int(took),
        limit_s=300,
        precision_s=1,
        method=Method.TAP,
        recorded_at=at(began + took + 5),
        verdict=Verdict.HIT if took <= 300 else Verdict.MISS,
    )
    return seen._replace(**changes)


def clean(seed: int, n: int = 600, *, days: int = 30) -> list[Seen]:
    """A month of a busy street: any second of it, responses as they are spread in life."""
    draw, steps = Random(seed), Random(seed)
    stamps = []
    for i in range(n):
        began = draw.randrange(days * DAY)
        accepted = draw.gammavariate(4, 7)
        took = accepted + draw.gammavariate(7, 27)
        unit = f"E{i % 6}"
        stamps.append(a_stamp(i, began, accepted, Milestone.ACCEPTED))
        apart_m = steps.gammavariate(2, 25)
        stamps.append(a_stamp(i, began, took, apart_m=apart_m))
        stamps.append(a_stamp(i, began, took, unit=unit, apart_m=apart_m))
        if draw.random() < 0.35:
            stamps.append(a_stamp(i, began, draw.uniform(0, 900), Milestone.CANCELLED))
    return stamps


def found(stamps: list[Seen]) -> dict[Monitor, list[Finding]]:
    result: dict[Monitor, list[Finding]] = {}
    for finding in examined(stamps).found:
        result.setdefault(finding.monitor, []).append(finding)
    return result


def changed(change: Change, seed: int = 7) -> list[Seen]:
    draw = Random(seed)
    made = (change(i, seen, draw) for i, seen in enumerate(clean(seed)))
    return [seen for seen in made if seen is not None]


def test_clean_data_raise_no_alarm_at_the_level_that_is_stated() -> None:
    alarms = [seed for seed in range(120) if examined(clean(seed)).found]

    # 1 in 100 is the bound; 6 of 120 or more would come by chance once in a thousand times
    assert len(alarms) < 6


def test_clean_data_are_really_looked_at() -> None:
    looked_at = examined(clean(1)).looked_at

    assert set(looked_at) == set(Monitor)
    assert looked_at[Monitor.FULL_MINUTES] == 1 + 4 + 6


def test_nothing_is_found_in_nothing() -> None:
    assert examined([]).found == ()


def pulled_under(_: int, seen: Seen, draw: Random) -> Seen:
    if seen.milestone is Milestone.ARRIVED and seen.seconds and 300 < seen.seconds <= 330:
        return seen._replace(seconds=draw.randrange(290, 301))
    return seen


def test_arrivals_that_gather_just_under_the_target_are_found() -> None:
    finding = found(changed(pulled_under))[Monitor.JUST_UNDER][0]

    assert (finding.group, finding.key) == (Group.SOURCE, "110")
    assert finding.found > finding.expected + 10
    assert finding.ids


def test_a_steep_slope_at_the_target_is_no_alarm() -> None:
    draw = Random(3)
    stamps = [a_stamp(i, i * 400, draw.gammavariate(14, 17)) for i in range(3000)]
    under = [s for s in stamps if s.seconds and 285 < s.seconds <= 300]
    over = [s for s in stamps if s.seconds and 300 < s.seconds <= 315]

    assert len(under) > 1.2 * len(over)
    assert Monitor.JUST_UNDER not in found(stamps)


def test_stamps_on_full_minutes_are_found_and_honest_precision_is_not() -> None:
    def rounded(i: int, seen: Seen, _: Random) -> Seen:
        return seen._replace(at=seen.at.replace(second=0)) if i % 5 == 0 else seen

    def said_so(i: int, seen: Seen, draw: Random) -> Seen:
        return rounded(0, seen, draw)._replace(precision_s=60)

    assert Monitor.FULL_MINUTES in found(changed(rounded))
    assert Monitor.FULL_MINUTES not in found(changed(said_so))


def test_several_incidents_in_the_very_same_second_are_found() -> None:
    def entered(i: int, seen: Seen, _: Random) -> Seen:
        return seen._replace(at=at(17 * 3600)) if i < 40 and not seen.unit else seen

    (finding,) = found(changed(entered))[Monitor.IDENTICAL_STAMPS]

    assert finding.found >= 10
    assert finding.group is Group.SOURCE


def test_stamps_that_come_together_long_afterwards_are_found() -> None:
    def late(i: int, seen: Seen, _: Random) -> Seen:
        evening = at((i // 100 + 1) * 2 * DAY)
        return seen._replace(recorded_at=max(seen.at, evening) + timedelta(hours=1))

    def evening(i: int, seen: Seen, draw: Random) -> Seen:
        if i % 4:
            return seen
        due = seen.at.replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return seen._replace(recorded_at=due)

    assert Monitor.FILED_TOGETHER in found(changed(evening))
    assert Monitor.FILED_TOGETHER not in found(changed(late)), "an import is late as a whole"


def test_a_large_share_of_backfilled_stamps_is_found_for_the_unit_that_has_it() -> None:
    def filled(_: int, seen: Seen, __: Random) -> Seen:
        return seen._replace(method=Method.BACKFILLED) if seen.unit == "E2" else seen

    (finding,) = found(changed(filled))[Monitor.BACKFILLED]

    assert (finding.group, finding.key, finding.found) == (Group.UNIT, "E2", finding.n)


def test_cancellations_just_before_the_target_are_found() -> None:
    def hurried(_: int, seen: Seen, draw: Random) -> Seen:
        if seen.milestone is not Milestone.CANCELLED:
            return seen
        return seen._replace(seconds=draw.randrange(275, 301))

    assert Monitor.CANCELLED_NEAR in found(changed(hurried))


def test_a_grid_where_a_hundred_of_a_hundred_are_in_time_is_found() -> None:
    def all_in_time(_: int, seen: Seen, __: Random) -> Seen:
        return seen._replace(verdict=Verdict.HIT) if seen.grid == "G2" else seen

    (finding,) = [f for f in found(changed(all_in_time))[Monitor.PERFECT] if f.group == "grid"]

    assert (finding.key, finding.found, finding.n) == ("G2", 150, 150)
    assert finding.expected < 150


def test_where_nobody_is_late_a_perfect_grid_is_no_news() -> None:
    def all_in_time(_: int, seen: Seen, __: Random) -> Seen:
        return seen._replace(verdict=Verdict.HIT)

    assert Monitor.PERFECT not in found(changed(all_in_time))


def test_many_very_short_responses_are_found() -> None:
    def tapped_at_once(i: int, seen: Seen, draw: Random) -> Seen:
        return seen._replace(seconds=draw.randrange(0, 9)) if i % 6 == 0 else seen

    assert Monitor.VERY_SHORT in found(changed(tapped_at_once))


def test_a_duration_that_is_told_again_and_again_is_found() -> None:
    def the_same(i: int, seen: Seen, _: Random) -> Seen:
        return seen._replace(seconds=240) if i % 6 == 0 else seen

    finding = found(changed(the_same))[Monitor.REPEATED][0]

    assert finding.found > 10 * finding.expected / 2
    assert len(finding.ids) == 20


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


def test_the_stamps_come_from_the_store_with_their_units(street: Installation) -> None:
    draw = Random(5)
    calls = []
    for n in range(130):
        t0 = n * 3601 + draw.randrange(600)
        took = 240 if n % 2 else 100 + draw.randrange(380)
        one = {"reported": t0, "accepted": t0 + 11 + n % 40, "resolved": t0 + 3000}
        place = IN_G1 if n % 3 else IN_G3
        calls.append(
            a_call(f"A-{n}", record=f"a{n}", unit="E1", arrived=t0 + took, place=place, **one)
        )
        calls.append(
            a_call(
                f"A-{n}", record=f"b{n}", unit="E2", arrived=t0 + took + 97 + n, place=place, **one
            )
        )
    taken_in(street, *calls, a_call("N-1", kind="noise"), a_call("D-1", drill="yes", arrived=9))

    with street.store.reading() as reader:
        result = monitor(reader, Query(as_of=at(30 * DAY)), street.desk)
        lines = monitor_lines(reader, Query(as_of=at(30 * DAY)), street.desk)
        before = monitor(reader, Query(as_of=at(-1)), street.desk)

    repeated = [f for f in result.found if f.monitor is Monitor.REPEATED]
    assert {(f.group, f.key) for f in repeated} >= {(Group.SOURCE, "calls"), (Group.UNIT, "E1")}
    assert (Group.UNIT, "E2") not in {(f.group, f.key) for f in repeated}
    assert result.stamps == 130 * (1 + 1 + 4)
    assert [line["monitor"] for line in lines] == [str(f.monitor) for f in result.found]
    assert before.stamps == 0


def test_a_correction_takes_the_place_of_what_was_said_first(street: Installation) -> None:
    said = [
        a_call(f"A-{n}", reported=n * 3700, accepted=n * 3700 + 5, arrived=n * 3700 + 240)
        for n in range(40)
    ]
    taken_in(street, *said)
    mended = [
        a_call(f"A-{n}", reported=n * 3700, accepted=n * 3700 + 5, arrived=n * 3700 + 200 + 3 * n)
        for n in range(40)
    ]
    taken_in(street, *mended, now=at(40 * DAY))
    query = Query(as_of=at(50 * DAY))

    with street.store.reading() as reader:
        now = monitor(reader, query, street.desk)
        then = monitor(reader, replace(query, known_at=at(35 * DAY)), street.desk)

    assert Monitor.REPEATED in {f.monitor for f in then.found}
    assert Monitor.REPEATED not in {f.monitor for f in now.found}


def test_arrivals_that_are_entered_far_from_the_scene_are_found_for_the_unit_that_does_it() -> None:
    def tapped(_: int, seen: Seen, draw: Random) -> Seen:
        if seen.milestone is not Milestone.ARRIVED:
            return seen
        early = seen.unit == "E3" and draw.random() < 0.4
        return seen._replace(apart_m=draw.uniform(300, 900) if early else draw.uniform(0, 80))

    (finding,) = found(changed(tapped))[Monitor.FAR_TAP]

    assert (finding.group, finding.key, finding.n) == (Group.UNIT, "E3", 100)
    assert finding.found > 30
    assert finding.expected == 5


METRES_200 = 0.0017987
"""So many degrees of latitude are 200 m."""


def test_where_a_tap_was_is_compared_with_the_scene_and_with_nothing_less(tmp_path: Path) -> None:
    tap = '\ntap = { lat = "grid", lon = "title" }'
    street = altered(tmp_path, 'type = "table"', 'type = "table"' + tap)

    def call(n: int, lat: float | str, **said: object) -> dict[str, str]:
        t0 = n * 3700
        where = {"grid": str(lat), "title": str(IN_G1[1])}
        return a_call(f"A-{n}", reported=t0, arrived=t0 + 200 + n, unit="E1", **where, **said)

    near, far = IN_G1[0] + 0.99 * METRES_200, IN_G1[0] + 1.01 * METRES_200
    taken_in(
        street,
        *(call(n, near) for n in range(12)),
        *(call(n, far) for n in range(12, 30)),
        call(30, far, place=None),
        call(32, ""),
        call(33, IN_G1[1]),
    )

    with street.store.reading() as reader:
        result = monitor(reader, Query(as_of=at(30 * DAY)), street.desk)
        (kept,) = reader.statements([incident_id("calls", "A-12")]).values()

    taps = [f for f in result.found if f.monitor is Monitor.FAR_TAP]
    assert {(f.group, f.key, f.found, f.n) for f in taps} == {
        (Group.SOURCE, "calls", 18, 30),
        (Group.GRID, "G1", 18, 30),
        (Group.UNIT, "E1", 18, 30),
    }
    assert kept[0].facts[1].where == (far, IN_G1[1])
    street.store.close()
