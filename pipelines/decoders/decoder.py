"""What a decoder promises."""

from datetime import datetime
from typing import NamedTuple, Protocol

from pipelines.connectors.record import Record
from pipelines.errors import BadRecordError
from pipelines.model.device import Signal
from pipelines.model.fact import Statement
from pipelines.model.remark import Remark


class Meaning(NamedTuple):
    """What a record means that says several things, or that a device sent.

    Each statement and each signal has a ``content`` of its own (:func:`content_of` with a number).
    A record that means nothing at all is kept as nothing: its bytes are not stored. ``problems``
    say what part of it makes no sense: for those it goes to quarantine too. ``remarks`` are what a
    person said; they are kept beside the facts.
    """

    statements: tuple[Statement, ...] = ()
    signals: tuple[Signal, ...] = ()
    problems: tuple[BadRecordError, ...] = ()
    remarks: tuple[Remark, ...] = ()


class Decoder(Protocol):
    """Gives meaning to records of one format; knows fields, not stores or sockets."""

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Statement | Meaning:
        """Say what one record means: mostly one statement about one incident.

        Raises BadRecordError naming column, value and rule when the record cannot be used.
        A doubt about a single field that leaves the rest usable becomes a flag instead.
        """
        ...
