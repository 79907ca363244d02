"""A frozen month stays as it was published; what comes later shows as a revision."""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.clock import ManualClock
from pipelines.door.gateway import Gateway
from pipelines.errors import QueryError
from pipelines.feeds.health import Health
from pipelines.figures.freezing import (
    Frozen,
    Revision,
    all_frozen,
    as_object,
    bounds,
    definition_version,
    due,
    freeze,
    read_frozen,
    revision,
)
from pipelines.figures.query import kpi, parse
from pipelines.installation import Installation
from pipelines.leases.lease import UPKEEP, LeaseLostError, Leases
from pipelines.roles.duty import Duty
from pipelines.store import schema
from pipelines.upkeep.freezer import Freezer
from pipelines.upkeep.rebuilding import rebuild
from tests.builders import at
from tests.pipelines.installations import IN_G1, IN_G3, a_call, an_installation, taken_in

MARCH, APRIL = "2026-03", "2026-04"
DAY = 86_400
CLOSED = datetime(2026, 4, 7, 16, tzinfo=UTC)
"""Midnight in Shanghai, seven days after the end of March."""
CALLS = (
    a_call("A-1", accepted=30, dispatched=90, arrived=250, resolved=900),
    a_call("A-2", place=IN_G3, accepted=30, dispatched=90, arrived=350, resolved=900),
    a_call("A-3", place=None, accepted=30, resolved=900),
    a_call("A-4", kind="noise"),
)
IN_APRIL = a_call("B-1", reported=31 * DAY, arrived=31 * DAY + 100, resolved=32 * DAY)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    taken_in(installation, *CALLS, now=at(5 * DAY))
    taken_in(installation, IN_APRIL, now=at(36 * DAY))
    yield installation
    installation.store.close()


def now_revised(street: Installation, frozen: Frozen, now: datetime = CLOSED) -> Revision:
    with street.store.reading() as reader:
        return revision(reader, street, frozen, now=now)


def kept(street: Installation) -> list[Frozen]:
    with street.store.reading() as reader:
        return all_frozen(reader)


def test_what_is_frozen_is_what_the_figures_say(street: Installation) -> None:
    frozen = freeze(street, MARCH, now=CLOSED)

    asked = {"from": "2026-03-01", "to": "2026-04-01"}
    for by in ("street", "community", "grid"):
        for milestone in ("accepted", "dispatched", "arrived"):
            for reading in ("cumulative", "staged"):
                parameters = {**asked, "by": by, "milestone": milestone, "reading": reading}
                query = parse(parameters, now=CLOSED, zone=street.desk.zone)
                with street.store.reading() as reader:
                    lines = {line.pop("key"): line for line in kpi(reader, query, street.desk)}
                held = frozen.content["figures"][by]
                assert held.keys() == lines.keys()
                for key, line in lines.items():
                    line["wilson"] = list(line["wilson"]) if line["wilson"] else None
                    assert held[key][f"{milestone}/{reading}"] == line
    assert len(frozen.content["cases"]) == 4
    assert frozen.is_whole


def test_a_month_that_is_not_closed_cannot_be_frozen(street: Installation) -> None:
    with pytest.raises(QueryError, match="can be frozen from 2026-04-08T00:00:00"):
        freeze(street, MARCH, now=CLOSED - timedelta(seconds=1))
    assert kept(street) == []


def test_a_month_is_frozen_once(street: Installation) -> None:
    first = freeze(street, MARCH, now=CLOSED)

    with pytest.raises(QueryError, match="was frozen at 2026-04-07T16:00:00"):
        freeze(street, MARCH, now=CLOSED + timedelta(days=1))
    assert kept(street) == [first]


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "March", "", "0000-01"])
def test_what_is_no_month_is_refused(street: Installation, month: str) -> None:
    with pytest.raises(QueryError, match="must be a month such as '2026-10'"):
        freeze(street, month, now=CLOSED)


def test_a_month_is_local_and_december_is_followed_by_january(street: Installation) -> None:
    begin, end = bounds(street, "2026-12")

    assert begin == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert end == datetime(2026, 12, 31, 16, tzinfo=UTC)


def test_nothing_new_is_no_revision(street: Installation) -> None:
    frozen = freeze(street, MARCH, now=CLOSED)
    taken_in(street, a_call("C-1", reported=40 * DAY, arrived=40 * DAY + 9), now=at(41 * DAY))

    found = now_revised(street, frozen, CLOSED + timedelta(days=60))

    assert found == Revision(month=MARCH, definition=False, grids=False, incidents=(), figures=())


def test_a_correction_shows_as_a_revision_and_the_frozen_month_stays(street: Installation) -> None:
    frozen = freeze(street, MARCH, now=CLOSED)
    mended = a_call("A-2", place=IN_G3, accepted=30, dispatched=90, arrived=299, resolved=900)
    taken_in(street, mended, now=CLOSED + timedelta(days=2))

    found = now_revised(street, frozen, CLOSED + timedelta(days=3))

    (incident,) = found.incidents
    assert incident["was"]["arrived/cumulative"] == "miss"
    assert incident["now"]["arrived/cumulative"] == "hit"
    clocks = {(f["by"], f["key"], f["clock"]) for f in found.figures}
    assert ("street", "street", "arrived/cumulative") in clocks
    assert ("grid", "G3", "arrived/cumulative") in clocks
    assert ("grid", "G1", "arrived/cumulative") not in clocks
    assert kept(street) == [frozen]


