"""From one question to all pages of its answer; what is no answer never gets further."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pipelines.connectors.http_poll.answer import (
    Answer,
    AnswerError,
    Element,
    digest_of,
    parse_path,
    read,
    told,
    value_at,
)
from pipelines.connectors.http_poll.options import HttpPollOptions, PagingOptions
from pipelines.connectors.http_poll.service import Asked, Reply, beside
from pipelines.errors import SourceUnavailableError

_CHINESE = frozenset({"gbk", "gb2312", "gb18030"})


class Validators(NamedTuple):
    """What lets a service answer "not changed"; it belongs to the question ``asked``."""

    asked: str | None = None
    etag: str | None = None
    modified: str | None = None

    def headers(self) -> dict[str, str]:
        """The conditions of the next request."""
        known = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: text for name, text in known.items() if text}


NEVER_ASKED = Validators()


class Page(NamedTuple):
    """The records of one page; ``whole`` is False when the service says there are more."""

    elements: Sequence[Element]
    whole: bool
    validators: Validators
    around: Any


class Pages:
    """Asks a service the configured question."""

    def __init__(self, options: HttpPollOptions, service: Asked) -> None:
        self._options = options
        self._service = service
        self._path = parse_path(options.records)

    def ask(self, more: Mapping[str, str], before: Validators, *, now: datetime) -> Iterator[Page]:
        """Yield every page of the answer; none when nothing changed since ``before``.

        ``more`` are parameters besides the configured ones. Raises SourceUnavailableError when
        a page is an error, whatever its status says.
        """
        params = {name: str(text) for name, text in self._options.params.items()} | dict(more)
        if self._options.paging is None:
            yield from self._only_page(params, before, now)
        elif self._options.paging.by == "next":
            yield from self._linked(self._options.paging, params, now)
        else:
            yield from self._numbered(self._options.paging, params, now)

    def _only_page(
        self, params: Mapping[str, str], before: Validators, now: datetime
    ) -> Iterator[Page]:
        asked = digest_of(f"{self._options.url} {params}")
        conditions = before.headers() if before.asked == asked else {}
        reply = self._service.ask(self._options.url, params, conditions, now=now)
        if reply.status == 304 and conditions:
            return
        headers = reply.headers
        validators = Validators(asked, headers.get("etag"), headers.get("last-modified"))
        yield self._page(reply)._replace(validators=validators)

    def _numbered(
        self, paging: PagingOptions, params: Mapping[str, str], now: datetime
    ) -> Iterator[Page]:
        count, seen, at = 0, set[str](), paging.first if paging.by == "page" else 0
        for _ in range(paging.max_pages):
            numbered = {**params, paging.param or "": str(at)}
            page = self._page(self._service.ask(self._options.url, numbered, {}, now=now))
            marks = {digest_of(element.raw) for element in page.elements}
            # some services give the last page again, for ever, to who asks for the one behind it
            if marks <= seen:
                return
            yield page
            seen |= marks
            count += len(page.elements)
            at = count if paging.by == "offset" else at + 1
            if count >= _total(page, paging):
                return
        raise self._unavailable(f"has more than max_pages = {paging.max_pages} pages")

    def _linked(
        self, paging: PagingOptions, params: Mapping[str, str], now: datetime
    ) -> Iterator[Page]:
        url, at, visited = self._options.url, dict(params), set[str]()
        for _ in range(paging.max_pages):
            page = self._page(self._service.ask(url, at, {}, now=now))
            yield page
            link = value_at(page.around, paging.path or "")
            if not link:
                return
            if not isinstance(link, str) or link in visited:
                raise self._unavailable("names a next page that makes no sense")
            visited.add(link)
            if paging.param:
                at[paging.param] = link
            else:
                url, at = beside(url, link), {}
        raise self._unavailable(f"has more than max_pages = {paging.max_pages} pages")

    def _page(self, reply: Reply) -> Page:
        """The page, if it is one; an error in the guise of an answer raises."""
        if reply.status != 200:
            raise self._unavailable(f"answers {reply.status} where that makes no sense")
        answer = self._read(reply)
        wrong, partly = self._options.error_when, self._options.incomplete_when
        if answer.elements is None or (wrong is not None and wrong.holds(answer.around)):
            where = f"the list {self._options.records!r}" if self._options.records else "a list"
            raise self._unavailable(f"answers 200 with {told(answer.around)} instead of {where}")
        whole = partly is None or not partly.holds(answer.around)
        return Page(answer.elements, whole, NEVER_ASKED, answer.around)

    def _read(self, reply: Reply) -> Answer:
        try:
            return read(_text(reply), self._path)
        except AnswerError as error:
            raise self._unavailable(f"answers 200 with {error}") from error
        except UnicodeDecodeError as error:
            what = f"text that is not {error.encoding}, at byte {error.start + 1}"
            raise self._unavailable(f"answers 200 with {what}") from error

    def _unavailable(self, what: str) -> SourceUnavailableError:
        return SourceUnavailableError(f"{self._service.where}: {what}")


def _total(page: Page, paging: PagingOptions) -> float:
    text = str(value_at(page.around, paging.total)) if paging.total else ""
    return int(text[:12]) if text.isascii() and text.isdecimal() else float("inf")


def _text(reply: Reply) -> str:
    """The body as text: UTF-8 (RFC 8259), unless it says that it is in a Chinese charset."""
    kind = reply.headers.get("content-type", "").lower()
    charset = kind.partition("charset=")[2].partition(";")[0].strip("\"' ")
    return reply.body.decode("gb18030" if charset in _CHINESE else "utf-8-sig")
