"""One configured SELECT, and the questions asked about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from pydantic import Field, field_validator
from sqlalchemy import (
    BigInteger,
    BindParameter,
    DateTime,
    Select,
    bindparam,
    column,
    literal_column,
    or_,
    select,
    text,
)

from pipelines.errors import SourceConfigError
from pipelines.reading.options import Options
from pipelines.reading.times import check_format

_EPOCH_PER_S = {"epoch_s": 1, "epoch_ms": 1000}


class QueryOptions(Options):
    """One SELECT, and the columns that say when a row changed and which row it is."""

    sql: str = Field(min_length=1, description="A SELECT, without ORDER BY.")
    cursor: str = Field(description="Column with the time of the last change (`GXSJ`, `RKSJ`).")
    cursor_format: str | None = Field(
        default=None,
        description="Where that column is no date: `strptime` pattern, `epoch_s` or `epoch_ms`.",
    )
    key: str = Field(description="Column that tells rows with the same time of change apart.")

    @field_validator("cursor_format")
    @classmethod
    def _can_be_read(cls, value: str | None) -> str | None:
        if value is not None and value not in _EPOCH_PER_S:
            check_format(value)
        return value


class Place(NamedTuple):
    """Where a row stands in the order of its query, in the database driver's own values."""

    cursor: Any
    key: Any


@dataclass(frozen=True, slots=True)
class Query:
    """A named SELECT; ``cursor`` and ``key`` are the columns as the database spells them."""

    name: str
    options: QueryOptions
    cursor: str = ""
    key: str = ""

    def shape(self) -> Select[Any]:
        """No row, only columns."""
        feed = text(self._sql()).columns().subquery("feed")
        return select(literal_column("feed.*")).select_from(feed).limit(0)

    def spelled(self, columns: Sequence[str]) -> "Query":
        """The query, once its columns are known.

        Raises SourceConfigError when one is missing or there twice.
        """
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise SourceConfigError(f"the column {twice[0]} is there twice; rename one with AS")
        cursor = _spelling(self.options.cursor, columns, "cursor")
        return replace(self, cursor=cursor, key=_spelling(self.options.key, columns, "key"))

    def page(self, *, start: Any, after: Place | None, limit: int) -> Select[Any]:
        """The next rows by (cursor, key): those from ``start``, or those behind ``after``.

        Rows at ``after`` itself come again, so that a key that is not unique loses nothing.
        """
        query, cursor, key = self._feed()
        query = query.where(cursor.is_not(None), key.is_not(None))
        if after is not None:
            at = _bound(after.cursor)
            query = query.where(cursor >= at, or_(cursor > at, key >= _bound(after.key)))
        elif start is not None:
            query = query.where(cursor >= _bound(start))
        return query.order_by(cursor, key).limit(limit)

    def without_place(self, limit: int) -> Select[Any]:
        """The rows that no ``page`` can hold: those without cursor or key."""
        query, cursor, key = self._feed()
        return query.where(or_(cursor.is_(None), key.is_(None))).limit(limit)

    def time_of(self, cursor: Any) -> datetime | None:
        """What the cursor column says, as a time; None when it makes no sense."""
        form = self.options.cursor_format
        if form is None:
            return self._as_time(cursor)
        try:
            if form in _EPOCH_PER_S:
                return datetime.fromtimestamp(float(cursor) / _EPOCH_PER_S[form], UTC)
            return datetime.strptime(str(cursor), form)  # noqa: DTZ007 - compared with its like
        except (ValueError, OverflowError, OSError):
            return None

    def cursor_at(self, moment: datetime | None) -> Any:
        """A time as the cursor column would hold it."""
        form = self.options.cursor_format
        if moment is None or form is None:
            return moment
        if form in _EPOCH_PER_S:
            return int(moment.timestamp() * _EPOCH_PER_S[form])
        return moment.strftime(form)

    def _sql(self) -> str:
        # a colon in it (``::text``, ``HH24:MI``) is no parameter
        return self.options.sql.strip().rstrip(";").replace(":", r"\:")

    def _feed(self) -> tuple[Select[Any], Any, Any]:
        feed = text(self._sql()).columns(column(self.cursor), column(self.key)).subquery("feed")
        query: Select[Any] = select(literal_column("feed.*")).select_from(feed)
        return query, feed.c[self.cursor], feed.c[self.key]

    def _as_time(self, cursor: Any) -> datetime:
        if isinstance(cursor, datetime):
            return cursor if cursor.tzinfo is None else cursor.astimezone(UTC)
        if isinstance(cursor, date):
            return datetime.combine(cursor, time())
        raise SourceConfigError(
            f"{self.options.cursor} = {cursor!r} is no date but {type(cursor).__name__}; "
            "say how it is written with cursor_format"
        )


def _bound(value: Any) -> BindParameter[Any]:
    """A value as a parameter, wide enough for any of its type."""
    if isinstance(value, datetime):
        return bindparam(None, value, type_=DateTime(timezone=value.tzinfo is not None))
    if isinstance(value, int):
        return bindparam(None, value, type_=BigInteger())
    return bindparam(None, value)


def _spelling(name: str, columns: Sequence[str], option: str) -> str:
    """The column as the database writes it: most fold what is not quoted to one case."""
    same = [c for c in columns if c == name] or [c for c in columns if c.lower() == name.lower()]
    if not same:
        raise SourceConfigError(
            f"{option} = {name!r}: there is no such column; there are: {', '.join(columns)}"
        )
    return same[0]
