"""Reading a kept record again: from its bytes and context back to its columns."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

from pipelines.connectors.record import Origin, Record


class Reread(NamedTuple):
    """The columns of a kept record, or the column, value and rule that are why it has none."""

    fields: Mapping[str, str] | None
    problem: tuple[str, str, str] | None = None


@runtime_checkable
class Rereads(Protocol):
    """A connector that can make columns of what it once handed over as bytes.

    One that hands over bytes only, for a decoder that reads bytes, need not.
    """

    def reread(self, raw: bytes, context: bytes) -> Reread:
        """The columns of a record, by the connector's present options.

        ``raw`` and ``context`` are those of a :class:`~pipelines.connectors.record.Record` that
        this connector, or one with the same type, made. It touches no file and no network.
        """
        ...


class Kept(NamedTuple):
    """A record as the store keeps it; ``ordinal`` is where its source listed it."""

    raw: bytes
    context: bytes
    origin: Origin
    ordinal: int
    ended: bool = False
    occasion: datetime | None = None


def read_again(connector: object, kept: Kept) -> Record:
    """The record that a connector would hand over today for bytes it handed over once."""
    said = Reread(None)
    if isinstance(connector, Rereads):
        said = connector.reread(kept.raw, kept.context)
    return Record(
        kept.raw,
        kept.context,
        said.fields,
        kept.origin,
        kept.ordinal,
        said.problem,
        ended=kept.ended,
        occasion=kept.occasion,
    )
