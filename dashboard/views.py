"""A view: what a screen shows, all of it in the URL."""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.pages import PAGES
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES


class UnknownPageError(ValueError):
    """The URL names a page that does not exist."""


class BadViewError(ValueError):
    """The URL asks for something that a page does not offer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One page in one language. Screens on equal views share one drawing."""

    page: str
    language: str

    @property
    def key(self) -> str:
        """The canonical URL of the view: equal views have equal keys."""
        return f"/{self.page}?lang={self.language}"


def parse_view(page: str, query: Mapping[str, str]) -> View:
    """The view that a page name and a query string ask for.

    Raises UnknownPageError or BadViewError with a message for the person who typed it.
    """
    if page not in PAGES:
        raise UnknownPageError(f"no page {page!r}; there is: {', '.join(sorted(PAGES))}")
    language = query.get("lang", DEFAULT_LANGUAGE)
    if language not in LANGUAGES:
        raise BadViewError(f"lang={language!r} must be one of: {', '.join(LANGUAGES)}")
    return View(page=page, language=language)
