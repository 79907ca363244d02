"""Whether what comes in can be stored: said when it cannot, and taken back when it can."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from pipelines.connectors.record import Batch
from pipelines.door import storing
from pipelines.door.storing import Reason, try_again
from pipelines.installation import Installation
from pipelines.roles.live import Live, Role
from pipelines.store.backends import sqlite
from tests.builders import at
from tests.pipelines.installations import a_call, a_record, an_installation
from tests.processes import until


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setattr(sqlite, "BUSY", timedelta(milliseconds=50))
    return an_installation(tmp_path)


@pytest.fixture
def held(street: Installation, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another program holds the file, and a record could not be stored for that."""
    file = tmp_path / "data" / "grid135.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        batch = Batch(records=(a_record(a_call("A-1", arrived=250)),), part="calls", position="1")
        with pytest.raises(OperationalError, match="locked"):
            street.door.accept(street.sources[0], batch, now=at(60))
        yield other


def test_where_no_record_comes_any_more_it_is_found_out_that_the_store_is_back(
    street: Installation, held: sqlite3.Connection
) -> None:
    found = street.door.storing

    try_again(street.store, found, now=at(90))
    assert found.unstored is not None
    assert (found.unstored.since, found.unstored.reason) == (at(60), Reason.LOCKED)

    held.execute("ROLLBACK")
    try_again(street.store, found, now=at(120))
    assert found.unstored is None
    street.store.close()


def test_a_process_that_only_serves_finds_it_out_by_itself(
    street: Installation, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "TRY_AGAIN_S", 0.01)
    live = Live(street, role=Role.SERVE)
    live.start()
    assert live.unstored_since() == at(60)

    held.execute("ROLLBACK")

    assert until(lambda: live.unstored_since() is None)
    live.stop()


def test_while_all_is_well_nothing_is_tried(street: Installation) -> None:
    version = street.store.version()

    try_again(street.store, street.door.storing, now=at(60))

    with street.store.reading() as reader:
        assert reader.meta("storing:tried") is None
    assert street.store.version() == version
    street.store.close()
