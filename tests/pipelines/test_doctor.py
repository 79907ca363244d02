"""The doctor tells what is wrong in words, and one broken part does not hide the others."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.upkeep.backup import back_up
from pipelines.upkeep.doctor import Check, Finding, Level, Patient, examine
from tests.builders import NINE
from tests.pipelines.installations import (
    a_bad_record,
    a_batch,
    a_call,
    a_record,
    an_installation,
    the_settings,
)

LATER = NINE + timedelta(hours=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A street that has taken in one call and one bad record, and was backed up."""
    street = an_installation(tmp_path)
    with closing(street.store):
        batch = a_batch(a_record(a_call("A-1", arrived=280)), a_bad_record("?", ordinal=2))
        street.door.accept(street.sources[0], batch, now=NINE + timedelta(minutes=20))
        back_up(street.store, tmp_path / "b", now=LATER)
    return the_settings(tmp_path)


def findings(settings: Settings, *more: tuple[str, Check]) -> dict[str, Finding]:
    found = examine(Patient(settings=settings, now=LATER), more)
    return {f"{finding.about} {finding.level}": finding for finding in found}


def test_a_street_in_order_has_nothing_wrong(settings: Settings) -> None:
    found = findings(settings)

    assert [f.sentence for f in found.values() if f.level is Level.WRONG] == []
    assert {"configuration well", "store well", "backup well", "packages well"} <= found.keys()


def test_every_doubt_comes_with_a_way_out(settings: Settings) -> None:
    doubts = [f for f in findings(settings).values() if f.level is Level.DOUBTFUL]

    assert any("1 records in quarantine" in doubt.sentence for doubt in doubts)
    assert all(doubt.way_out for doubt in doubts)


def test_a_backup_that_is_old_is_told(settings: Settings) -> None:
    found = examine(Patient(settings=settings, now=LATER + timedelta(days=8)))

    assert any(f.about == "backup" and f.level is Level.DOUBTFUL for f in found)


def test_a_clock_that_runs_behind_its_own_records_is_wrong(settings: Settings) -> None:
    found = examine(Patient(settings=settings, now=NINE))

    assert [f.about for f in found if f.level is Level.WRONG] == ["clock"]


def test_a_store_that_cannot_be_read_does_not_hide_the_rest(settings: Settings) -> None:
    (settings.data / "grid135.sqlite3").write_bytes(b"no database at all" * 500)

    found = findings(settings)

    assert "not a database" in found["store wrong"].sentence
    assert "retention doubtful" in found


def test_a_check_that_breaks_is_a_finding(settings: Settings) -> None:
    def breaks(_: Patient) -> Iterator[Finding]:
        raise RuntimeError("like this")

    assert "like this" in findings(settings, ("mine", breaks))["mine wrong"].sentence
