"""The operator's commands that keep everything safe: store and accounts together."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from dashboard.access.engine import ACCESS_FILE, kept_at, open_engine
from dashboard.access.tables import metadata
from pipelines.clock import SystemClock
from pipelines.commands.group import group
from pipelines.errors import TransferError
from pipelines.installation import STORE_FILE, place_of_store
from pipelines.leases.lease import is_held, read_leases
from pipelines.settings import Settings
from pipelines.store import places
from pipelines.store.places import Place, place_of
from pipelines.store.store import Store
from pipelines.store.transfer import transfer
from pipelines.upkeep.backup import Backup, Part, back_up, copy_part, read_note, restore

ACCOUNTS = "access"


def make_backup(settings: Settings, options: argparse.Namespace) -> int:
    """Write store and accounts into one file, while everything goes on; prove it."""
    with closing(_open(place_of_store(settings))) as store, _accounts(kept_at(settings)) as part:
        now = SystemClock().now()
        made = back_up(store, Path(options.file), parts=[part], now=now, progress=_show)
    print(f"{options.file}: {_in_words(made)}")
    return 0


def restore_backup(settings: Settings, options: argparse.Namespace) -> int:
    """Fill an empty store, and the accounts, from a backup; or only check it."""
    if options.check:
        print(f"{options.file}: {_in_words(read_note(Path(options.file)))}")
        return 0
    place = place_of_store(settings)
    _refuse_if_used(place)
    with _accounts(kept_at(settings)) as part:
        done = restore(Path(options.file), place, parts=[part], progress=_show)
    print(f"restored: {_in_words(done)}")
    return 0


def copy_store(settings: Settings, options: argparse.Namespace) -> int:
    """Copy store and accounts into another database, such as from SQLite to PostgreSQL."""
    source, target = place_of_store(settings), place_of(options.to)
    _refuse_if_used(source)
    with (
        closing(_open(source)) as store,
        closing(Store(target)) as copy,
        store.reading() as reader,
    ):
        held = transfer(reader, copy, _show)
    there = target if isinstance(target, URL) else _file(target.with_name(ACCESS_FILE))
    with _accounts(kept_at(settings)) as part, _accounts(there) as other:
        copy_part(part, other)
    rows = sum(digest.rows for digest in held.values())
    print(f"{rows} rows of {len(held)} tables copied; every table has the same digest there")
    return 0


def _open(place: Place) -> Store:
    if not places.exists(place):
        raise TransferError("there is no store yet; it is made by run, ingest or import")
    return Store(place)


def _refuse_if_used(place: Place) -> None:
    """Raise TransferError while a process takes records into a store."""
    if not places.exists(place):
        return
    with closing(Store(place)) as store:
        with store.reading() as reader:
            names = list(read_leases(reader))
        if any(is_held(store, name, now=SystemClock().now()) for name in names):
            raise TransferError("a process uses this store; stop it first")


@contextmanager
def _accounts(url: URL) -> Iterator[Part]:
    engine = open_engine(url)
    try:
        yield Part(name=ACCOUNTS, engine=engine, tables=metadata)
    finally:
        engine.dispose()


def _file(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


def _in_words(backup: Backup) -> str:
    made = f"{backup.made_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{backup.rows} rows of {len(backup.held)} tables as of {made}, form {backup.form}"


def _show(table: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == of else ""
        print(f"\r{done} of {of} rows ({table})".ljust(60), end=end, file=sys.stderr)


def safekeeping_commands(commands: Any, command: Any) -> None:
    """Add them to the command line."""
    parser = command(commands, "backup", make_backup)
    parser.add_argument("file", help="the file to write; there must be none of this name")
    parser = command(commands, "restore", restore_backup)
    parser.add_argument("file", help="a file that app.py backup has written")
    parser.add_argument("--check", action="store_true", help="only say what it holds")
    parser = command(group(commands, "db"), "copy", copy_store)
    parser.add_argument("--to", required=True, help=f"a URL, or a file such as {STORE_FILE}")
