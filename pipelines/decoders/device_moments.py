"""When a device says something happened, and whether its clock is to be believed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipelines.decoders.device_options import DeviceTableOptions
from pipelines.decoders.table_options import as_tuple
from pipelines.model.fact import Flag
from pipelines.reading.times import precision_of, time_reader

OFF = timedelta(days=1)
"""A clock that differs from ours by more is not believed."""
LATEST = timedelta(days=90)
"""How long after an event it may be sent; a device keeps what it could not send."""

TextOf = Callable[[str], str | None]


class When(NamedTuple):
    """The times of one record of one device.

    ``reported`` is None when no time is to be believed: then none is made up. ``alarm_at`` tells
    alarms apart, by a believed clock, else by our receipt; ``at`` orders what devices say.
    ``doubt`` is about a clock that is off. It belongs to an alarm whose report time is missing
    for it, and does not make any other record of such a device wrong.
    """

    reported: datetime | None
    alarm_at: datetime
    at: datetime
    doubt: Flag | None = None


class Moments:
    """Reads the times of records as the options say."""

    def __init__(self, options: DeviceTableOptions, zone: ZoneInfo) -> None:
        self._time, self._sent = options.time, options.sent
        formats = as_tuple(options.time_format), as_tuple(options.sent_format)
        self._read_time, self._read_sent = (time_reader(f, zone) for f in formats)
        said = formats[0] if options.time else formats[1]
        self.precision_s = max(precision_of(pattern) for pattern in said)

    def read(self, text_of: TextOf, received_at: datetime, doubts: list[Flag]) -> When:
        """The times of one record; a text that is no time becomes one of the doubts.

        The sender's time is believed when it is within a day of ours. The device's time is
        believed when it lies within a day of ours, or, with a believed sender's time, up to
        ``LATEST`` before that: what was kept for weeks without a network is still true.
        """
        sent = _read(self._sent, self._read_sent, text_of, doubts)
        told = _read(self._time, self._read_time, text_of, doubts)
        event = told or sent
        if event is None:
            return When(None, received_at, received_at)
        believed = sent is not None and abs(sent - received_at) <= OFF
        earliest = received_at - OFF if sent is None or not believed else sent - LATEST
        if earliest <= event <= received_at + OFF and (sent is None or believed):
            return When(event, event, event)
        column, by = (self._time, event) if sent is None or believed else (self._sent, sent)
        doubt = _off(column or "", text_of(column or "") or "", by, received_at)
        if sent is not None and believed:
            return When(None, sent, sent, doubt)
        # a clock that stands still must not join a new fire to an old alarm
        return When(None, received_at, received_at, doubt)


def _read(
    column: str | None, read: Callable[[str], datetime], text_of: TextOf, doubts: list[Flag]
) -> datetime | None:
    text = text_of(column) if column else None
    if column is None or text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        doubts.append(Flag(column, text, str(error)))
        return None


def _off(column: str, text: str, said: datetime, received_at: datetime) -> Flag:
    days = abs(said - received_at) / timedelta(days=1)
    side = "before" if said < received_at else "after"
    return Flag(
        column,
        text,
        f"lies {days:.0f} days {side} its receipt, so this clock is not believed; "
        "the time of receipt counts. Set the clock right",
    )
