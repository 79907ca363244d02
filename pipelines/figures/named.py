"""Whether what a question names is there: a slip of the pen is told, not answered with nothing."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from sqlalchemy import Column, select

from pipelines.errors import QueryError
from pipelines.figures.groups import NO_COMMUNITY, NO_KIND, UNLOCATED, Query
from pipelines.installation import Installation
from pipelines.model.area import AreaLevel
from pipelines.store import schema
from pipelines.store.store import Reader

_MOST_NAMED = 12
"""More codes than that are no help in a message."""


def check_names(reader: Reader, query: Query, installation: Installation) -> None:
    """Raise QueryError for a community, grid, kind or source that never was.

    What is no longer configured was there as long as an incident is counted in it; what lies
    outside the scope of who asks was not.
    """
    areas, slot = installation.desk.areas, schema.slot.c
    communities = [one.code for one in areas if one.level is AreaLevel.COMMUNITY]
    _check("community", _one(query.community), {*communities, NO_COMMUNITY, UNLOCATED})
    is_confined = installation.desk.within is not None
    _check(
        "grid",
        _one(query.grid),
        {*areas.grids(areas.top.code), UNLOCATED},
        () if is_confined else _counted(reader, slot.grid),
    )
    kinds = {*installation.settings.kinds, "", NO_KIND}
    _check("kind", query.kinds or (), kinds, _counted(reader, slot.kind))
    sources = {source.id for source in installation.sources}
    _check("source", query.sources or (), sources, _counted(reader, slot.source))


def _one(code: str | None) -> tuple[str, ...]:
    return () if code is None else (code,)


def _counted(reader: Reader, column: "Column[str]") -> Iterable[str]:
    """What incidents are counted in; nothing is read before somebody looks."""
    yield from (row[0] for row in reader.rows(select(column).distinct()))


def _check(
    name: str, said: Iterable[str], known: Collection[str], counted: Iterable[str] = ()
) -> None:
    unknown = sorted(set(said) - set(known))
    if unknown and (never := sorted(set(unknown) - set(counted))):
        raise QueryError(
            f"{name} = {never[0]!r}: there is no such {name}{_way_out(never[0], known)}"
        )


def _way_out(code: str, known: Collection[str]) -> str:
    close = get_close_matches(code, sorted(known), n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    named = sorted(one for one in known if one)
    more = ", …" if len(named) > _MOST_NAMED else ""
    return f"; use one of: {', '.join(named[:_MOST_NAMED])}{more}"
