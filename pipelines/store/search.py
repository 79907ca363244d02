"""Looking for words in what incidents say of themselves."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from pipelines.store import schema
from pipelines.store.store import Reader


def containing(
    reader: Reader,
    sought: str,
    conditions: Sequence[ColumnElement[bool]],
    *,
    order: Sequence[Any],
) -> Iterator[Any]:
    """The incidents that may say what is sought, in an order, read as they are asked for."""
    incident = schema.incident.c
    texts = (incident.key, incident.title, incident.address)
    said = or_(*(text.icontains(sought, autoescape=True) for text in texts))
    return reader.each(select(schema.incident).where(said, *conditions).order_by(*order))


def sought_in(sought: str, texts: Iterable[str | None]) -> bool:
    """Whether what is sought stands in one of some texts."""
    return any(sought.lower() in text.lower() for text in texts if text)
