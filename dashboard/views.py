"""A view: what a screen shows, all of it in the URL but what its viewer may see."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from dashboard.addresses import address, resolved
from dashboard.pages import PAGES
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES
from pipelines.errors import QueryError
from pipelines.privacy.clearance import LEAST, Clearance

_LONGEST = 200


class UnknownPageError(ValueError):
    """The URL names a page that does not exist."""


class BadViewError(ValueError):
    """The URL asks for something that a page does not offer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One page in one language, with its filters. Screens on equal views share one drawing.

    ``clearance`` is put there by the server, from the session: no address can widen it.
    """

    page: str
    language: str
    filters: tuple[tuple[str, str], ...] = ()
    clearance: Clearance = LEAST

    @property
    def key(self) -> str:
        """The canonical URL of the view; who may see how much of it is not in there."""
        return f"/{self.page}?{urlencode([('lang', self.language), *self.filters])}"

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return address(self.page, dict(self.filters), self.language)

    @property
    def subject(self) -> "View":
        """What views have in common that are read once: language and looks are left away."""
        looks = PAGES[self.page].looks if self.page in PAGES else ()
        read = tuple((name, value) for name, value in self.filters if name not in looks)
        return replace(self, language=DEFAULT_LANGUAGE, filters=read)


def parse_view(path: str, query: Mapping[str, str], clearance: Clearance = LEAST) -> View:
    """The view that a path and a query string ask for, for whoever has ``clearance``.

    A page's name is a path too.

    Raises UnknownPageError or BadViewError with a message for the person who typed it.
    """
    page, named = resolved(path)
    query = {**query, **named}
    if page not in PAGES:
        raise UnknownPageError(f"no page {page!r}; there is: {', '.join(sorted(PAGES))}")
    language = query.get("lang", DEFAULT_LANGUAGE)
    if language not in LANGUAGES:
        raise BadViewError(f"lang={language!r} must be one of: {', '.join(LANGUAGES)}")
    filters = tuple((name, query[name]) for name in PAGES[page].filters if query.get(name))
    too_long = next((name for name, value in filters if len(value) > _LONGEST), None)
    if too_long is not None:
        raise BadViewError(f"{too_long} must have at most {_LONGEST} characters")
    for name, value in filters:
        allowed = PAGES[page].choices.get(name)
        if allowed is not None and value.split(":")[0] not in allowed:
            raise BadViewError(f"{name}={value!r} must be one of: {', '.join(allowed)}")
    try:
        PAGES[page].check(dict(filters))
    except QueryError as error:
        raise BadViewError(str(error)) from error
    seen = clearance.at_most(PAGES[page].most)
    return View(page=page, language=language, filters=filters, clearance=seen)
