"""Backing a store up into one file while it is in use, and restoring it, each proven.

A backup is an embedded store of its own, made from one consistent view, whatever database the
store is kept in: it can be looked at with every command, restored into either database, and read
by a later program, which brings it up to date. Beside the store's tables it holds those of other
``parts`` (the accounts), and a note of what every table held, sealed with digests.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, insert, select

from pipelines.errors import TransferError
from pipelines.store import places
from pipelines.store.migrating import head
from pipelines.store.places import Place
from pipelines.store.store import Reader, Store
from pipelines.store.transfer import CHUNK, Digest, Progress, Seal, compare, digests, transfer

LAST_BACKUP = "last_backup"
"""The note, in the store itself, of when it was last backed up and to where."""

_NOTE = "backup.json"


def _quietly(table: str, done: int, of: int) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Tables that are kept beside the store and belong to a backup: a name, where, and which."""

    name: str
    engine: Engine
    tables: MetaData


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """A backup as its note describes it; ``held`` says what each table holds, by its name."""

    made_at: datetime
    form: str
    held: Mapping[str, Digest]

    @property
    def rows(self) -> int:
        """How many rows it holds altogether."""
        return sum(digest.rows for digest in self.held.values())


def back_up(
    store: Store,
    file: Path,
    *,
    parts: Sequence[Part] = (),
    now: datetime,
    progress: Progress = _quietly,
) -> Backup:
    """Write a backup to a file, which is there only when it is whole; return its note.

    The store may be written to meanwhile; the backup holds what was committed when it began.
    Raises TransferError when there is a file already, or it cannot be written.
    """
    if file.exists():
        raise TransferError(f"{file}: is there already; name a file that is not")
    begun = file.with_name(f"{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        places.remove(begun)
        held = _write(store, begun, parts, progress)
        backup = Backup(made_at=now, form=head(), held=held)
        _note(begun, backup)
        begun.chmod(0o600)
        begun.replace(file)
    except OSError as error:
        raise TransferError(f"{file}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            places.remove(begun)
    with store.writing() as writer:
        writer.put_meta(LAST_BACKUP, json.dumps({"at": now.isoformat(), "file": str(file)}))
    return backup


def _write(
    store: Store, begun: Path, parts: Sequence[Part], progress: Progress
) -> dict[str, Digest]:
    target = Store(begun)
    try:
        with store.reading() as reader:
            held = transfer(reader, target, progress)
    finally:
        target.close()
    with _beside(begun) as beside:
        for part in parts:
            with part.engine.connect() as source:
                copied = _named(part)
                copied.create_all(beside)
                for table, copy in zip(
                    part.tables.sorted_tables, copied.sorted_tables, strict=True
                ):
                    held[copy.name] = _take(source, table, beside, copy)
    return held


@contextmanager
def _beside(file: Path) -> Iterator[Connection]:
    """The file of a backup, for what is in it beside the store."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _named(part: Part) -> MetaData:
    """A part's tables as they are called in a backup, where names of several meet."""
    copies = MetaData()
    for table in part.tables.sorted_tables:
        copy = table.to_metadata(copies, name=f"{part.name}_{table.name}")
        for index in list(copy.indexes):
            copy.indexes.remove(index)
    return copies


def _take(source: Connection, table: Table, target: Connection, copy: Table) -> Digest:
    """Every row of a table into another; return what arrived."""
    rows = source.execute(select(table).order_by(*table.primary_key))
    while chunk := rows.fetchmany(CHUNK):
        target.execute(insert(copy), [dict(row._mapping) for row in chunk])
    return _held(target, copy)


def _held(connection: Connection, table: Table) -> Digest:
    sealed = Seal()
    sealed.add(tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key)))
    return sealed.digest


