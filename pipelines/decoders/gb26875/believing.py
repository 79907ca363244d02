"""Which of a frame's times are to be believed, by when it was received."""

from dataclasses import replace
from datetime import datetime, timedelta

from pipelines.decoders.device_moments import LATEST, OFF, When
from pipelines.decoders.gb26875.moments import Clock, Dialect, Moment, read_moment
from pipelines.model.fact import Flag

SENT, HAPPENED = "sent time", "time"


class Dialects:
    """The dialect of each frame, where devices write their times in one of two manners."""

    def __init__(self, dialect: Dialect) -> None:
        self._usual = dialect
        self._binary = replace(dialect, clock=Clock.BINARY)
        self._bcd = replace(dialect, clock=Clock.BCD)

    def of(self, sent: bytes, received_at: datetime) -> Dialect:
        """How a frame with these six bytes is to be read.

        A BCD time may look like a binary one of another year (0x26 is also 2038), but hardly
        both are near the moment of receipt.
        """
        if self._usual.clock is not Clock.AUTO or is_near(
            read_moment(sent, self._binary), received_at
        ):
            return self._usual
        return self._bcd if is_near(read_moment(sent, self._bcd), received_at) else self._usual


def is_near(sent: Moment, received_at: datetime) -> bool:
    """Whether a sender's clock is right enough to be believed: within a day of ours."""
    return sent.at is not None and abs(sent.at - received_at) <= OFF


def when(event: Moment | None, sent: Moment, received_at: datetime, doubts: list[Flag]) -> When:
    """When something happened; what is not believed becomes a doubt, and no time is made up.

    The sent time is believed when it is near ours. The time of the event is believed then, from
    ``LATEST`` before it was sent: what a device kept for weeks without a network is still true.
    Where it is not, the alarm was at the sent time, and where that is not believed either, when it
    was received: a clock that stands still, or begins anew at every start, would otherwise join a
    new fire to an old alarm. Where the frame's own time is none, the time of the event must be
    near ours itself.
    """
    happened = None if event is None else event.at
    if event is not None and happened is None:
        doubts.append(Flag(HAPPENED, event.raw.hex(" "), "is no time; the sent time counts"))
    said = happened or sent.at
    if sent.at is None:
        doubts.append(Flag(SENT, sent.raw.hex(" "), "is no time; the time of receipt counts"))
        earliest, instead = received_at - OFF, received_at
    elif is_near(sent, received_at):
        earliest, instead = sent.at - LATEST, sent.at
    else:
        doubts.append(_off(SENT, sent.at, received_at))
        return When(None, received_at, received_at)
    if said is None:
        return When(None, received_at, received_at)
    if earliest <= said <= received_at + OFF:
        return When(said, said, said)
    doubts.append(_off(HAPPENED, said, received_at))
    return When(None, instead, instead)


def _off(column: str, said: datetime, received_at: datetime) -> Flag:
    days = abs(said - received_at) / timedelta(days=1)
    side = "before" if said < received_at else "after"
    return Flag(
        column,
        said.isoformat(),
        f"lies {days:.0f} days {side} its receipt, so this clock is not believed; "
        "the time of receipt counts. Set the clock right",
    )
