"""Playing a file of the past as if it were happening now.

The moment ``from`` is laid on the moment the replay starts; what lies before it is history and
arrives at once, what lies behind it arrives when its time comes. Each fact of a record is seen
at its own time: a call is first reported, later dispatched, later on scene. All facts of one
incident are moved by the same amount, so every duration is the real one.

Between two incidents time may pass faster (``gap_speed``) and be cut short (``max_gap``); what
happens within an incident keeps its pace. With ``loop``, the replay begins anew when it has
ended, as new incidents.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from pipelines.connectors.record import Batch, Horizon, Poller, Record
from pipelines.decoders.decoder import Decoder, Meaning
from pipelines.errors import BadRecordError
from pipelines.model.fact import Statement
from pipelines.model.milestone import Milestone
from pipelines.reading.options import Duration, Moment, Options

_PART = "replay"
_BATCH = 2000
_PAUSE_BETWEEN_CYCLES = timedelta(minutes=1)


class ReplayOptions(Options):
    """How to play a file source as if live."""

    start: Moment = Field(alias="from", description="The moment that becomes now; local time.")
    speed: float = Field(default=1.0, gt=0, le=86_400, description="How fast the clock runs.")
    gap_speed: float = Field(
        default=1.0, ge=1, le=1e6, description="How fast time passes between two incidents."
    )
    max_gap: Duration | None = Field(
        default=None, description="The longest pause between two incidents, as played."
    )
    loop: bool = Field(default=False, description="Begin anew when all has been played.")

    @property
    def skips_quiet(self) -> bool:
        """True when quiet stretches are shorter than they were."""
        return self.gap_speed > 1 or self.max_gap is not None

    def played(self, gap: timedelta) -> timedelta:
        """How long a pause between two incidents is in the replay."""
        shorter = gap / self.gap_speed
        return shorter if self.max_gap is None else min(shorter, self.max_gap)


class _Cue(NamedTuple):
    """At ``at`` the record of ``entry`` may be seen up to ``until``; None: all of it."""

    at: datetime
    entry: int
    until: datetime | None
    real: datetime
    shift: timedelta


class _Entry(NamedTuple):
    """A record of the file with what it says and when its incident began."""

    record: Record
    statement: Statement | None
    t0: datetime


def seen(statement: Statement, horizon: Horizon | None) -> Statement:
    """The statement as the replay lets it be seen: facts up to the horizon, moved in time."""
    if horizon is None:
        return statement
    facts = tuple(
        fact._replace(at=None if fact.at is None else fact.at + horizon.shift)
        for fact in statement.facts
        if horizon.until is None or (fact.at is not None and fact.at <= horizon.until)
    )
    key = statement.incident_key
    return statement._replace(
        facts=facts, incident_key=f"{key}~{horizon.cycle}" if horizon.cycle else key
    )


class Replay:
    """A poller that hands out the records of another one when their time comes.

    It keeps nothing: a replay starts anew with the product, in a store of its own.
    """

    unfinished: tuple[str, ...] = ()

    def __init__(
        self, options: ReplayOptions, inner: Poller, decoder: Decoder, *, zone: ZoneInfo
    ) -> None:
        self.options = options
        self._inner = inner
        self._decoder = decoder
        start = options.start
        self._from = start if start.tzinfo is not None else start.replace(tzinfo=zone)
        self._entries: Sequence[_Entry] = ()
        self._cues: Sequence[_Cue] = ()
        self._next = 0
        self._cycle = 0
        self._offset = timedelta(0)
        self._shift: timedelta | None = None

    @property
    def has_ended(self) -> bool:
        """True when every record has been played and the replay does not loop."""
        return bool(self._cues) and self._next >= len(self._cues) and not self.options.loop

    def real_time(self, now: datetime) -> datetime:
        """The moment of the past that is being played at ``now``."""
        return self._from if self._shift is None else now - self._offset - self._shift

    def poll(self, positions: Mapping[str, str], *, now: datetime) -> Iterator[Batch]:
        """Yield every record that shows something new at ``now``, each once, in its last state."""
        if not self._cues:
            self._entries = self._read(now)
            self._cues = plan(self._entries, self._from, now, self.options.played)
            self._shift = now - self._from if self._cues else None
        due: dict[int, _Cue] = {}
        while self._next < len(self._cues) and self._cues[self._next].at + self._offset <= now:
            cue = self._cues[self._next]
            due.pop(cue.entry, None)
            due[cue.entry] = cue
            # incidents overlap: the one that is furthest on says what moment is played
            self._shift = cue.shift if self._shift is None else min(self._shift, cue.shift)
            self._next += 1
        records = [self._shown(cue) for cue in due.values()]
        for i in range(0, len(records), _BATCH):
            yield Batch(records=tuple(records[i : i + _BATCH]), part=_PART, position="")
        if self._next >= len(self._cues) and self.options.loop:
            self._begin_anew()

    def over(self, file: Path) -> Poller:
        """The inner connector over one file: a replay is of its own file only."""
        return self._inner.over(file)

    def _read(self, now: datetime) -> list[_Entry]:
        records = [r for batch in self._inner.poll({}, now=now) for r in batch.records]
        said = [self._try(record, now) for record in records]
        begins: dict[str, datetime] = {}
        for statement in filter(None, said):
            times = [fact.at for fact in statement.facts if fact.at is not None]
            first = min([*times, begins.get(statement.incident_key, now)])
            begins[statement.incident_key] = first
        return [
            _Entry(record, statement, begins[statement.incident_key] if statement else self._from)
            for record, statement in zip(records, said, strict=True)
        ]

    def _try(self, record: Record, now: datetime) -> Statement | None:
        try:
            meant = self._decoder.decode(record, source="", received_at=now)
        except BadRecordError:
            return None  # the door will say so when the record is played
        if isinstance(meant, Meaning):
            return meant.statements[0] if meant.statements else None
        return meant

    def _shown(self, cue: _Cue) -> Record:
        shift = cue.shift + self._offset
        # the store keeps milliseconds; what is folded before and after must agree
        shift -= timedelta(microseconds=shift.microseconds % 1000)
        horizon = Horizon(cue.until, shift, self._cycle)
        return self._entries[cue.entry].record._replace(horizon=horizon)

    def _begin_anew(self) -> None:
        length = self._cues[-1].at - self._cues[0].at
        self._offset += length + _PAUSE_BETWEEN_CYCLES
        self._cycle += 1
        self._next = 0
        self._shift = None


def plan(
    entries: Sequence[_Entry],
    start: datetime,
    anchor: datetime,
    played: Callable[[timedelta], timedelta],
) -> list[_Cue]:
    """When each record may be seen up to where; ``start`` is laid on ``anchor``.

    ``played`` says how long a pause between two incidents is in the replay.
    """
    shifts = _shifts(sorted({entry.t0 for entry in entries}), start, anchor, played)
    cues: list[_Cue] = []
    opened: set[str] = set()
    for number, entry in enumerate(entries):
        shift = shifts[entry.t0]
        times = _times(entry, opened)
        cues.extend(_Cue(u + shift, number, u, u, shift) for u in times[:-1])
        cues.append(_Cue(times[-1] + shift, number, None, times[-1], shift))
    return sorted(cues)


def _shifts(
    begins: Sequence[datetime],
    start: datetime,
    anchor: datetime,
    played: Callable[[timedelta], timedelta],
) -> dict[datetime, timedelta]:
    """How far each incident is moved, by when it began; quiet stretches are cut both ways."""
    shifts: dict[datetime, timedelta] = {}
    real, shown = start, anchor
    for t0 in (t for t in begins if t >= start):
        shown += played(t0 - real)
        real, shifts[t0] = t0, shown - t0
    real, shown = start, anchor
    for t0 in (t for t in reversed(begins) if t < start):
        shown -= played(real - t0)
        real, shifts[t0] = t0, shown - t0
    return shifts


def _times(entry: _Entry, opened: set[str]) -> list[datetime]:
    """The moments at which a record says something new; a unit's row begins when it is sent."""
    if entry.statement is None:
        return [entry.t0]
    said = [(fact.milestone, fact.at) for fact in entry.statement.facts if fact.at is not None]
    times = {at for _, at in said}
    if entry.statement.unit is not None and entry.statement.incident_key in opened:
        sent = [at for milestone, at in said if milestone is Milestone.DISPATCHED]
        times = {at for at in times if not sent or at >= sent[0]}
    opened.add(entry.statement.incident_key)
    return sorted(times) or [entry.t0]
