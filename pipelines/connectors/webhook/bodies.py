"""From the body of a request to records: each with its own bytes, as they were pushed."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.connectors.file_drop.lines import MAX_BYTES
from pipelines.connectors.http_poll.answer import AnswerError, parse_path, read
from pipelines.connectors.json_columns import columns, decoder
from pipelines.connectors.record import Batch, Origin, Record
from pipelines.connectors.reread import Reread
from pipelines.errors import SourceUnavailableError

_SHOWN = 80
_DECODER = decoder()


class Said(NamedTuple):
    """A record's text as it was pushed, with its columns or the problem why it has none."""

    raw: bytes
    reread: Reread


def records_in(body: bytes, path: str) -> list[Said]:
    """The records of a body; one that cannot be taken apart is one record with a problem."""
    where = parse_path(path)
    try:
        text = body.decode("utf-8-sig")
        around, elements = read(text, where)
    except (UnicodeDecodeError, AnswerError):
        return [Said(body, reread(body))]
    if elements is not None:
        return [Said(_bytes(e.raw), _columns(e.value, e.raw)) for e in elements]
    if where.before:
        rule = f"holds no list at {path}"
        return [Said(body, Reread(None, ("(body)", text[:_SHOWN], rule)))]
    return [Said(body, _columns(around, text))]


def reread(raw: bytes) -> Reread:
    """The columns of a record that was kept."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        shown = raw[:_SHOWN].decode("utf-8", errors="backslashreplace")
        return Reread(None, ("(body)", shown, f"byte {error.start + 1} is not UTF-8"))
    try:
        return _columns(_DECODER.decode(text.strip()), text)
    except RecursionError:
        rule = "is JSON that is nested too deeply"
    except json.JSONDecodeError as error:
        rule = f"is not JSON, or cut off, at character {error.pos + 1}: {error.msg}"
    return Reread(None, ("(body)", text[:_SHOWN], rule))


def member(body: bytes, name: str) -> tuple[Any, str] | None:
    """The value of one member of the object in a body, and its text as it stands there.

    None when there is no such object or no such member.
    """
    try:
        text = body.decode("utf-8-sig")
        at = _space(text, 0)
        if text[at : at + 1] != "{":
            return None
        found = None
        while text[at : at + 1] in ("{", ","):
            key, at = _DECODER.raw_decode(text, _space(text, at + 1))
            start = _space(text, _space(text, at) + 1)
            value, at = _DECODER.raw_decode(text, start)
            if key == name:
                found = value, text[start:at]
            at = _space(text, at)
    except (ValueError, RecursionError):
        return None
    return found


def message_in(body: bytes) -> tuple[str, bytes] | None:
    """What OneNET signs, and the bytes that are the record; None when there is no ``msg``.

    Its newer push writes the message as a text inside the JSON; then that text is both.
    """
    found = member(body, "msg")
    if found is None:
        return None
    value, text = found
    signed = value if isinstance(value, str) and text.startswith('"') else text
    return signed, _bytes(signed)


class PushesFile:
    """Bodies saved in a file, one a line: to try a mapping."""

    def __init__(self, file: Path, *, records: str, signed: bool) -> None:
        self._file = file
        self._records = records
        self._signed = signed
        self.unfinished: tuple[str, ...] = ()

    def poll(self, positions: Mapping[str, str], *, now: datetime) -> Iterator[Batch]:
        """Yield what every line holds; there is no position to go on from."""
        try:
            with self._file.open("rb") as stream:
                ordinals = count(1)
                for number, line in enumerate(iter(lambda: stream.readline(MAX_BYTES), b""), 1):
                    records = tuple(self._said(line.strip(), number, ordinals))
                    yield Batch(records=records, part=self._file.name, position="")
        except OSError as error:
            raise SourceUnavailableError(
                f"{self._file}: cannot be read: {error.strerror}"
            ) from error

    def over(self, file: Path) -> "PushesFile":
        """The same for another file."""
        return PushesFile(file, records=self._records, signed=self._signed)

    def _said(self, body: bytes, line: int, ordinals: Iterator[int]) -> Iterator[Record]:
        if not body:
            return
        message = message_in(body) if self._signed else None
        for said in records_in(message[1] if message else body, self._records):
            yield record_of(said, Origin(self._file.name, line), next(ordinals))


def record_of(said: Said, origin: Origin, ordinal: int) -> Record:
    """The record as it is handed over."""
    return Record(said.raw, b"", said.reread.fields, origin, ordinal, said.reread.problem)


def _columns(value: Any, text: str) -> Reread:
    try:
        return Reread(columns(value))
    except ValueError as error:
        return Reread(None, ("(body)", text[:_SHOWN], str(error)))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _space(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\n", "\r"):
        at += 1
    return at
