"""A JSON answer: where its list of records is, and what each record says, by column."""

import json
import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from pipelines.connectors.json_columns import decoder

_SPACE = re.compile(r"[ \t\n\r]*")
_PATH = re.compile(r"([^.\[\]]+(\.[^.\[\]]+)*)?(\[\](\.[^.\[\]]+)*)?")
_SHOWN = 80
# what services call the sentence in which they say what is wrong; nothing else is shown, for an
# answer that is no list may still name callers
_TELLING = ("status", "code", "error", "errcode", "message", "messages", "msg", "errmsg", "detail")


class AnswerError(ValueError):
    """The text is no answer with a list in it; the message says what it is instead."""


class Element(NamedTuple):
    """One element of the list: its text as received, and its value; numbers are text."""

    raw: str
    value: Any


class Answer(NamedTuple):
    """``around`` is the answer without its list, ``elements`` is the list, None if not there."""

    around: Any
    elements: Sequence[Element] | None


class Path(NamedTuple):
    """Where the list is, and where the record is within each of its elements."""

    before: tuple[str, ...]
    within: tuple[str, ...]


def parse_path(text: str) -> Path:
    """Read ``data.rows`` or ``features[].attributes``; raise ValueError for anything else."""
    if _PATH.fullmatch(text) is None:
        raise ValueError('must be names with dots between, such as "data.rows" or "items[].item"')
    before, _, within = text.partition("[]")
    return Path(_names(before), _names(within.removeprefix(".")))


def value_at(value: Any, path: str) -> Any:
    """What is at ``data.total`` of an answer; None when nothing is."""
    for name in _names(path):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def read(text: str, path: Path) -> Answer:
    """Take an answer apart; raise AnswerError when it is not JSON."""
    try:
        return _Reading(text, path).answer()
    except RecursionError as error:
        raise AnswerError("JSON that is nested too deeply") from error
    except json.JSONDecodeError as error:
        shown = (
            "JSON that is cut off or damaged" if text.lstrip()[:1] in ("{", "[") else _start(text)
        )
        raise AnswerError(f"{shown}, at character {error.pos + 1}: {error.msg}") from error


def digest_of(text: str) -> str:
    """A short mark by which a record is known again."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def told(around: Any) -> str:
    """What an answer without a list says, in few words and without what may name people."""
    if not isinstance(around, dict):
        return "a list" if isinstance(around, list) else "a single value"
    said = [
        f"{name} = {_short(str(value))}"
        for name, value in around.items()
        if name.lower() in _TELLING and value is not None
    ]
    names = _short(", ".join(around)) or "nothing"
    return f"an object with {names}" + (f" ({'; '.join(said)})" if said else "")


class _Reading:
    """One pass over the text, so that each element can be cut out as it was received."""

    def __init__(self, text: str, path: Path) -> None:
        self._text = text
        self._path = path
        self._elements: list[Element] | None = None

    def answer(self) -> Answer:
        around, end = self._walk(0, self._path.before, self._list)
        end = self._skip(end)
        if end != len(self._text):
            raise json.JSONDecodeError("more text behind the end", self._text, end)
        return Answer(around, self._elements)

    def _skip(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return space.end() if space else at

    def _sign(self, at: int) -> str:
        return self._text[at : at + 1]

    def _any(self, at: int) -> tuple[Any, int]:
        return _DECODER.raw_decode(self._text, self._skip(at))

    def _walk(
        self, at: int, names: Sequence[str], found: Callable[[int], tuple[Any, int]]
    ) -> tuple[Any, int]:
        """Parse the value that begins here; what is at ``names`` below it, by ``found``."""
        at = self._skip(at)
        if not names:
            return found(at)
        if self._sign(at) != "{":
            return self._any(at)
        members: dict[str, Any] = {}
        at = self._skip(at + 1)
        while self._sign(at) != "}" or members:
            key, at = self._key(at)
            inner = names[1:] if key == names[0] else None
            members[key], at = self._any(at) if inner is None else self._walk(at, inner, found)
            at = self._skip(at)
            if self._sign(at) == "}":
                break
            at = self._skip(self._expect(",", at))
        return members, at + 1

    def _key(self, at: int) -> tuple[str, int]:
        if self._sign(at) != '"':
            raise json.JSONDecodeError("a name in quotation marks is missing", self._text, at)
        key, at = self._any(at)
        return key, self._expect(":", self._skip(at))

    def _expect(self, sign: str, at: int) -> int:
        if self._sign(at) != sign:
            raise json.JSONDecodeError(f"{sign!r} is missing", self._text, at)
        return at + 1

    def _list(self, at: int) -> tuple[Any, int]:
        if self._sign(at) != "[":
            return self._any(at)
        self._elements = []
        at = self._skip(at + 1)
        while self._sign(at) != "]" or self._elements:
            value, end = self._any(at)
            self._elements.append(self._record(at, Element(self._text[at:end], value)))
            at = self._skip(end)
            if self._sign(at) == "]":
                break
            at = self._skip(self._expect(",", at))
        return [], at + 1

    def _record(self, at: int, element: Element) -> Element:
        if not self._path.within:
            return element
        found: list[Element] = []

        def cut(start: int) -> tuple[Any, int]:
            value, end = self._any(start)
            found.append(Element(self._text[start:end], value))
            return value, end

        self._walk(at, self._path.within, cut)
        # the whole element stands in, so that what is set aside can be looked at
        return found[-1] if found else Element(element.raw, None)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


_DECODER = decoder()


def _start(text: str) -> str:
    return f"no JSON but {_short(text.strip())}" if text.strip() else "nothing"


def _short(text: str) -> str:
    text = " ".join(text.encode("utf-8", "backslashreplace").decode().split())
    return text[:_SHOWN] + ("…" if len(text) > _SHOWN else "")