def _note(file: Path, backup: Backup) -> None:
    """Put the note into the backup, sealed itself, and close the file for good."""
    text = json.dumps(
        {
            "made_at": backup.made_at.isoformat(),
            "form": backup.form,
            "held": {name: list(digest) for name, digest in sorted(backup.held.items())},
        },
        sort_keys=True,
    )
    seal = hashlib.sha256(text.encode()).hexdigest()
    with _beside(file) as connection:
        connection.exec_driver_sql("CREATE TABLE backup_note (name TEXT, text TEXT, sha256 TEXT)")
        connection.exec_driver_sql("INSERT INTO backup_note VALUES (?, ?, ?)", (_NOTE, text, seal))
    engine = create_engine(f"sqlite:///{file}", isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            # one file, without a log beside it
            connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
    finally:
        engine.dispose()


def read_note(file: Path) -> Backup:
    """The note of a backup; raises TransferError when it is none, or its note was touched."""
    if not file.is_file():
        raise TransferError(f"{file}: no such file; name a file that app.py backup has written")
    engine = create_engine(f"sqlite:///file:{file}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            row = connection.exec_driver_sql("SELECT text, sha256 FROM backup_note").one()
    except Exception as error:
        raise TransferError(
            f"{file}: is no backup, or not a whole one; name a file that app.py backup has written"
        ) from error
    finally:
        engine.dispose()
    if hashlib.sha256(row.text.encode()).hexdigest() != row.sha256:
        raise TransferError(f"{file}: its note was changed after it was written; use another one")
    said = json.loads(row.text)
    return Backup(
        made_at=datetime.fromisoformat(said["made_at"]),
        form=said["form"],
        held={name: Digest(*digest) for name, digest in said["held"].items()},
    )


def restore(
    file: Path,
    target: Place,
    *,
    parts: Sequence[Part] = (),
    progress: Progress = _quietly,
) -> Backup:
    """Fill an empty store from a backup, which is checked first; return its note.

    What ``parts`` hold is replaced once the store is filled. A backup of an older form is brought
    up to date, on a copy. Raises TransferError; the store is then as empty as before.
    """
    backup = read_note(file)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "backup.sqlite3"
        shutil.copyfile(file, copy)
        _check(copy, backup, parts)
        source, store = Store(copy), Store(target)
        try:
            with source.reading() as reader:
                transfer(reader, store, progress)
            with _beside(copy) as beside:
                for part in parts:
                    _put_back(beside, part, backup)
        finally:
            source.close()
            store.close()
    return backup


def _check(copy: Path, backup: Backup, parts: Sequence[Part]) -> None:
    """Raise TransferError when a backup does not hold what its note says."""
    found: dict[str, Digest] = {}
    with _beside(copy) as beside:
        for table in chain.from_iterable(_named(part).sorted_tables for part in parts):
            if table.name in backup.held:
                found[table.name] = _held(beside, table)
    if backup.form == head():  # the tables of an older form are no longer known
        store = Store(copy)
        try:
            with store.reading() as reader:
                found |= digests(reader)
        finally:
            store.close()
    compare({name: backup.held[name] for name in found}, found)


def _put_back(beside: Connection, part: Part, backup: Backup) -> None:
    """Replace what a part holds by what the backup has of it, all or nothing."""
    copied = _named(part)
    with part.engine.begin() as target:
        for table, copy in zip(part.tables.sorted_tables, copied.sorted_tables, strict=True):
            if copy.name not in backup.held:
                continue
            target.execute(table.delete())
            arrived = _take(beside, copy, target, table)
            compare({table.name: backup.held[copy.name]}, {table.name: arrived})


def copy_part(source: Part, target: Part) -> None:
    """Replace what a part holds in one place by what it holds in another, all or nothing."""
    with source.engine.connect() as reading, target.engine.begin() as writing:
        for table in source.tables.sorted_tables:
            writing.execute(table.delete())
            arrived = _take(reading, table, writing, table)
            compare({table.name: _held(reading, table)}, {table.name: arrived})


def last_backup(reader: Reader) -> dict[str, Any] | None:
    """When the store was last backed up, and to which file; None when it never was."""
    noted = reader.meta(LAST_BACKUP)
    return None if noted is None else dict(json.loads(noted))
