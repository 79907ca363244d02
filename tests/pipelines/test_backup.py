"""Backups and copies: everything arrives, between any two databases, or nothing does."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

from pipelines.errors import TransferError
from pipelines.figures.groups import Query
from pipelines.figures.totals import tallies
from pipelines.installation import Installation
from pipelines.store import schema
from pipelines.store.places import Place
from pipelines.store.store import Store
from pipelines.store.transfer import digests, transfer
from pipelines.upkeep.backup import Part, back_up, last_backup, read_note, restore
from pipelines.upkeep.binding import bind_all
from pipelines.upkeep.rebuilding import verify
from tests.builders import MUCH_LATER, NINE
from tests.pipelines.installations import (
    ELSEWHERE,
    IN_G1,
    IN_G3,
    a_bad_record,
    a_batch,
    a_call,
    a_record,
    an_installation,
)
from tests.stores import kept_in, place_in

PEOPLE = MetaData()
PERSON = Table("person", PEOPLE, Column("id", Integer, primary_key=True), Column("name", String))

QUESTION = Query(as_of=MUCH_LATER)


def filled(folder: Path) -> Installation:
    """A street with incidents of every sort, a record in quarantine and text of every sort."""
    street = an_installation(folder)
    source = street.sources[0]
    calls = [
        a_call("A-1", accepted=30, dispatched=100, arrived=280, resolved=900),
        a_call("A-2", arrived=301, place=IN_G3, title="烟感报警 '\" \\ \t é 🔥"),
        a_call("A-3", place=None, kind="noise"),
        a_call("A-4", place=ELSEWHERE, cancelled=700),
    ]
    records = [a_record(call, ordinal=i) for i, call in enumerate(calls)]
    batch = a_batch(*records, a_bad_record("?", ordinal=9), position="p9")
    street.door.accept(source, batch, now=NINE + timedelta(hours=1))
    with street.store.writing() as writer:
        bind_all(writer, street.desk)
    return street


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    street = filled(tmp_path / "street")
    yield street
    street.store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with kept_in(request.param):
        yield place_in(tmp_path / "elsewhere")


def held(store: Store) -> dict[str, object]:
    with store.reading() as reader:
        return {name: digest for name, digest in digests(reader).items() if name != "meta"}


def people(file: Path, *names: str) -> Part:
    part = Part(name="people", engine=create_engine(f"sqlite:///{file}"), tables=PEOPLE)
    PEOPLE.create_all(part.engine)
    if names:
        with part.engine.begin() as connection:
            connection.execute(insert(PERSON), [{"name": name} for name in names])
    return part


def test_a_copy_in_any_database_holds_the_same_and_gives_the_same_figures(
    street: Installation, elsewhere: Place
) -> None:
    with closing(Store(elsewhere)) as copy:
        with street.store.reading() as reader:
            transfer(reader, copy)
            ours = tallies(reader, QUESTION, street.desk)

        assert held(copy) == held(street.store)
        assert verify(copy, street.desk).wrong == 0
        with copy.reading() as reader:
            assert tallies(reader, QUESTION, street.desk) == ours


@pytest.mark.usefixtures("every_database")
def test_a_store_comes_back_from_its_backup_as_it_was(tmp_path: Path) -> None:
    street = filled(tmp_path / "was")
    file = tmp_path / "backups" / "b.grid135"
    made = back_up(street.store, file, now=MUCH_LATER)

    restore(file, place_in(tmp_path / "new"))

    with closing(Store(place_in(tmp_path / "new"))) as restored:
        assert held(restored) == held(street.store)
        assert read_note(file) == made
    with street.store.reading() as reader:
        told = last_backup(reader)
    assert told == {"at": MUCH_LATER.isoformat(), "file": str(file)}
    street.store.close()


def test_a_backup_holds_what_was_committed_when_it_began(
    street: Installation, tmp_path: Path
) -> None:
    source, before = street.sources[0], held(street.store)

    def meanwhile(table: str, done: int, of: int) -> None:
        late = a_record(a_call(f"L-{done}", place=IN_G1), ordinal=100 + done)
        street.door.accept(source, a_batch(late), now=MUCH_LATER)

    back_up(street.store, tmp_path / "b", now=MUCH_LATER, progress=meanwhile)
    restore(tmp_path / "b", tmp_path / "new.sqlite3")

    with closing(Store(tmp_path / "new.sqlite3")) as restored:
        assert held(restored) == before != held(street.store)


def test_what_is_kept_beside_the_store_goes_along(street: Installation, tmp_path: Path) -> None:
    ours, theirs = people(tmp_path / "a", "李", "王"), people(tmp_path / "b", "somebody else")
    back_up(street.store, tmp_path / "file", parts=[ours], now=MUCH_LATER)

    restore(tmp_path / "file", tmp_path / "new.sqlite3", parts=[theirs])

    with theirs.engine.connect() as connection:
        assert connection.execute(select(PERSON.c.name)).scalars().all() == ["李", "王"]


def test_a_target_that_is_in_use_is_left_alone(street: Installation, tmp_path: Path) -> None:
    back_up(street.store, tmp_path / "file", now=MUCH_LATER)
    other = filled(tmp_path / "other").store
    before = held(other)

    with pytest.raises(TransferError, match="is not empty"):
        restore(tmp_path / "file", tmp_path / "other" / "data" / "grid135.sqlite3")

    assert held(other) == before
    other.close()


def test_a_backup_is_never_written_over_another(street: Installation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")

    with pytest.raises(TransferError, match="is there already"):
        back_up(street.store, tmp_path / "file", now=MUCH_LATER)

    assert (tmp_path / "file").read_text() == "precious"


def test_a_backup_that_is_broken_off_leaves_no_file(street: Installation, tmp_path: Path) -> None:
    def stop(table: str, done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(street.store, tmp_path / "to" / "file", now=MUCH_LATER, progress=stop)

    assert list((tmp_path / "to").iterdir()) == []


def _change_a_row(file: Path) -> None:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(schema.incident.update().values(arrived_ms=1))
    engine.dispose()


def _lose_a_row(file: Path) -> None:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(schema.report.delete().where(schema.report.c.record_id == "A-1"))
    engine.dispose()


def _change_the_note(file: Path) -> None:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE backup_note SET text = replace(text, '2026', '2025')")
    engine.dispose()


def _cut_off(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 3])


def _write_something_else(file: Path) -> None:
    file.write_text("no backup")


def _take_away(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_change_a_row, "not as they were"),
        (_lose_a_row, "4 rows were to arrive, 3 did"),
        (_change_the_note, "was changed after it was written"),
        (_cut_off, "no backup, or not a whole one"),
        (_write_something_else, "no backup, or not a whole one"),
        (_take_away, "no such file"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_and_nothing_is_restored(
    street: Installation, tmp_path: Path, harm: Callable[[Path], None], said: str
) -> None:
    back_up(street.store, tmp_path / "file", now=MUCH_LATER)
    harm(tmp_path / "file")

    with pytest.raises(TransferError, match=said):
        restore(tmp_path / "file", tmp_path / "new.sqlite3")

    assert not (tmp_path / "new.sqlite3").exists()
