"""Windows of days: which moments "today", "yesterday" or "30d" are, everywhere the same.

Days are local and begin at midnight (KPI contract, section 5), and today is one of them: "30d" is
today and the 29 days before.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from pipelines.reading.options import parse_duration
from pipelines.store import schema
from pipelines.store.rows import from_ms
from pipelines.store.store import Reader

ALL = "all"
YESTERDAY = "yesterday"
_NAMED = frozenset({"today", YESTERDAY})


def days_of(window: str) -> int:
    """How many days a window has; one for ``today`` and ``yesterday``."""
    return 1 if window in _NAMED else parse_duration(window).days


def bounds(window: str, now: datetime, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Beginning and end of a window in UTC, [start, end); None where it is open."""
    if window == ALL:
        return None, None
    if window == YESTERDAY:
        return midnight(now, zone, ago=1), midnight(now, zone)
    return midnight(now, zone, ago=days_of(window) - 1), None


def midnight(now: datetime, zone: ZoneInfo, *, ago: int = 0) -> datetime:
    """When the local day began that was ``ago`` days before the one of ``now``, in UTC.

    By date, since a local day has 23 hours or 25 when the clocks change.
    """
    day = now.astimezone(zone).date() - timedelta(days=ago)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def first_record(reader: Reader, now: datetime) -> datetime:
    """When the first incident of the street began that is known at all; ``now`` without any."""
    first = reader.rows(select(func.min(schema.incident.c.t0_ms)))[0][0]
    return now if first is None else min(from_ms(first), now)
