"""Looking for words on PostgreSQL: an index over every three neighbouring signs of a text.

It is that of the extension ``pg_trgm``, which comes with PostgreSQL and which the owner of a
database may create (it is trusted since version 13). Where it cannot be created, the texts are
searched one by one, and ``app.py doctor`` says so. What has two signs or fewer no trigram finds;
the latest incidents are looked through for it.

The index is no part of the schema: it is made beside it and can be dropped at any time.
"""

import logging

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

logger = logging.getLogger(__name__)

INDEX = "incident_said"
_CHINESE = "怡和花园"


def make_index(connection: Connection) -> bool:
    """Make extension and index, unless they are there; False where the server refuses.

    Writers go on meanwhile. ``connection`` commits by itself, for no transaction may be open.
    """
    try:
        if _where(connection) is None:
            _create_extension(connection)
        _drop_half_made(connection)
        said = ", ".join(f"{name} {_where(connection)}.gin_trgm_ops" for name in _COLUMNS)
        connection.exec_driver_sql(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INDEX} ON incident USING gin ({said})"
        )
    except DBAPIError as error:
        logger.info("searching reads every incident: %s", str(error.orig).strip())
        return False
    return True


_COLUMNS = ("key", "title", "address")


def _create_extension(connection: Connection) -> None:
    """In the schema that all others see, where that is allowed; else in our own."""
    try:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public")
    except DBAPIError:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")


def _where(connection: Connection) -> str | None:
    """The schema of the extension, quoted; None where there is none."""
    found: str | None = connection.exec_driver_sql(
        "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace"
        " ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm'"
    ).scalar_one_or_none()
    return found


def _drop_half_made(connection: Connection) -> None:
    """An index whose making was broken off is there and finds nothing."""
    if _state(connection) is False:
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")


def _state(connection: Connection) -> bool | None:
    """Whether the index is whole; None where there is none."""
    found: bool | None = connection.exec_driver_sql(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (INDEX,)
    ).scalar_one_or_none()
    return found


def finds_words(connection: Connection) -> bool:
    """Whether there is the whole index."""
    return _state(connection) is True


def sees_chinese(connection: Connection) -> bool:
    """Whether the index has Chinese signs in it, which the locale of the database decides.

    Asked only where the index is.
    """
    trigrams: list[str] = connection.exec_driver_sql(
        f"SELECT {_where(connection)}.show_trgm(%s)",
        (_CHINESE,),
    ).scalar_one()
    return bool(trigrams)
