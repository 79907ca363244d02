"""The six bytes in which devices write local time, and what they mean (clause 8.2.2)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(StrEnum):
    """How a device writes the numbers of a time."""

    BINARY = "binary"
    """As the standard says: 0x15 is 21."""
    BCD = "bcd"
    """As some vendors do: 0x21 is 21."""
    AUTO = "auto"
    """Binary where that is a time, else BCD. A BCD time can look like a binary one (the year
    0x26 is also 2038): where a vendor is known to write BCD, say so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """How one kind of device departs from the standard, and the zone its clock is set to."""

    zone: ZoneInfo = SHANGHAI
    clock: Clock = Clock.AUTO
    address_bits: int = 48
    """48, or 32 where only the first four bytes of an address count and the rest is the vendor's.
    Answers carry all six bytes back either way."""

    def __post_init__(self) -> None:
        if self.address_bits not in (32, 48):
            raise ValueError(f"address_bits = {self.address_bits} must be 32 or 48")

    def address(self, field: bytes) -> int:
        """The number in an address field, lowest byte first."""
        return int.from_bytes(field[: self.address_bits // 8], "little")


STANDARD = Dialect()


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as received: ``at`` is aware and UTC, or None when the bytes are not a time."""

    at: datetime | None
    raw: bytes


def read_moment(raw: bytes, dialect: Dialect) -> Moment:
    """Read second, minute, hour, day, month, year (of 2000) as the dialect writes them."""
    at = None
    if dialect.clock is not Clock.BCD:
        at = _time(raw, dialect.zone)
    if at is None and dialect.clock is not Clock.BINARY:
        digits = [byte >> 4 for byte in raw] + [byte & 15 for byte in raw]
        if max(digits) <= 9:
            at = _time(bytes((byte >> 4) * 10 + (byte & 15) for byte in raw), dialect.zone)
    return Moment(at, raw)


def write_moment(at: datetime, dialect: Dialect) -> bytes:
    """The six bytes for an aware time, in the zone and manner of the dialect.

    Raises ValueError for a time without a zone, and outside 2000 to 2099.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at!r} must have a zone")
    local = at.astimezone(dialect.zone)
    if not 2000 <= local.year <= 2099:
        raise ValueError(f"{local!r} must be in 2000 to 2099")
    numbers = (local.second, local.minute, local.hour, local.day, local.month, local.year - 2000)
    if dialect.clock is Clock.BCD:
        return bytes(n // 10 * 16 + n % 10 for n in numbers)
    return bytes(numbers)


def _time(numbers: bytes, zone: ZoneInfo) -> datetime | None:
    second, minute, hour, day, month, year = numbers
    if year > 99:
        return None
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None
