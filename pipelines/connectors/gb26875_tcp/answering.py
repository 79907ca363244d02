"""What the centre answers to a frame, and when it sets a device's clock."""

from binascii import hexlify
from datetime import datetime, timedelta

from pipelines.decoders.gb26875.believing import Dialects
from pipelines.decoders.gb26875.codes import CONFIRM, DENY
from pipelines.decoders.gb26875.frame import BadFrame, Frame, Header, assemble, confirm, deny
from pipelines.decoders.gb26875.moments import Dialect, read_moment, write_moment

CONTROL, DATA, REQUEST, REPLY = 1, 2, 4, 5
SET_CLOCK = 90
UNANSWERED = frozenset({CONFIRM, REQUEST, REPLY, DENY})
"""Answers are not answered, and a request is not answered with a confirmation."""

_SET_AGAIN = timedelta(hours=1)
_MOST_DEVICES = 256


def answer(item: Frame | BadFrame, now: datetime, dialect: Dialect) -> bytes:
    """What is sent back for something that is on disk; mostly a confirmation, maybe nothing.

    Who sent hex as text is answered in text.
    """
    if isinstance(item, BadFrame):
        said = deny(item, now, dialect) if item.deny_due else b""
    elif item.header.command in UNANSWERED:
        said = b""
    else:
        said = confirm(item, now, dialect)
    return as_sent(item, said)


def as_sent(item: Frame | BadFrame, said: bytes) -> bytes:
    """The bytes, written in the manner of the frame they answer."""
    return hexlify(said).upper() if item.as_text else said


class ClockSetter:
    """Tells the devices of one connection what time it is, when theirs is off."""

    def __init__(self, dialect: Dialect, off_by: timedelta) -> None:
        self._dialect = dialect
        self._dialects = Dialects(dialect)
        self._off_by = off_by
        self._told: dict[bytes, datetime] = {}
        self._sequence = 0

    def command(self, frame: Frame, now: datetime) -> bytes:
        """The command that sets the clock of the device behind a frame, or nothing."""
        header = frame.header
        sent = read_moment(header.time, self._dialects.of(header.time, now))
        if sent.at is not None and abs(sent.at - now) <= self._off_by:
            return b""
        told = self._told.get(header.source)
        if told is not None and now - told < _SET_AGAIN:
            return b""
        if len(self._told) >= _MOST_DEVICES:
            self._told.clear()
        self._told[header.source] = now
        self._sequence = (self._sequence + 1) % 65_536
        time = write_moment(now, self._dialect)
        asked = Header(
            sequence=self._sequence,
            main_version=header.main_version,
            user_version=header.user_version,
            time=time,
            source=header.destination,
            destination=header.source,
            adu_length=0,
            command=CONTROL,
        )
        return as_sent(frame, assemble(asked, bytes((SET_CLOCK, 1)) + time))
