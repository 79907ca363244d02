"""When a source usually delivers: what to expect of an hour, and whether silence is a bad sign.

Records are counted by hour in the door's transaction. From the weeks before, a Poisson rate is
estimated for each hour of the week: what was counted in that hour, drawn towards the hour of the
day, which is drawn towards the whole, each as if one record more had come at the pace of the wider
pool (a gamma prior with shape 1). So a rare source, or a short history, says little about Tuesday
at four, and is believed little; an office that is shut on Sundays is known soon.

Records come in bundles, so silence is judged by *occasions*: minutes in which something came, at
the lower of the rates of this hour of the week and of the day, as a guess must not cry wolf.
P(nothing since) = exp(-integral of that rate). A source that needs an hour to deliver
is not silent for what the last hour cannot have shown yet: the integral ends its usual delay ago.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, sqrt
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader, Writer

HOUR_MS = 3_600_000
SILENT_BELOW = 0.001
"""A source is silent when what we see of it would happen by chance less often than this."""
SEEN_HOURS = 24
"""How many past hours are shown beside what was expected of them."""

_MINUTE_MS = 60_000
_WEEKS = 8
_WEEK_HOURS = 7 * 24
_PRIOR_RECORDS = 1.0
_FEWEST_OCCASIONS = 12
_FEWEST_HOURS = 24
_LONGEST_WALK = 3 * _WEEK_HOURS  # by then every rate worth a judgement has added up
_SAMPLES = 64
_FEWEST_DELAYS = 5
_FRESH = timedelta(minutes=5)
_LATE = timedelta(seconds=30)
_LONGEST_DELAY = timedelta(hours=48)  # a batch that goes further back is history being loaded


class Delay(NamedTuple):
    """How long the records of one minute took: receipt minus their own stamp, in ms."""

    received_ms: int
    lowest_ms: int
    median_ms: int
    longest_ms: int


def count(
    writer: Writer,
    source: str,
    stamps: Sequence[datetime | None],
    *,
    received_at: datetime,
    heartbeats: Sequence[datetime] = (),
) -> None:
    """Count what has just arrived; ``stamps`` holds the latest time each new record speaks of.

    A record without one counts at its receipt, and so does one that is dated ahead. Heartbeats
    are no news and are not counted, but they too tell how long the way takes.
    """
    now_ms = to_ms(received_at)
    _note_delay(writer, source, [to_ms(at) for at in (*stamps, *heartbeats) if at], now_ms)
    dated = [to_ms(stamp) for stamp in stamps if stamp is not None]
    moments = [min(ms, now_ms) for ms in dated]
    moments.extend([now_ms] * (len(stamps) - len(dated)))
    if not moments:
        return
    table = schema.arrival
    by_hour = _by_hour(moments)
    known = writer.rows(
        select(table).where(
            table.c.source == source,
            table.c.hour_ms >= min(by_hour),
            table.c.hour_ms <= max(by_hour),
        )
    )
    before = {row.hour_ms: (row.records, row.occasions) for row in known if row.hour_ms in by_hour}
    rows = []
    for hour, (records, occasions) in by_hour.items():
        earlier = before.get(hour, (0, 0))
        # sixty minutes have sixty at most, however many batches fall into them
        rows.append((source, hour, earlier[0] + records, min(earlier[1] + occasions, 60)))
    writer.put(table, rows)


def _by_hour(moments: Iterable[int]) -> dict[int, tuple[int, int]]:
    """(records, occasions) by hour."""
    minutes: dict[int, int] = {}
    for ms in moments:
        minute = ms // _MINUTE_MS
        minutes[minute] = minutes.get(minute, 0) + 1
    hours: dict[int, tuple[int, int]] = {}
    for minute, n in minutes.items():
        hour = minute // 60 * HOUR_MS
        records, occasions = hours.get(hour, (0, 0))
        hours[hour] = (records + n, occasions + 1)
    return hours


def _note_delay(writer: Writer, source: str, stamps: Sequence[int], now_ms: int) -> None:
    """Remember how long the records took, one sample a minute, the latest few of them."""
    delays = sorted(now_ms - ms for ms in stamps)
    if not delays or delays[-1] > _LONGEST_DELAY.total_seconds() * 1000:
        return
    middle, last = delays[len(delays) // 2], delays[len(delays) * 9 // 10]
    sample = Delay(now_ms, delays[0], middle, last)
    samples = list(delays_of(writer, source))
    if samples and samples[-1].received_ms // _MINUTE_MS == now_ms // _MINUTE_MS:
        before = samples.pop()
        sample = Delay(
            now_ms,
            min(before.lowest_ms, sample.lowest_ms),
            sample.median_ms,
            max(before.longest_ms, sample.longest_ms),
        )
    samples = [*samples, sample][-_SAMPLES:]
    writer.put(schema.delay, [(source, json.dumps(samples, separators=(",", ":")))])


def delays_of(reader: Reader, source: str) -> tuple[Delay, ...]:
    """The latest delays of a source, oldest first."""
    query = select(schema.delay.c.samples).where(schema.delay.c.source == source)
    rows = reader.rows(query)
    return tuple(Delay(*sample) for sample in json.loads(rows[0].samples)) if rows else ()


def all_delays(reader: Reader) -> dict[str, tuple[Delay, ...]]:
    """The latest delays of every source, oldest first, by source."""
    return {
        row.source: tuple(Delay(*sample) for sample in json.loads(row.samples))
        for row in reader.rows(select(schema.delay))
    }


def usual_delay(delays: Sequence[Delay]) -> timedelta | None:
    """Median over the last minutes of how long most of a source's records took."""
    return _middle([delay.longest_ms for delay in delays])


