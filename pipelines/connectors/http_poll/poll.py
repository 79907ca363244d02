"""A web service that answers with JSON, asked again and again.

An answer that is an error, whatever its status says, changes nothing. A record that was in the
last answer as well is not handed over again; what slips through, the door drops.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from pipelines.connectors.http_poll.answer import (
    Element,
    digest_of,
    parse_path,
    read,
    value_at,
)
from pipelines.connectors.http_poll.options import HttpPollOptions
from pipelines.connectors.http_poll.pages import NEVER_ASKED, Pages, Validators
from pipelines.connectors.http_poll.service import Asked, Reply, Service
from pipelines.connectors.json_columns import columns
from pipelines.connectors.record import Batch, Origin, Record
from pipelines.connectors.reread import Reread
from pipelines.errors import SourceUnavailableError
from pipelines.reading.times import time_reader

BATCH_RECORDS = 2000
KNOWN_RECORDS = 20_000
"""How many records of the last answer are remembered; the door drops what is asked again."""

_PART = "answer"
_LISTED = b'{"format":"json"}'
_GONE = b'{"format":"json","listed":false}'
_WHOLE_LIST = parse_path("")
_AHEAD = timedelta(days=1)
_SHOWN = 80
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Position:
    """What the last answer said.

    ``known`` marks its records: a digest each, or for a feed of what is active now the record
    itself, for when it has vanished. ``cursor`` is the latest update seen.
    """

    known: tuple[str, ...] = ()
    ordinal: int = 0
    cursor: str | None = None
    validators: Validators = NEVER_ASKED

    @classmethod
    def load(cls, text: str | None) -> "_Position":
        if not text:
            return cls()
        fields = json.loads(text)
        known, validators = tuple(fields["known"]), Validators(*fields["validators"])
        return cls(**fields | {"known": known, "validators": validators})

    def dump(self) -> str:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(fields, ensure_ascii=False)


class _Sweep:
    """One poll: what was known before, and what has been listed and handed over so far."""

    def __init__(self, before: _Position, *, most: int) -> None:
        self.before = before
        self.most = most
        self.known = frozenset(before.known)
        self.listed: dict[str, Element | None] = {}
        self.given: list[str] = []
        self.ordinal = before.ordinal
        self.cursor = before.cursor
        self.validators = before.validators
        self.whole = True

    def midway(self) -> str:
        """The position while there is more to come: nothing is forgotten yet."""
        known = (*self.before.known, *self.given)[-2 * self.most :]
        return replace(self.before, known=known, ordinal=self.ordinal).dump()

    def after(self) -> _Position:
        """The position behind the last page, remembering at most ``most`` records."""
        known: Iterable[str] = self.before.known
        if self.listed:  # an empty answer says nothing about what was there before
            known = self.listed if self.whole else dict.fromkeys((*known, *self.listed))
        return _Position(
            known=tuple(known)[-self.most :],
            ordinal=self.ordinal,
            cursor=self.cursor,
            validators=self.validators,
        )


class HttpPoll:
    """Asks a web service and hands over what it has not said before."""

    options = HttpPollOptions
    unfinished: tuple[str, ...] = ()

    def __init__(
        self, options: HttpPollOptions, *, base: Path, service: Asked | None = None
    ) -> None:
        self._options = options
        self._base = base
        self._service = service or Service(options, base=base)
        self._pages = Pages(options, self._service)
        self._key = options.key if options.active_feed else ()
        cursor = options.cursor
        self._read_time = time_reader((cursor.format,), cursor.time_zone) if cursor else None

    def poll(self, positions: Mapping[str, str], *, now: datetime) -> Iterator[Batch]:
        """Ask, and yield what is new; see :class:`~pipelines.connectors.record.Poller`.

        Raises SourceUnavailableError when there is no valid answer: the position stays.
        """
        most = self._options.max_active if self._key else KNOWN_RECORDS
        sweep = _Sweep(_Position.load(positions.get(_PART)), most=most)
        records: list[Record] = []
        for mark, record in self._news(sweep, now):
            if len(records) == BATCH_RECORDS:
                yield Batch(records=tuple(records), part=_PART, position=sweep.midway())
                records = []
            sweep.ordinal += 1
            sweep.given += [mark] if mark else []
            records.append(record._replace(ordinal=sweep.ordinal))
        after = sweep.after()
        if records or after != sweep.before:
            yield Batch(records=tuple(records), part=_PART, position=after.dump())

    def over(self, file: Path) -> "HttpPoll":
        """The same connector over one answer that was saved to a file."""
        changes = {"paging": None, "cursor": None, "active_feed": False}
        options = self._options.model_copy(update=changes)
        saved = SavedAnswer(file, max_bytes=options.max_bytes)
        return HttpPoll(options, base=self._base, service=saved)

    def reread(self, raw: bytes, context: bytes) -> Reread:
        """The columns of a record that was kept; see ``pipelines.connectors.reread``."""
        text = raw.decode("utf-8", "backslashreplace")
        try:
            return Reread(columns(read(f"[{text}]", _WHOLE_LIST).elements[0].value))  # type: ignore[index]
        except (ValueError, IndexError) as error:
            return Reread(None, ("(record)", text[:_SHOWN], str(error)))

    def _news(self, sweep: _Sweep, now: datetime) -> Iterator[tuple[str | None, Record]]:
        """New records with their marks, and then, without a mark, those that have ended."""
        line = 0
        for page in self._pages.ask(self._since(sweep), sweep.before.validators, now=now):
            sweep.whole &= page.whole
            sweep.validators = page.validators
            for line, element in enumerate(page.elements, start=line + 1):  # noqa: B020 - goes on
                mark = element.raw if self._key else digest_of(element.raw)
                is_new = mark not in sweep.known and mark not in sweep.listed
                sweep.listed[mark] = element if self._key else None
                sweep.cursor = self._later(sweep.cursor, element, now)
                if is_new:
                    yield mark, self._record(element, line, now)
            if self._key:
                self._check_size(sweep)
        if self._key and sweep.whole and sweep.listed:
            yield from ((None, record) for record in self._ended(sweep, now))

    def _record(self, element: Element, line: int, now: datetime) -> Record:
        raw, origin = element.raw.encode(), Origin(self._service.where, line)
        try:
            fields = columns(element.value)
        except ValueError as error:
            problem = ("(record)", element.raw[:_SHOWN], str(error))
            return Record(raw, _LISTED, None, origin, 0, problem)
        # listed anew, it says something new, even in words it has used before
        occasion = now if self._key and self._key_of(fields) is not None else None
        return Record(raw, _LISTED, fields, origin, 0, occasion=occasion)

    def _key_of(self, fields: Mapping[str, str]) -> tuple[str, ...] | None:
        """What tells a record of an active feed apart; None when it lacks that."""
        texts = [fields[name] for name in self._key if name in fields]
        return tuple(texts) if len(texts) == len(self._key) else None

    def _ended(self, sweep: _Sweep, now: datetime) -> Iterator[Record]:
        """The records of the last answer whose key is not in this one, as they were last.

        None when some record here has no key: it may be any of them.
        """
        unlisted = ",".join(raw for raw in sweep.before.known if raw not in sweep.listed)
        elements = read(f"[{unlisted}]", _WHOLE_LIST).elements or ()
        here = (element for element in sweep.listed.values() if elements and element)
        listed = {self._key_in(element) for element in here}
        if None in listed:
            sweep.whole = False
            return
        for key, element in {self._key_in(element): element for element in elements}.items():
            if key is not None and key not in listed:
                yield self._record(element, 0, now)._replace(context=_GONE, ended=True)

    def _key_in(self, element: Element) -> tuple[str, ...] | None:
        try:
            return self._key_of(columns(element.value))
        except ValueError:
            return None

    def _since(self, sweep: _Sweep) -> dict[str, str]:
        cursor = self._options.cursor
        if cursor is None:
            return {}
        if sweep.before.cursor is not None:
            last = datetime.fromisoformat(sweep.before.cursor)
            return {cursor.param: cursor.written(last - cursor.overlap)}
        start = cursor.start
        if start is not None and start.tzinfo is None:
            start = start.replace(tzinfo=cursor.time_zone)
        return {} if start is None else {cursor.param: cursor.written(start)}

    def _later(self, known: str | None, element: Element, now: datetime) -> str | None:
        """The cursor, moved on by one record; one dated far ahead must not make us deaf."""
        if self._options.cursor is None or self._read_time is None:
            return known
        text = value_at(element.value, self._options.cursor.column)
        try:
            moment = self._read_time(text)
        except (ValueError, TypeError):
            return known  # its record is handed over; the decoder says what is wrong with it
        if moment - now > _AHEAD:
            return known
        return max(min(moment, now).astimezone(UTC).isoformat(), known or "")

    def _check_size(self, sweep: _Sweep) -> None:
        """A list of what is active now is kept in the position, so it must not be without end."""
        options = self._options
        limits = {"max_active": (len(sweep.listed), options.max_active, "records")}
        limits["max_bytes"] = (sum(map(len, sweep.listed)), options.max_bytes, "characters")
        for name, (size, most, what) in limits.items():
            if size > most:
                rule = f"lists more than {name} = {most} {what}"
                raise SourceUnavailableError(f"{self._service.where}: {rule}")


class SavedAnswer:
    """An answer that was kept in a file, plain or gzip."""

    def __init__(self, file: Path, *, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes

    @property
    def where(self) -> str:
        """The file's name."""
        return self._file.name

    def ask(
        self, url: str, params: Mapping[str, str], headers: Mapping[str, str], *, now: datetime
    ) -> Reply:
        """The file's content, whatever is asked."""
        try:
            with self._file.open("rb") as stream:
                packed = stream.read(len(_GZIP)) == _GZIP
                stream.seek(0)
                content = cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if packed else stream
                body = content.read(self._max_bytes + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise SourceUnavailableError(f"{self._file}: cannot be read: {error}") from error
        if len(body) > self._max_bytes:
            raise SourceUnavailableError(f"{self._file}: more than max_bytes = {self._max_bytes}")
        return Reply(200, {}, body)
