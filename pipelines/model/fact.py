"""What one report says."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pipelines.model.device import Alarm
from pipelines.model.milestone import Milestone
from pipelines.model.place import Place
from pipelines.model.stamp import Method, Stamp


class Flag(NamedTuple):
    """A doubt about one field of a report that was kept all the same."""

    column: str
    value: str
    rule: str

    def __str__(self) -> str:
        return f"column {self.column!r}, value {self.value!r}: {self.rule}"


class Reason(StrEnum):
    """Why an incident is left out of the figures; each is counted in the ledger."""

    NOT_EMERGENCY = "not_emergency"
    PATROL_FOUND = "patrol_found"
    DRILL = "drill"
    SCHEDULED = "scheduled"
    OTHER_JURISDICTION = "other_jurisdiction"
    MERGED_CHILD = "merged_child"
    CANCELLED_IN_TIME = "cancelled_in_time"
    NO_TARGET = "no_target"


class Fact(NamedTuple):
    """One milestone as one report states it.

    ``at`` is None when the source says that it happened but not when: no stamp is invented.
    ``where`` is where whoever entered it was then, (lat, lon), where that is known: the position
    of an arrival tap, which need not be that of the incident.
    """

    milestone: Milestone
    at: datetime | None
    precision_s: int = 1
    method: Method = Method.IMPORTED
    where: tuple[float, float] | None = None

    @property
    def stamp(self) -> Stamp | None:
        """The fact's time with its provenance, if it has one."""
        return None if self.at is None else Stamp(self.at, self.precision_s, self.method)


class Statement(NamedTuple):
    """All that one report (one record of one source) says about one incident.

    ``incident_key`` and ``record_id`` are the source's own identifiers; two statements with
    the same ``record_id`` are revisions of one record, and the one that comes last by
    ``(recorded_at, ordinal, content)`` replaces the others, whatever order they arrive in.
    ``qualifies`` is False for a unit whose arrival does not stop the clock.
    ``about`` names the source whose incident it is about, when that is another one. A statement
    about an ``alarm`` has no key of its own: the door gives it that of the alarm's episode.
    A named tuple for the reason given at :class:`~pipelines.model.stamp.Stamp`.
    """

    source: str
    incident_key: str
    record_id: str
    recorded_at: datetime
    ordinal: int
    content: bytes
    facts: tuple[Fact, ...]
    unit: str | None = None
    qualifies: bool = True
    kind: str | None = None
    severity: int | None = None
    excluded: Reason | None = None
    place: Place | None = None
    title: str | None = None
    flags: tuple[Flag, ...] = ()
    about: str | None = None
    alarm: Alarm | None = None

    @property
    def moments(self) -> tuple[datetime, ...]:
        """When it was received, and every time that it says."""
        return (self.recorded_at, *(fact.at for fact in self.facts if fact.at is not None))

    @property
    def incident_source(self) -> str:
        """The source whose incident this is about: its own, unless it says otherwise."""
        return self.about or self.source

    @property
    def revision(self) -> tuple[datetime, int, bytes]:
        """What orders the revisions of one record."""
        return (self.recorded_at, self.ordinal, self.content)