def lag(delays: Sequence[Delay]) -> timedelta | None:
    """Receipt minus stamp, the median; None when no record says when."""
    return _middle([delay.median_ms for delay in delays])


def clock_offset(delays: Sequence[Delay]) -> timedelta | None:
    """Our receipt minus their stamp, lower envelope (KPI contract, section 7).

    Below zero, the source's clock is ahead by at least that much; above, it is behind by at most
    that much, and the rest is the way to us.
    """
    if not delays:
        return None
    return timedelta(milliseconds=min(delay.lowest_ms for delay in delays))


def behind(delays: Sequence[Delay], *, now: datetime) -> timedelta | None:
    """How much later than usual records come now; None where they do not, or nothing says so.

    Usual is the earlier half of the minutes that are remembered: its median, and late is what is
    later than nine in ten of them. So a flood of half an hour does not become usual, and a source
    that delivers now early and now late is never called late.
    """
    if len(delays) < _FEWEST_DELAYS or now - from_ms(delays[-1].received_ms) > _FRESH:
        return None
    earlier = sorted(delay.median_ms for delay in delays[: len(delays) // 2])
    usual, latest = earlier[len(earlier) // 2], earlier[len(earlier) * 9 // 10]
    newest = delays[-1].median_ms
    is_late = timedelta(milliseconds=newest - latest) > _LATE
    return timedelta(milliseconds=newest - usual) if is_late else None


def _middle(values: Sequence[int]) -> timedelta | None:
    ordered = sorted(values)
    return timedelta(milliseconds=ordered[len(ordered) // 2]) if ordered else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """What one hour brings, by hour of the week (Monday midnight is 0, local time)."""

    by_hour: tuple[float, ...]
    zone: ZoneInfo

    def at(self, hour_ms: int) -> float:
        """The rate of the hour that begins then."""
        local = from_ms(hour_ms).astimezone(self.zone)
        return self.by_hour[local.weekday() * 24 + local.hour]

    def between(self, start_ms: int, end_ms: int) -> float:
        """How much is expected from one moment to another: the integral of the rate."""
        expected, ms = 0.0, start_ms
        for _ in range(_LONGEST_WALK):
            if ms >= end_ms:
                break
            following = min((ms // HOUR_MS + 1) * HOUR_MS, end_ms)
            expected += self.at(ms // HOUR_MS * HOUR_MS) * (following - ms) / HOUR_MS
            ms = following
        return expected


class Hour(NamedTuple):
    """One hour beside what was expected of it; ``low`` and ``high`` hold 95 % of such hours."""

    start: datetime
    records: int
    low: float
    expected: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """How a source usually delivers, and how long that takes it.

    ``records`` and ``occasions`` are None while the history is too short to say.
    """

    records: Rates | None = None
    occasions: Rates | None = None
    spread: float = 1.0
    delays: tuple[Delay, ...] = ()

    def chance_of_nothing(self, last: datetime, now: datetime) -> float | None:
        """P(nothing since ``last``), as of ``now``; None while too little is known."""
        if self.occasions is None:
            return None
        end = now - (usual_delay(self.delays) or timedelta(0))
        return exp(-self.occasions.between(to_ms(last), to_ms(end)))

    def is_silent(self, last: datetime, now: datetime) -> bool:
        """Whether nothing since ``last`` would be too much of a coincidence."""
        chance = self.chance_of_nothing(last, now)
        return chance is not None and chance < SILENT_BELOW

    def expected(self, now: datetime) -> float | None:
        """How many records have usually come since the full hour; None while not known."""
        if self.records is None:
            return None
        return self.records.between(to_ms(now) // HOUR_MS * HOUR_MS, to_ms(now))

    def hours(self, counted: Mapping[int, int], now: datetime) -> tuple[Hour, ...]:
        """The last hours, the present one included, with what was expected of each.

        The band is two standard deviations; what comes in bundles spreads wider than Poisson.
        """
        last = to_ms(now) // HOUR_MS * HOUR_MS
        found = []
        for hour in range(last - (SEEN_HOURS - 1) * HOUR_MS, last + 1, HOUR_MS):
            mean = self.records.at(hour) if self.records is not None else 0.0
            width = 2 * sqrt(mean * self.spread)
            low, high = max(mean - width, 0.0), mean + width
            found.append(Hour(from_ms(hour), counted.get(hour, 0), low, mean, high))
        return tuple(found)


NO_RHYTHM = Rhythm()


def rhythm_of(
    history: Sequence[tuple[int, int, int]], delays: tuple[Delay, ...], zone: ZoneInfo
) -> Rhythm:
    """The rhythm behind (hour_ms, records, occasions) rows, in order.

    The history ends before its last hour, which may not be over: a source that has been dead for
    a week has not learned to be silent.
    """
    if not history:
        return Rhythm(delays=delays)
    end = history[-1][0]
    start = max(history[0][0], end - _WEEKS * _WEEK_HOURS * HOUR_MS)
    rows = history[bisect_left(history, (start,)) : -1]
    is_known = sum(row[2] for row in rows) >= _FEWEST_OCCASIONS
    if not is_known or end - start < _FEWEST_HOURS * HOUR_MS:
        return Rhythm(delays=delays)
    seen = _hours_seen(start, end, zone)
    records = Rates(by_hour=_rates(rows, 1, seen, zone)[0], zone=zone)
    of_week, of_day = _rates(rows, 2, seen, zone)
    occasions = Rates(by_hour=tuple(map(min, of_week, of_day * 7)), zone=zone)
    spread = _spread({row[0]: row[1] for row in rows}, records, start, end)
    return Rhythm(records=records, occasions=occasions, spread=spread, delays=delays)


def _hours_seen(start: int, end: int, zone: ZoneInfo) -> list[float]:
    """How many hours of each hour of the week a history spans."""
    seen = [0.0] * _WEEK_HOURS
    for hour in range(start, end, HOUR_MS):
        local = from_ms(hour).astimezone(zone)
        seen[local.weekday() * 24 + local.hour] += 1
    return seen


def _rates(
    rows: Sequence[tuple[int, int, int]], column: int, seen: Sequence[float], zone: ZoneInfo
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What an hour brings, by hour of the week and by hour of the day."""
    counted = [0.0] * _WEEK_HOURS
    for row in rows:
        local = from_ms(row[0]).astimezone(zone)
        counted[local.weekday() * 24 + local.hour] += row[column]
    overall = sum(counted) / sum(seen)
    of_day = tuple(
        _shrunk(sum(counted[hour::24]), sum(seen[hour::24]), towards=overall) for hour in range(24)
    )
    of_week = tuple(
        _shrunk(counted[slot], seen[slot], towards=of_day[slot % 24]) for slot in range(_WEEK_HOURS)
    )
    return of_week, of_day


def _shrunk(counted: float, hours: float, *, towards: float) -> float:
    """The mean of the gamma with shape 1 and the wider pool's rate as mean, after these hours."""
    return (counted + _PRIOR_RECORDS) / (hours + _PRIOR_RECORDS / towards) if towards else 0.0


def _spread(counted: Mapping[int, int], rates: Rates, start: int, end: int) -> float:
    """How much wider than Poisson hours scatter: the mean of (n - rate)² / rate, at least 1."""
    terms = []
    for hour in range(start, end, HOUR_MS):
        rate = rates.at(hour)
        if rate > 0:
            terms.append((counted.get(hour, 0) - rate) ** 2 / rate)
    return max(sum(terms) / len(terms), 1.0) if terms else 1.0


class Rhythms:
    """The rhythm of every source, read from the store at most once in ``_KEPT_FOR``."""

    _KEPT_FOR = timedelta(minutes=5)

    def __init__(self) -> None:
        self._read_at: datetime | None = None
        self._known: dict[str, Rhythm] = {}

    def read(
        self, reader: Reader, sources: Iterable[str], zone: ZoneInfo, *, now: datetime
    ) -> Mapping[str, Rhythm]:
        """The rhythms by source, as they were a few minutes ago at most."""
        if self._read_at is None or not timedelta(0) <= now - self._read_at < self._KEPT_FOR:
            self._known = {name: read_rhythm(reader, name, zone) for name in sources}
            self._read_at = now
        return self._known


def read_rhythm(reader: Reader, source: str, zone: ZoneInfo) -> Rhythm:
    """The rhythm of one source, from what the store has counted; at most 1,344 rows."""
    table = schema.arrival
    latest = select(func.max(table.c.hour_ms)).where(table.c.source == source).scalar_subquery()
    query = (
        select(table.c.hour_ms, table.c.records, table.c.occasions)
        .where(table.c.source == source, table.c.hour_ms > latest - _WEEKS * _WEEK_HOURS * HOUR_MS)
        .order_by(table.c.hour_ms)
    )
    history = [(row.hour_ms, row.records, row.occasions) for row in reader.rows(query)]
    return rhythm_of(history, delays_of(reader, source), zone)


def recent_hours(reader: Reader, *, now: datetime) -> dict[str, dict[int, int]]:
    """Records by source and hour over the hours that are shown."""
    table = schema.arrival
    since = to_ms(now) - SEEN_HOURS * HOUR_MS
    found: dict[str, dict[int, int]] = {}
    rows: Sequence[Any] = reader.rows(select(table).where(table.c.hour_ms > since))
    for row in rows:
        found.setdefault(row.source, {})[row.hour_ms] = row.records
    return found
