"""Reading times as sources write them, fast, into aware UTC."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from zoneinfo import ZoneInfo

Reader = Callable[[str], datetime]
NAMED = ("iso", "epoch_s", "epoch_ms")
"""The formats that have a name; all others are ``strptime`` patterns."""

_SHAPES = {"%Y": "[0-9]{4}"} | dict.fromkeys(("%m", "%d", "%H", "%M", "%S"), "[0-9]{2}")
_SHAPES |= {"%I": "(?:0[1-9]|1[0-2])", "%p": "(?:AM|PM|am|pm)"}
_END = re.compile("%M([^%]*)%S$")
_ISO = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}")
_ISO_END = _END.search("%M:%S")
_HOURS_KEPT = 10_000
_AFTERNOON = frozenset({"PM", "pm"})
_DATE = frozenset({"%Y", "%m", "%d"})
# coarse to fine without a hole, so that their order is that of datetime's arguments
_WHOLE = {
    _DATE | {*hour, *rest}
    for hour in (("%H",), ("%I", "%p"))
    for rest in ((), ("%M",), ("%M", "%S"))
} | {_DATE}


def time_reader(formats: Sequence[str], zone: ZoneInfo) -> Reader:
    """A function from text to aware UTC that tries each format in turn.

    A format is a ``strptime`` pattern, ``iso``, ``epoch_s`` or ``epoch_ms``. A time without a
    zone is local to ``zone``; the hour that occurs twice when clocks go back is read as the
    first. The reader raises ValueError, naming the formats, when none fits.
    """
    readers = [_reader(pattern, zone) for pattern in formats]
    expected = " or ".join(repr(pattern) for pattern in formats)

    def read(text: str) -> datetime:
        for reader in readers:
            try:
                moment = reader(text)
                # the store keeps milliseconds; what is folded before and after must agree
                finer = moment.microsecond % 1000
                return moment - timedelta(microseconds=finer) if finer else moment
            except (ValueError, OverflowError, OSError):  # OSError: epoch, far away
                continue
        raise ValueError(f"is not a time written as {expected}")

    return _by_the_hour(formats[0], read) or read


def check_format(pattern: str) -> None:
    """Raise ValueError when no time could ever be read with this format."""
    if pattern in NAMED:
        return
    try:
        datetime.strptime(datetime(2000, 1, 1).strftime(pattern), pattern)  # noqa: DTZ001, DTZ007
    except (ValueError, re.error) as error:
        raise ValueError(f"{pattern!r} is no strptime pattern: {error}") from error


def precision_of(pattern: str) -> int:
    """How many seconds a time in this format stands for: 60 without seconds."""
    if pattern in NAMED or "%S" in pattern or "%T" in pattern:
        return 1
    if "%M" in pattern or "%R" in pattern:
        return 60
    return 3600 if "%H" in pattern or "%I" in pattern else 86_400


def _reader(pattern: str, zone: ZoneInfo) -> Reader:
    if pattern == "epoch_s":
        return lambda text: datetime.fromtimestamp(float(text), UTC)
    if pattern == "epoch_ms":
        return lambda text: datetime.fromtimestamp(int(text) / 1000, UTC)
    if pattern == "iso":
        return _localised(datetime.fromisoformat, zone)
    shape = _shape(pattern)
    slow = _localised(lambda text: datetime.strptime(text, pattern), zone)  # noqa: DTZ007 - zone below
    if shape is None:
        return slow
    fast = _localised(_by_position(shape, zone), zone)

    def read(text: str) -> datetime:
        try:
            return fast(text)
        except ValueError:
            return slow(text)  # one digit where two are usual

    return read


def _localised(read: Reader, zone: ZoneInfo) -> Reader:
    def aware(text: str) -> datetime:
        moment = read(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)

    return aware


def _shape(pattern: str) -> re.Pattern[str] | None:
    """What a text in a pattern of fixed width looks like, its parts named; None for others."""
    groups, shape, i = set(), "", 0
    while i < len(pattern):
        directive = pattern[i : i + 2]
        if pattern[i] != "%":
            shape, i = shape + re.escape(pattern[i]), i + 1
            continue
        if directive not in _SHAPES or directive in groups:
            return None
        groups.add(directive)
        shape, i = f"{shape}(?P<{directive[1]}>{_SHAPES[directive]})", i + 2
    return re.compile(shape) if frozenset(groups) in _WHOLE else None


def _by_position(shape: re.Pattern[str], zone: ZoneInfo) -> Reader:
    """A reader by position, three times as fast as strptime."""
    twelve = "I" in shape.groupindex
    names = [name for name in "YmdHIMS" if name in shape.groupindex]
    pick = itemgetter(*(shape.groupindex[name] - 1 for name in names))
    half = shape.groupindex.get("p", 0)

    def read(text: str) -> datetime:
        match = shape.fullmatch(text)
        if match is None:
            raise ValueError(text)
        year, month, day, *clock = map(int, pick(match.groups()))
        if twelve:
            clock[0] = clock[0] % 12 + (12 if match[half] in _AFTERNOON else 0)
        # the clock has no more than three parts
        return datetime(year, month, day, *clock, tzinfo=zone)  # type: ignore[arg-type,misc]

    return read


def _by_the_hour(pattern: str, read: Reader) -> Reader | None:
    """The same reader, six times as fast: it remembers when an hour began and adds what is behind.

    For texts that end with minutes and seconds, two digits each; None for other patterns.
    """
    shape, end = (_ISO, _ISO_END) if pattern == "iso" else (_shape(pattern), _END.search(pattern))
    if shape is None or end is None:
        return None
    within = _within_an_hour(end[1])
    first, *_, last = within
    size = len(first)
    began: dict[str, datetime] = {}

    def remember(hour: str) -> None:
        try:
            start, stop = read(hour + first), read(hour + last)
        except ValueError:
            return  # at the end of the calendar
        if stop - start == within[last]:  # unless clocks change within it
            if len(began) >= _HOURS_KEPT:
                began.clear()
            began[hour] = start

    def fast(text: str) -> datetime:
        try:
            return began[text[:-size]] + within[text[-size:]]
        except KeyError:
            moment = read(text)
        if shape.fullmatch(text):
            remember(text[:-size])
        return moment

    return fast


@lru_cache
def _within_an_hour(between: str) -> dict[str, timedelta]:
    """How far into the hour a text of minutes and seconds is, in order."""
    return {
        f"{minute:02}{between}{second:02}": timedelta(minutes=minute, seconds=second)
        for minute in range(60)
        for second in range(60)
    }


def past_midnight(
    moment: datetime, first: datetime, *, after: timedelta, zone: ZoneInfo
) -> datetime:
    """Move a time without a date to the next day when it would lie far before the first one."""
    if first - moment <= after:
        return moment
    # through the local calendar, not by 24 h: clocks may have changed in between
    return (moment.astimezone(zone) + timedelta(days=1)).astimezone(UTC)
