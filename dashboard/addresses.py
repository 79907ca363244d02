"""The addresses of the pages: what stands in the browser's bar, and which page with what it means.

An address can be said aloud and sent: ``/`` is the street's desk, ``/community/<code>`` that of a
community. What a page's filters are is in the query behind it.
"""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, urlencode

STREET = "desk"
"""The page of the street, at ``/``."""

NAMED: dict[str, tuple[str, str]] = {
    "area": (STREET, "area"),
    "community": (STREET, "community"),
    "grid": ("grid", "code"),
    "incident": ("incident", "id"),
}
"""By the word before the slash: which page it is, and which filter of it the rest gives."""


def resolved(path: str) -> tuple[str, dict[str, str]]:
    """The page that a path means, and the filters that stand in it.

    A path that means none is its own page's name, which nothing is called.
    """
    bare = path.strip("/")
    if not bare:
        return STREET, {}
    word, _, value = bare.partition("/")
    if value and word in NAMED:
        page, name = NAMED[word]
        return page, {name: value}
    return bare, {}


def address(page: str, filters: Mapping[str, str | None], language: str) -> str:
    """The address of a page with these filters; those without a value are left out."""
    return _written(
        page, tuple((name, value) for name, value in filters.items() if value), language
    )


# a board has hundreds of links, and most are those of the drawing before
@lru_cache(maxsize=65_536)
def _written(page: str, filters: tuple[tuple[str, str], ...], language: str) -> str:
    given = dict(filters)
    path = "/" if page == STREET else f"/{page}"
    for word in ("grid", "community", "area", "incident"):
        of_page, name = NAMED[word]
        if of_page == page and name in given:
            path = f"/{word}/{quote(given.pop(name), safe='')}"
            given = {n: v for n, v in given.items() if n not in _places(page)}
            break
    return f"{path}?{urlencode({**given, 'lang': language})}"


def _places(page: str) -> frozenset[str]:
    return frozenset(name for of_page, name in NAMED.values() if of_page == page)


def moved(path: str, query: Mapping[str, str]) -> str | None:
    """The address of today for one of former times, such as ``/desk?grid=G1``; None for others."""
    page = path.strip("/")
    if page != STREET and not (page == "incident" and query.get("id")):
        return None
    rest = {name: value for name, value in query.items() if name != "lang"}
    to = address(page, rest, query.get("lang", ""))
    return to.removesuffix("?lang=").removesuffix("&lang=") if not query.get("lang") else to
