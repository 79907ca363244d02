"""Communities beside each other: the same figures as everywhere, and how long ago one was late."""

from datetime import timedelta
from pathlib import Path

from pipelines.figures.query import kpi, parse
from pipelines.snapshot import Standing
from pipelines.wall.overview import Memory
from tests.builders import at
from tests.pipelines.installations import IN_G1, IN_G2, IN_G3, a_call, an_installation, taken_in
from tests.pipelines.wall.reading import the_snapshot

DAY = 86_400


def board(street, seconds, **how):  # type: ignore[no-untyped-def]
    found = the_snapshot(street, at(seconds), **how).communities
    assert found is not None
    return {state.code: state for state in found.communities}, found


def test_a_community_counts_what_the_figures_count(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(
        street,
        a_call("1", reported=0, arrived=200, resolved=900),
        a_call("2", reported=0, arrived=400, resolved=900, place=IN_G2),
        a_call("3", reported=0, arrived=100, resolved=900, place=IN_G3),
        a_call("4", reported=0, arrived=100, resolved=900, drill="yes"),
        a_call("5", kind="noise", reported=0),
        a_call("6", reported=3000),
    )

    states, whole = board(street, 3100)
    query = parse({"by": "community"}, now=at(3100), zone=street.desk.zone)
    with street.store.reading() as reader:
        rows = {
            row["key"]: (row["hit"], row["hit"] + row["miss"])
            for row in kpi(reader, query, street.desk)
        }

    assert {code: (s.hit, s.known) for code, s in states.items()} == rows
    assert {code: s.open for code, s in states.items()} == {"C1": 2, "C2": 0}
    assert whole.rate == 2 / 3


def test_days_since_the_last_late_arrival_are_counted_by_the_local_calendar(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(
        street,
        a_call("late", reported=0, arrived=400, resolved=900),
        a_call("never", reported=2 * DAY, resolved=2 * DAY + 60, cancelled=None, place=IN_G3),
        a_call("in time", reported=2 * DAY, arrived=2 * DAY + 60, resolved=2 * DAY + 90),
    )

    # nine in the morning plus 14.9 hours is still the same day in Shanghai
    assert board(street, 14.9 * 3600)[0]["C1"].quiet_days == 0
    assert board(street, 15.1 * 3600)[0]["C1"].quiet_days == 1
    assert board(street, 3 * DAY)[0]["C1"].quiet_days == 3
    assert board(street, 3 * DAY)[0]["C2"].quiet_days is None


def test_a_late_arrival_before_the_window_is_forgotten(tmp_path: Path) -> None:
    street = an_installation(tmp_path, more="[wall]\ncommunity_days = 2\n")
    taken_in(street, a_call("late", reported=0, arrived=400, resolved=900))

    assert board(street, DAY)[0]["C1"].quiet_days == 1
    assert board(street, 2 * DAY)[0]["C1"].quiet_days is None
    assert board(street, 2 * DAY)[0]["C1"].known == 0


def test_only_what_chance_does_not_explain_is_marked(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    calls = [
        a_call(f"g{i}", reported=i, arrived=i + 100, resolved=900, place=IN_G1) for i in range(60)
    ]
    calls += [
        a_call(f"b{i}", reported=i, arrived=i + 100 + 300 * (i % 2), resolved=900, place=IN_G3)
        for i in range(20)
    ]
    taken_in(street, *calls)

    states, whole = board(street, 3600)

    assert states["C1"].standing in (Standing.USUAL, Standing.ABOVE)
    assert states["C2"].standing is Standing.FAR_BELOW
    assert whole.limits[0].known == 10
    assert whole.limits[-1].known >= 60


def test_the_rates_are_kept_for_a_minute_and_the_open_ones_are_not(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    memory = Memory(street)
    taken_in(street, a_call("1", reported=0, arrived=100))
    first = board(street, 200, memory=memory)[1]
    taken_in(street, a_call("2", reported=210, arrived=220))

    soon, kept = board(street, 230, memory=memory)
    later, counted = board(street, 200 + 60, memory=memory)

    assert kept.as_of == first.as_of
    assert (soon["C1"].known, soon["C1"].open) == (1, 2)
    assert counted.as_of == at(260)
    assert later["C1"].known == 2
    assert counted.as_of - first.as_of == timedelta(seconds=60)


def test_without_grids_there_are_no_communities(tmp_path: Path) -> None:
    street = an_installation(tmp_path, grids="")

    assert the_snapshot(street, at(0)).communities is None
