"""What devices report: the information objects of GB/T 26875.3-2011 (clause 8.2.1)."""

from dataclasses import dataclass
from fractions import Fraction
from struct import Struct
from typing import ClassVar, Self

from pipelines.decoders.gb26875.codes import (
    ANALOG_TYPES,
    COMPONENT_STATUS_BITS,
    DEVICE_OPERATION_BITS,
    DEVICE_STATUS_BITS,
    FIRE,
    NORMAL,
    SMOKE_DETECTORS,
    SYSTEM_OPERATION_BITS,
    SYSTEM_STATUS_BITS,
    flags,
)
from pipelines.decoders.gb26875.moments import Moment


@dataclass(frozen=True, slots=True)
class InformationObject:
    """Anything reported.

    ``LAYOUT`` is its bytes without the time, None when it says itself how long its text is;
    ``TIMED`` is whether a time follows.
    """

    LAYOUT: ClassVar[Struct | None] = None
    TIMED: ClassVar[bool] = False

    time: Moment | None

    @property
    def is_alarm(self) -> bool:
        """Whether this reports a fire."""
        return False

    @classmethod
    def read(cls, raw: bytes, time: Moment | None) -> Self:
        """Make one from exactly its bytes."""
        fields = cls.LAYOUT.unpack(raw) if cls.LAYOUT else ()
        return cls(time, *(text(f) if isinstance(f, bytes) else f for f in fields))


class Status:
    """What the three kinds of status share: bits 0 and 1."""

    __slots__ = ()
    BITS: ClassVar[tuple[str, ...]]
    status: int

    @property
    def flags(self) -> tuple[str, ...]:
        """The names of the bits that are set."""
        return flags(self.BITS, self.status)

    @property
    def is_alarm(self) -> bool:
        """Bit 1 and nothing else: devices on the street report real fires with bit 0 clear."""
        return bool(self.status & FIRE)

    @property
    def is_test(self) -> bool:
        """Whether the device calls its state a test. To be shown; it never hides an alarm."""
        return not self.status & NORMAL


class Component:
    """What names one component of a system."""

    __slots__ = ()
    comp_type: int
    comp_addr: int

    @property
    def zone(self) -> int:
        """The lower half of the address, as devices use it; the standard leaves it to them."""
        return self.comp_addr & 0xFFFF

    @property
    def point(self) -> int:
        """The upper half of the address."""
        return self.comp_addr >> 16

    @property
    def smells_smoke(self) -> bool:
        """Whether table 5 says that this is a smoke detector."""
        return self.comp_type in SMOKE_DETECTORS


class Operation:
    """What the two kinds of operation share."""

    __slots__ = ()
    BITS: ClassVar[tuple[str, ...]]
    operation: int

    @property
    def flags(self) -> tuple[str, ...]:
        """The names of the bits that are set."""
        return flags(self.BITS, self.operation)


@dataclass(frozen=True, slots=True)
class SystemStatus(Status, InformationObject):
    """Type 1: the state of a fire protection system."""

    LAYOUT = Struct("<BBH")
    TIMED = True
    BITS = SYSTEM_STATUS_BITS

    sys_type: int
    sys_addr: int
    status: int


@dataclass(frozen=True, slots=True)
class ComponentStatus(Status, Component, InformationObject):
    """Type 2: the state of one detector, button or module, with its place in words."""

    LAYOUT = Struct("<BBBIH31s")
    TIMED = True
    BITS = COMPONENT_STATUS_BITS

    sys_type: int
    sys_addr: int
    comp_type: int
    comp_addr: int
    status: int
    description: str


@dataclass(frozen=True, slots=True)
class AnalogValue(Component, InformationObject):
    """Type 3: a measurement."""

    LAYOUT = Struct("<BBBIBh")
    TIMED = True

    sys_type: int
    sys_addr: int
    comp_type: int
    comp_addr: int
    analog_type: int
    steps: int

    @property
    def value(self) -> float | None:
        """The measurement in ``unit``, or None when table 6 does not know its type."""
        known = ANALOG_TYPES.get(self.analog_type)
        return float(Fraction(self.steps, known[2])) if known else None

    @property
    def unit(self) -> str | None:
        """The unit of table 6."""
        known = ANALOG_TYPES.get(self.analog_type)
        return known[1] if known else None


@dataclass(frozen=True, slots=True)
class SystemOperation(Operation, InformationObject):
    """Type 4: somebody pressed something on a system."""

    LAYOUT = Struct("<BBBB")
    TIMED = True
    BITS = SYSTEM_OPERATION_BITS

    sys_type: int
    sys_addr: int
    operation: int
    operator: int


@dataclass(frozen=True, slots=True)
class SystemVersion(InformationObject):
    """Type 5: the software of a system."""

    LAYOUT = Struct("<BBBB")

    sys_type: int
    sys_addr: int
    major: int
    minor: int


@dataclass(frozen=True, slots=True)
class SystemConfiguration(InformationObject):
    """Type 6: what a system says about its set-up."""

    sys_type: int
    sys_addr: int
    length: int
    text: str


@dataclass(frozen=True, slots=True)
class ComponentConfiguration(Component, InformationObject):
    """Type 7: where a component is, in words."""

    LAYOUT = Struct("<BBBI31s")

    sys_type: int
    sys_addr: int
    comp_type: int
    comp_addr: int
    description: str


@dataclass(frozen=True, slots=True)
class SystemClock(InformationObject):
    """Type 8: what time a system thinks it is."""

    LAYOUT = Struct("<BB")
    TIMED = True

    sys_type: int
    sys_addr: int


@dataclass(frozen=True, slots=True)
class DeviceStatus(Status, InformationObject):
    """Type 21: the state of the transmission device itself."""

    LAYOUT = Struct("<B")
    TIMED = True
    BITS = DEVICE_STATUS_BITS

    status: int


@dataclass(frozen=True, slots=True)
class DeviceOperation(Operation, InformationObject):
    """Type 24: somebody pressed something on the transmission device."""

    LAYOUT = Struct("<BB")
    TIMED = True
    BITS = DEVICE_OPERATION_BITS

    operation: int
    operator: int


@dataclass(frozen=True, slots=True)
class DeviceVersion(InformationObject):
    """Type 25: the software of the transmission device."""

    LAYOUT = Struct("<BB")

    major: int
    minor: int


@dataclass(frozen=True, slots=True)
class DeviceConfiguration(InformationObject):
    """Type 26: what the transmission device says about its set-up."""

    length: int
    text: str


@dataclass(frozen=True, slots=True)
class ClockReading(InformationObject):
    """Types 28 and 90: the time a device has, or is told to have."""

    LAYOUT = Struct("")
    TIMED = True


@dataclass(frozen=True, slots=True)
class InspectionOrder(InformationObject):
    """Type 91: the centre asks the person on duty to press a key in time."""

    LAYOUT = Struct("<B")

    timeout_minutes: int


def text(raw: bytes) -> str:
    """GB 18030 text without its padding; a byte that is none of it is shown by its number."""
    said, rest = "", raw.strip(b"\0 ")
    while rest:
        try:
            said, rest = said + rest.decode("gb18030"), b""
        except UnicodeDecodeError as error:
            at = error.start
            # the codec's own error handlers take the good bytes behind a bad one with it
            said += rest[:at].decode("gb18030") + f"\\x{rest[at]:02x}"
            rest = rest[at + 1 :]
    # a text may be a short one written over a long one: what is behind the NUL is kept, apart
    return " ".join(part for part in said.split("\0") if part)
