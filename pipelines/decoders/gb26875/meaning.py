"""What a frame means: signals of the devices it speaks of, and an alarm for each fire."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipelines.connectors.record import Record, content_of
from pipelines.decoders.decoder import Meaning
from pipelines.decoders.device_moments import When
from pipelines.decoders.gb26875 import objects as o
from pipelines.decoders.gb26875.believing import Dialects, is_near, when
from pipelines.decoders.gb26875.codec import OBJECTS, Adu, Message, decode
from pipelines.decoders.gb26875.codes import ANALOG_TYPES
from pipelines.decoders.gb26875.frame import BadFrame
from pipelines.decoders.gb26875.framing import whole
from pipelines.decoders.gb26875.moments import Dialect, Moment
from pipelines.decoders.gb26875.options import DEVICE, MANUAL, SYSTEM, Gb26875Options
from pipelines.decoders.gb26875.states import ALARM_BUTTON, Change, of_operation, of_status
from pipelines.errors import BadRecordError
from pipelines.model.device import Alarm, Condition, Signal
from pipelines.model.fact import Fact, Flag, Statement
from pipelines.model.milestone import Milestone
from pipelines.model.stamp import Method

FRAME = "(frame)"
"""The column that complaints about a whole frame name."""
_SHOWN_BYTES = 32
_MOST = 200
"""Characters of a text that are kept as a value; all of its bytes are kept with the record."""


class Said(NamedTuple):
    """What one information object says: about which device, and the kind of its fire if it is one.

    ``part`` names the device behind the transmission device; empty is that device itself.
    """

    part: str
    change: Change
    values: Mapping[str, str]
    time: Moment | None
    kind: str | None = None
    title: str | None = None


class _Receipt(NamedTuple):
    """The record that is being read, and where and when it came from."""

    record: Record
    source: str
    at: datetime


class Gb26875Decoder:
    """Turns one frame into signals, and fires into alarms.

    A transmission device is known by its address in decimal; what is behind it as
    ``address/system type/system address``, with ``/component address`` for a component.
    """

    options = Gb26875Options

    def __init__(self, options: Gb26875Options, *, zone: ZoneInfo) -> None:
        self._options = options
        self._dialects = Dialects(
            Dialect(zone=zone, clock=options.clock, address_bits=options.address_bits)
        )

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Meaning:
        """Say what one record means; see :class:`~pipelines.decoders.decoder.Decoder`."""
        if record.problem is not None:
            raise BadRecordError(*record.problem)
        frame = whole(record.raw)
        if isinstance(frame, BadFrame):
            raise bad_frame(frame)
        message = decode(frame, self._dialects.of(frame.header.time, received_at))
        receipt = _Receipt(record, source, received_at)
        address = str(message.source)
        statements: list[Statement] = []
        signals: list[Signal] = []
        for number, said in enumerate(self._said(message.adu), start=1):
            doubts: list[Flag] = []
            moment = when(said.time, message.sent, received_at, doubts)
            device = f"{address}/{said.part}" if said.part else address
            signals.append(_signal(receipt, number, device, said, moment))
            if said.kind is not None:
                statements.append(_alarm(receipt, number, device, said, moment, doubts))
        if all(signal.device != address for signal in signals):
            signals.append(_sign_of_life(receipt, address, message))
        return Meaning(tuple(statements), tuple(signals), _problems(message.adu))

    def _said(self, adu: Adu | None) -> Iterator[Said]:
        if adu is None:
            return
        if adu.raw_objects is not None:
            yield Said("", Change(), _raw(adu), None)
        for thing in adu.objects:
            yield self._object(thing)

    def _object(self, thing: o.InformationObject) -> Said:
        if isinstance(thing, o.ComponentStatus):
            kind = self._options.component_kind(thing.comp_type)
            told = {"status": _flags(thing)}
            if thing.description:
                told["description"] = thing.description
            return self._status(_component(thing), thing, "component", kind, told)
        if isinstance(thing, o.AnalogValue):
            return Said(_component(thing), Change(), _measured(thing), thing.time)
        if isinstance(thing, o.SystemStatus):
            kind = self._options.kind_of(SYSTEM)
            return self._status(_system(thing), thing, "system", kind, {"status": _flags(thing)})
        if isinstance(thing, o.DeviceStatus):
            kind = self._options.kind_of(DEVICE)
            return self._status("", thing, "device", kind, {"status": _flags(thing)})
        if isinstance(thing, o.SystemOperation | o.DeviceOperation):
            return self._operation(thing)
        return Said(_place(thing), Change(), _facts(thing), None)

    def _status(
        self,
        part: str,
        thing: o.ComponentStatus | o.SystemStatus | o.DeviceStatus,
        reporter: str,
        kind: str,
        told: Mapping[str, str],
    ) -> Said:
        change = of_status(thing.BITS, thing.status)
        opens = Condition.ALARM in change.begun and reporter in self._options.alarms_of
        return Said(
            part, change, told, thing.time, kind if opens else None, told.get("description")
        )

    def _operation(self, thing: o.SystemOperation | o.DeviceOperation) -> Said:
        part = _system(thing) if isinstance(thing, o.SystemOperation) else ""
        told = {"operation": _flags(thing), "operator": str(thing.operator)}
        kind = self._options.kind_of(MANUAL) if ALARM_BUTTON in thing.flags else None
        return Said(part, of_operation(thing.flags), told, thing.time, kind)


def bad_frame(frame: BadFrame) -> BadRecordError:
    """What is wrong with something that is no frame, as the quarantine puts it."""
    return BadRecordError(FRAME, _hex(frame.raw), frame.why)


def _signal(receipt: _Receipt, number: int, device: str, said: Said, moment: When) -> Signal:
    record, source, received_at = receipt
    content = content_of(record, 2 * number)
    return Signal(source, device, moment.at, received_at, content, *said.change, said.values)


def _alarm(
    receipt: _Receipt, number: int, device: str, said: Said, moment: When, doubts: list[Flag]
) -> Statement:
    record, source, received_at = receipt
    facts = []
    if moment.reported is not None:
        facts.append(Fact(Milestone.REPORTED, moment.reported, method=Method.SENSOR))
    return Statement(
        source=source,
        incident_key="",
        # sent again under another number or sent time, it is the same report
        record_id=f"{device} {moment.alarm_at.isoformat()}",
        recorded_at=received_at,
        ordinal=record.ordinal,
        content=content_of(record, 2 * number + 1),
        facts=tuple(facts),
        kind=said.kind,
        title=said.title,
        flags=tuple(doubts),
        alarm=Alarm(device, moment.alarm_at),
    )


def _sign_of_life(receipt: _Receipt, address: str, message: Message) -> Signal:
    """That the transmission device is there, which every frame says.

    One with something to say and a clock that is far off says what time it thinks it is, too.
    """
    record, source, received_at = receipt
    is_right = is_near(message.sent, received_at)
    at = message.sent.at if is_right and message.sent.at is not None else received_at
    values = {}
    if not is_right and message.adu is not None:
        values["clock"] = _time(message.sent)
    return Signal(source, address, at, received_at, content_of(record), values=values)


def _problems(adu: Adu | None) -> tuple[BadRecordError, ...]:
    """A type the standard knows, whose objects cannot be read, may hide a fire: it is said aloud.

    What is a vendor's own is kept, and no mistake.
    """
    if adu is None or adu.raw_objects is None or adu.type_flag not in OBJECTS:
        return ()
    rule = (
        f"{adu.count} objects of type {adu.type_flag} do not take up these "
        f"{len(adu.raw_objects)} bytes, so nothing of them is read; ask the vendor for the layout"
    )
    return (BadRecordError("objects", _hex(adu.raw_objects), rule),)


def _raw(adu: Adu) -> Mapping[str, str]:
    return {f"type {adu.type_flag}": _hex(adu.raw_objects or b"") or "(empty)"}


def _hex(raw: bytes) -> str:
    more = " …" if len(raw) > _SHOWN_BYTES else ""
    return raw[:_SHOWN_BYTES].hex(" ") + more


def _component(thing: o.ComponentStatus | o.AnalogValue | o.ComponentConfiguration) -> str:
    return f"{thing.sys_type}/{thing.sys_addr}/{thing.comp_addr}"


def _system(
    thing: o.SystemStatus
    | o.SystemOperation
    | o.SystemVersion
    | o.SystemConfiguration
    | o.SystemClock,
) -> str:
    return f"{thing.sys_type}/{thing.sys_addr}"


def _place(thing: o.InformationObject) -> str:
    if isinstance(thing, o.ComponentConfiguration):
        return _component(thing)
    if isinstance(thing, o.SystemVersion | o.SystemConfiguration | o.SystemClock):
        return _system(thing)
    return ""


def _measured(thing: o.AnalogValue) -> Mapping[str, str]:
    known = ANALOG_TYPES.get(thing.analog_type)
    if known is None:
        return {f"analog {thing.analog_type}": str(thing.steps)}
    return {known[0]: f"{thing.value:g} {thing.unit}"}


def _facts(thing: o.InformationObject) -> Mapping[str, str]:
    """What a device says about itself: its software, its set-up, its clock."""
    if isinstance(thing, o.SystemVersion | o.DeviceVersion):
        return {"version": f"{thing.major}.{thing.minor}"}
    if isinstance(thing, o.SystemConfiguration | o.DeviceConfiguration):
        return {"configuration": thing.text[:_MOST]}
    if isinstance(thing, o.ComponentConfiguration):
        return {"description": thing.description}
    if isinstance(thing, o.SystemClock | o.ClockReading) and thing.time is not None:
        return {"clock": _time(thing.time)}
    if isinstance(thing, o.InspectionOrder):
        return {"inspection": f"{thing.timeout_minutes} min"}
    return {}


def _flags(thing: o.Status | o.Operation) -> str:
    return ", ".join(thing.flags) or "none"


def _time(moment: Moment) -> str:
    return moment.raw.hex(" ") if moment.at is None else moment.at.isoformat()
