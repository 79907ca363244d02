"""Texts that no database keeps: with a zero byte, or with half of a character.

PostgreSQL has no zero byte in a text, and neither database has half of a surrogate pair, which
JSON can spell. One such record must not keep a whole batch from being stored.
"""

import re
from collections.abc import Iterator, Sequence

from pipelines.connectors.record import Record
from pipelines.decoders.decoder import Meaning
from pipelines.errors import BadRecordError
from pipelines.model.device import Signal
from pipelines.model.fact import Statement

RULE = "holds a zero byte or half a character, which cannot be stored"
_SUSPECT = re.compile(rb"\x00|\\u0000|\\u[dD]")
_WRONG = re.compile("[\x00\ud800-\udfff]")


def check(record: Record, meant: Statement | Meaning) -> None:
    """Raise BadRecordError when something that a record says cannot be stored.

    Looked at only where its bytes give reason to; nearly all do not.
    """
    if _SUSPECT.search(record.raw) is None:
        return
    said: Sequence[Statement | Signal] = (
        [meant]
        if isinstance(meant, Statement)
        else [
            *meant.statements,
            *meant.signals,
        ]
    )
    for one in said:
        for name, text in _texts(one):
            if _WRONG.search(text) is not None:
                raise BadRecordError(shown(name), shown(text), RULE)


def shown(text: str) -> str:
    """The text with what cannot be stored spelt out."""
    return _WRONG.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _texts(meant: Statement | Signal) -> Iterator[tuple[str, str]]:
    for name, value in zip(meant._fields, meant, strict=True):
        if isinstance(value, str):
            yield f"({name})", value
    if isinstance(meant, Signal):
        for name, value in meant.values.items():
            yield "(value)", name
            yield name, value
        return
    for part in (meant.place, meant.alarm):
        yield from (("(text)", value) for value in part or () if isinstance(value, str))
    for flag in meant.flags:
        yield from (("(flag)", value) for value in flag)
