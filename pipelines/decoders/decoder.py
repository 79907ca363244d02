"""What a decoder promises."""

from datetime import datetime
from typing import Protocol

from pipelines.connectors.record import Record
from pipelines.model.fact import Statement


class Decoder(Protocol):
    """Gives meaning to records of one format; knows fields, not stores or sockets."""

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Statement:
        """Say what one record means.

        Raises BadRecordError naming column, value and rule when the record cannot be used.
        A doubt about a single field that leaves the rest usable becomes a flag instead.
        """
        ...
