"""What every part of the simulator promises."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pipelines.demo.model.case import Message


class Part(Protocol):
    """The other end of one source: it speaks the source's protocol, and nothing else.

    All methods are called in the simulator's thread. A closed part keeps what it is given and
    lets it out when it is opened again: nothing is lost by an outage.
    """

    def open(self) -> None:
        """Begin to speak, or to answer."""
        ...

    def close(self) -> None:
        """Fall silent, as in an outage."""
        ...

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Let out what is due, in order; called a few times a second, also with nothing."""
        ...

    def finish(self) -> None:
        """Let out at once whatever would wait for a better time."""
        ...

    @property
    def waiting(self) -> int:
        """How many messages were given and are not out yet."""
        ...
