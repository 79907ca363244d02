"""The form of a store's tables: which one it has, making it, and bringing it to the newest.

The migrations are Alembic's, run on the connection and in the transaction they are given, so
that a store is never left half way. Alembic is imported only when there is something to do.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, MetaData, inspect

from pipelines.errors import StoreBehindError
from pipelines.store import schema

FOLDER = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"


@lru_cache(maxsize=1)
def head() -> str:
    """The number of the newest migration."""
    return max(file.name[:4] for file in (FOLDER / "versions").glob("[0-9]*.py"))


def is_empty(connection: Connection) -> bool:
    """Whether there are no tables of ours yet."""
    return not {"report", VERSION_TABLE} & set(inspect(connection).get_table_names())


def revision(connection: Connection) -> str | None:
    """The number of the last migration that was run; None before there were any."""
    if VERSION_TABLE not in inspect(connection).get_table_names():
        return None
    query = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - a name of ours
    found: str | None = connection.exec_driver_sql(query).scalar_one_or_none()
    return found


def refuse_newer(found: str | None) -> None:
    """Raise StoreBehindError for a store that only a newer program knows."""
    if found is not None and found > head():
        raise StoreBehindError(
            f"the store's tables are of version {found}, and this program knows {head()} at most: "
            "start the newer program that has used it, or restore a backup from before"
        )


def tables_on(dialect: str) -> MetaData:
    """The tables as a database keeps them."""
    return schema.on_postgresql() if dialect == "postgresql" else schema.metadata


def make(connection: Connection) -> None:
    """Make all tables and views of the newest form."""
    tables_on(connection.dialect.name).create_all(connection)
    connection.exec_driver_sql(schema.VIEWS[connection.dialect.name])
    connection.exec_driver_sql(
        f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
    )
    stamped = f"INSERT INTO {VERSION_TABLE} VALUES ('{head()}')"  # noqa: S608 - a number of ours
    connection.exec_driver_sql(stamped)


class Step(NamedTuple):
    """One migration: its number, and what it brings in a sentence."""

    number: str
    title: str


Progress = Callable[[Step, int, int], None]
"""Told before every migration: which it is, how many are done, of how many."""


def _quietly(step: Step, done: int, of: int) -> None:
    """Nobody is watching."""


def upgrade(connection: Connection, progress: Progress = _quietly) -> list[Step]:
    """Run the migrations that were not, in the transaction of the connection; return them."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    done: list[Step] = []

    def waiting(found: Any, _context: Any) -> Iterator[Any]:
        steps = list(scripts._upgrade_revs("head", found))  # what alembic's own command runs
        for step in steps:
            told = Step(step.revision.revision, step.revision.doc)
            progress(told, len(done), len(steps))
            yield step
            done.append(told)

    with EnvironmentContext(config, scripts, fn=waiting) as context:
        context.configure(connection=connection, version_table=VERSION_TABLE)
        context.run_migrations()
    return done
