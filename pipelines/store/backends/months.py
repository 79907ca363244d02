"""UTC months, by which what only grows is cut."""

from collections.abc import Iterable, Iterator

from pipelines.store.rows import from_ms, to_ms


def month_start(ms: int) -> int:
    """When the UTC month of a moment begins, both in milliseconds since 1970."""
    return to_ms(from_ms(ms).replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def month_end(ms: int) -> int:
    """When the UTC month of a moment ends, both in milliseconds since 1970."""
    start = from_ms(month_start(ms))
    december = start.month == 12
    return to_ms(start.replace(year=start.year + december, month=start.month % 12 + 1))


def months(moments: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Beginning and end of every month that holds one of the moments."""
    end = None
    for ms in sorted(set(moments)):
        if end is None or ms >= end:
            end = month_end(ms)
            yield month_start(ms), end


def month_name(ms: int) -> str:
    """``2026_11`` for a moment of that month."""
    return f"{from_ms(ms):%Y_%m}"
