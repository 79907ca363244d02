"""One case of the demo street: what truly happened, and what its source tells of it, and when."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from pipelines.model.fact import Reason
from pipelines.model.milestone import Milestone


class Message(NamedTuple):
    """What a source lets out at a moment; the ``body`` is for the part that speaks its protocol."""

    at: datetime
    source: str
    body: Mapping[str, Any]


class Told(NamedTuple):
    """One milestone as a source tells it, from a moment on; ``stamp`` None: it says no time.

    Of two about one milestone, the one that is told last counts: a correction.
    """

    since: datetime
    milestone: Milestone
    stamp: datetime | None


class LeftOut(NamedTuple):
    """That a source says, from a moment on, why the case is not to be counted."""

    since: datetime
    reason: Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One thing that happened, or that was said to have happened.

    ``key`` is what its source calls it, for an alarm the device; ``kind`` None means that the code
    it is given is in no mapping. ``known_from`` is when anything readable is told of it first, and
    None when nothing ever is. ``wrong`` names what was made wrong with it.
    """

    source: str
    key: str
    kind: str | None
    happened: Mapping[Milestone, datetime]
    told: tuple[Told, ...]
    messages: tuple[Message, ...]
    known_from: datetime | None
    left_out: LeftOut | None = None
    wrong: tuple[str, ...] = ()

    @property
    def t0(self) -> datetime:
        """When it was truly reported."""
        return self.happened[Milestone.REPORTED]


@dataclass(slots=True)
class Telling:
    """What is told of a case while it is being made up."""

    told: list[Told] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def say(self, milestone: Milestone, stamp: datetime | None, since: datetime) -> None:
        """From ``since`` on the source gives this stamp."""
        self.told.append(Told(since, milestone, stamp))

    def moments(self) -> list[datetime]:
        """When something new is told, in order."""
        return sorted({told.since for told in self.told})


def stamps_at(told: Iterable[Told], now: datetime) -> dict[Milestone, datetime | None]:
    """What a source says at a moment."""
    said = sorted((t for t in told if t.since <= now), key=lambda t: t.since)
    return {t.milestone: t.stamp for t in said}


class Revisions:
    """A record that changes: what it holds from when on."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields
        self._changes: list[tuple[datetime, dict[str, Any]]] = []

    def change(self, at: datetime, **fields: Any) -> None:
        """From ``at`` on, these fields hold these values."""
        self._changes.append((at, fields))

    def rows(self) -> Iterator[tuple[datetime, dict[str, Any]]]:
        """Each moment of change with all fields as they are from then on, in order of time."""
        fields = dict(self._fields)
        ordered = sorted(self._changes, key=lambda change: change[0])
        for at, changes in groupby(ordered, key=lambda change: change[0]):
            for _, changed in changes:
                fields |= changed
            yield at, dict(fields)
