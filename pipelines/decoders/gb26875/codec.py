"""What a frame of GB/T 26875.3-2011 says: the fields of its header, and its data unit."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.decoders.gb26875 import objects as o
from pipelines.decoders.gb26875.codes import READ_SIZES, command_name, type_name
from pipelines.decoders.gb26875.frame import Frame
from pipelines.decoders.gb26875.moments import STANDARD, Dialect, Moment, read_moment

TIME = 6
"""Bytes of a time."""

OBJECTS: Mapping[int, type[o.InformationObject]] = {
    1: o.SystemStatus,
    2: o.ComponentStatus,
    3: o.AnalogValue,
    4: o.SystemOperation,
    5: o.SystemVersion,
    6: o.SystemConfiguration,
    7: o.ComponentConfiguration,
    8: o.SystemClock,
    21: o.DeviceStatus,
    24: o.DeviceOperation,
    25: o.DeviceVersion,
    26: o.DeviceConfiguration,
    28: o.ClockReading,
    90: o.ClockReading,
    91: o.InspectionOrder,
}
"""The object behind each type flag of table 3. Another type is one class and one line here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adu:
    """An application data unit (clause 8.1).

    ``raw_objects`` is what could not be read, which is all of the objects or none: half a list
    would hide that there was more.
    """

    type_flag: int
    count: int | None
    objects: tuple[o.InformationObject, ...] = ()
    raw_objects: bytes | None = None

    @property
    def name(self) -> str:
        """What table 3 calls it."""
        return type_name(self.type_flag)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A decoded frame. ``sent`` is when the device sent it; what it tells of may be weeks older."""

    sequence: int
    main_version: int
    user_version: int
    sent: Moment
    source: int
    destination: int
    adu_length: int
    command: int
    checksum: int
    adu: Adu | None

    @property
    def command_name(self) -> str:
        """What table 2 calls the command."""
        return command_name(self.command)

    @property
    def is_alarm(self) -> bool:
        """Whether any object reports a fire, in test or not."""
        return self.adu is not None and any(thing.is_alarm for thing in self.adu.objects)

    @property
    def is_heartbeat(self) -> bool:
        """Whether the device only says that it is there: data without a data unit."""
        return self.command == 2 and self.adu is None


def decode(frame: Frame, dialect: Dialect = STANDARD) -> Message:
    """Say what a frame means. Never fails: what is not understood is kept raw."""
    header = frame.header
    return Message(
        sequence=header.sequence,
        main_version=header.main_version,
        user_version=header.user_version,
        sent=read_moment(header.time, dialect),
        source=dialect.address(header.source),
        destination=dialect.address(header.destination),
        adu_length=header.adu_length,
        command=header.command,
        checksum=frame.checksum,
        adu=decode_adu(frame.adu, dialect) if frame.adu else None,
    )


def decode_adu(raw: bytes, dialect: Dialect = STANDARD) -> Adu:
    """Say what a data unit of at least one byte means."""
    type_flag, body = raw[0], raw[2:]
    if len(raw) < 2:
        return Adu(type_flag=type_flag, count=None, raw_objects=b"")
    kind, count = OBJECTS.get(type_flag), raw[1]
    things = _objects(kind, count, body, dialect) if kind else None
    if things is None:
        return Adu(type_flag=type_flag, count=count, raw_objects=body)
    return Adu(type_flag=type_flag, count=count, objects=things)


def is_adu(raw: bytes) -> bool:
    """Whether these bytes, without a frame, are exactly a data unit the standard knows."""
    if len(raw) < 2 or raw[1] == 0:
        return False
    if raw[0] in READ_SIZES:
        return len(raw) == 2 + raw[1] * READ_SIZES[raw[0]]
    return raw[0] in OBJECTS and decode_adu(raw).raw_objects is None


def _objects(
    kind: type[o.InformationObject], count: int, body: bytes, dialect: Dialect
) -> tuple[o.InformationObject, ...] | None:
    """All objects, or None when they do not take up exactly ``body``."""
    if kind.LAYOUT is None:
        return _texts(kind, count, body)
    size = kind.LAYOUT.size + (TIME if kind.TIMED else 0)
    if len(body) != count * size:
        return None
    things = []
    for start in range(0, len(body), size):
        end = start + kind.LAYOUT.size
        time = read_moment(body[end : end + TIME], dialect) if kind.TIMED else None
        things.append(kind.read(body[start:end], time))
    return tuple(things)


def _texts(
    kind: type[o.InformationObject], count: int, body: bytes
) -> tuple[o.InformationObject, ...] | None:
    """Clauses 8.2.1.6 and 8.2.1.11: the text is as long as the byte before it says."""
    things: list[o.InformationObject] = []
    of_system = kind is o.SystemConfiguration
    prefix = 3 if of_system else 1
    at = 0
    for _ in range(count):
        if len(body) < at + prefix:
            return None
        fixed = body[at : at + prefix]
        at += prefix
        said = o.text(body[at : at + fixed[-1]])
        at += fixed[-1]
        if of_system:
            things.append(o.SystemConfiguration(None, fixed[0], fixed[1], fixed[2], said))
        else:
            things.append(o.DeviceConfiguration(None, fixed[0], said))
    return tuple(things) if at == len(body) else None