def test_an_incident_that_is_learnt_of_too_late_shows_as_one_that_was_not_there(
    street: Installation,
) -> None:
    frozen = freeze(street, MARCH, now=CLOSED)
    taken_in(street, a_call("A-9", place=IN_G1, arrived=60), now=CLOSED + timedelta(days=1))

    (incident,) = now_revised(street, frozen, CLOSED + timedelta(days=2)).incidents

    assert incident["was"] is None
    assert incident["now"]["grid"] == "G1"


def test_another_definition_is_told_apart_from_another_fact(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(street, *CALLS, now=at(36 * DAY))
    frozen = freeze(street, MARCH, now=CLOSED)
    street.store.close()

    stricter = an_installation(tmp_path, more='[targets]\narrived = "200s"\n')
    found = now_revised(stricter, frozen)

    assert found.definition
    assert not found.grids
    assert definition_version(stricter) != frozen.content["definition"]
    changed = [(i["was"], i["now"]) for i in found.incidents]
    assert ("hit", "miss") in {
        (was["arrived/cumulative"], now["arrived/cumulative"]) for was, now in changed
    }


@pytest.mark.parametrize("change", ["figure", "bytes", "month"])
def test_whoever_touches_a_frozen_month_is_found_out(street: Installation, change: str) -> None:
    freeze(street, MARCH, now=CLOSED)
    with street.store.writing() as writer:
        month, moment, seal, content = next(writer.stream(schema.frozen))
        text = zlib.decompress(content).decode()
        if change == "figure":
            content = zlib.compress(text.replace('"hit":1', '"hit":9').encode())
        elif change == "bytes":
            content = content[:-9]
        else:
            month = APRIL
        writer.put(schema.frozen, [(month, moment, seal, content)])

    with street.store.reading() as reader:
        found = read_frozen(reader, month)

    assert found is not None
    assert not found.is_whole
    assert as_object(found)["whole"] is False


def test_making_the_figures_anew_leaves_what_is_frozen(street: Installation) -> None:
    frozen = freeze(street, MARCH, now=CLOSED)

    rebuild(street.store, street.desk)

    assert kept(street) == [frozen]


def months_due(street: Installation, now: datetime) -> list[str]:
    with street.store.reading() as reader:
        return due(reader, street, now=now)


def test_a_month_is_due_seven_days_after_its_end(street: Installation) -> None:
    assert months_due(street, CLOSED - timedelta(seconds=1)) == []
    assert months_due(street, CLOSED) == [MARCH]


def test_after_a_long_absence_every_month_since_the_last_is_due(street: Installation) -> None:
    freeze(street, MARCH, now=CLOSED)

    assert months_due(street, CLOSED) == []
    assert months_due(street, CLOSED + timedelta(days=62)) == [APRIL, "2026-05"]


def test_after_years_without_freezing_it_begins_with_the_last_month(street: Installation) -> None:
    assert months_due(street, CLOSED + timedelta(days=400)) == ["2027-04"]


def test_history_that_is_read_in_later_is_not_frozen_by_itself(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(street, *CALLS, now=CLOSED - timedelta(days=6))

    assert months_due(street, CLOSED) == []
    assert freeze(street, MARCH, now=CLOSED).is_whole
    assert months_due(street, CLOSED + timedelta(days=31)) == [APRIL]
    street.store.close()


def test_the_freezer_freezes_what_is_due_while_it_holds_the_lease(street: Installation) -> None:
    leases = Leases(street.store)
    freezer = Freezer(street, lambda w: leases.guard(w, [UPKEEP]), ManualClock(CLOSED))

    with pytest.raises(LeaseLostError):
        freezer.look()
    assert kept(street) == []

    assert leases.acquire(UPKEEP)
    assert freezer.look() == [MARCH]
    assert freezer.look() == []
    assert [frozen.month for frozen in kept(street)] == [MARCH]


@pytest.mark.parametrize("automatic", ["true", "false"])
def test_freezing_by_itself_can_be_turned_off(tmp_path: Path, automatic: str) -> None:
    street = an_installation(tmp_path, more=f"[freezing]\nautomatic = {automatic}\n")
    clock = ManualClock(CLOSED)
    duty = Duty(street, Gateway(street.door, clock), Health(), clock)

    duty.start()
    freezes = duty.freezes
    duty.stop()

    assert freezes is (automatic == "true")
    street.store.close()


def test_as_an_object_it_has_the_figures_and_what_changed(street: Installation) -> None:
    frozen = freeze(street, MARCH, now=CLOSED)

    head, whole = as_object(frozen), as_object(frozen, now_revised(street, frozen))

    assert (head["month"], head["incidents"], head["whole"]) == (MARCH, 4, True)
    assert "figures" not in head
    assert whole["revision"] == {
        "definition": False,
        "grids": False,
        "incidents": [],
        "figures": [],
    }
    assert whole["query"]["known_at"] == CLOSED.isoformat()
