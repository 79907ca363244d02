"""One frame of GB/T 26875.3-2011 (table 1): its fields, its bytes, and the centre's answers."""

from binascii import unhexlify
from dataclasses import dataclass
from datetime import datetime
from struct import Struct

from pipelines.decoders.gb26875.codes import CONFIRM, DENY
from pipelines.decoders.gb26875.moments import STANDARD, Dialect, write_moment

START = b"\x40\x40"
END = b"\x23\x23"
MAX_ADU = 1024
HEADER = Struct("<2sHBB6s6s6sHB")
"""From the start mark through the command byte."""
OVERHEAD = HEADER.size + 3
"""The length of a frame without its application data unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The control unit of a frame. Addresses are kept as the six bytes they are, for the answer."""

    sequence: int
    main_version: int
    user_version: int
    time: bytes
    source: bytes
    destination: bytes
    adu_length: int
    command: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A frame whose length, checksum and end mark are right.

    ``raw`` is the frame in bytes, also when it came as text.
    """

    header: Header
    adu: bytes
    checksum: int
    raw: bytes
    as_text: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BadFrame:
    """Something that begins like a frame and is none. ``raw`` is as received.

    ``deny_due`` is true only when the frame stands there complete and its checksum is wrong:
    then the header says whom to answer. The standard also counts a wrong length or end mark among
    what is denied, but those may be noise; their sender, hearing nothing, sends again.
    """

    why: str
    raw: bytes
    deny_due: bool = False
    as_text: bool = False

    @property
    def header(self) -> Header | None:
        """Sequence and addresses as they came, or None when too little came."""
        raw = unhexlify(self.raw) if self.as_text else self.raw
        return read_header(raw) if len(raw) >= HEADER.size else None


def read_header(raw: bytes) -> Header:
    """The header in the first 27 bytes of ``raw``."""
    _, sequence, main, user, time, source, destination, length, command = HEADER.unpack_from(raw)
    return Header(
        sequence=sequence,
        main_version=main,
        user_version=user,
        time=time,
        source=source,
        destination=destination,
        adu_length=length,
        command=command,
    )


def checksum(raw: bytes) -> int:
    """The checksum a complete frame must have: everything between start mark and checksum."""
    return sum(raw[2:-3]) & 0xFF


def assemble(header: Header, adu: bytes = b"") -> bytes:
    """The bytes of a frame; the length is taken from ``adu``.

    Raises ValueError when the data unit is longer than the standard allows.
    """
    if len(adu) > MAX_ADU:
        raise ValueError(f"an ADU of {len(adu)} bytes must not be longer than {MAX_ADU}")
    body = HEADER.pack(
        START,
        header.sequence,
        header.main_version,
        header.user_version,
        header.time,
        header.source,
        header.destination,
        len(adu),
        header.command,
    )
    body += adu
    return body + bytes((sum(body[2:]) & 0xFF,)) + END


def confirm(frame: Frame, now: datetime, dialect: Dialect = STANDARD) -> bytes:
    """The centre's command 3 to a frame that is stored."""
    return _answer(frame.header, CONFIRM, now, dialect)


def deny(frame: Frame | BadFrame, now: datetime, dialect: Dialect = STANDARD) -> bytes:
    """The centre's command 6 to a frame that came damaged.

    Raises ValueError when too little of it came to know whom to answer.
    """
    header = frame.header
    if header is None:
        raise ValueError(f"nobody to answer: of the header, {len(frame.raw)} characters came")
    return _answer(header, DENY, now, dialect)


def _answer(asked: Header, command: int, now: datetime, dialect: Dialect) -> bytes:
    return assemble(
        Header(
            sequence=asked.sequence,
            main_version=asked.main_version,
            user_version=asked.user_version,
            time=write_moment(now, dialect),
            source=asked.destination,
            destination=asked.source,
            adu_length=0,
            command=command,
        )
    )
