"""Frames written as hex, one or more a line, and what they say as plain JSON values."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from pipelines.decoders.gb26875 import objects as o
from pipelines.decoders.gb26875.codec import Adu, Message, decode, decode_adu, is_adu
from pipelines.decoders.gb26875.frame import START, BadFrame, Frame
from pipelines.decoders.gb26875.framing import NO_START, Framer
from pipelines.decoders.gb26875.moments import STANDARD, Dialect, Moment

MAX_LINE = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 40


def decode_lines(stream: BinaryIO, dialect: Dialect = STANDARD) -> Iterator[dict[str, Any]]:
    """Yield what each line holds: frames, one bare data unit, or why it is neither."""
    for chunk in _chunks(stream):
        if not isinstance(chunk, bytes):
            yield chunk
        elif not chunk.startswith(START) and is_adu(chunk):
            yield {"ok": True, "adu": _adu(decode_adu(chunk, dialect), dialect.zone)}
        else:
            framer = Framer()
            found = framer.feed(chunk) + framer.settle()
            yield from (shown(item, dialect) for item in found)
            if not found:
                yield {"ok": False, "why": NO_START}


def decode_stream(stream: BinaryIO, dialect: Dialect = STANDARD) -> Iterator[dict[str, Any]]:
    """Yield the frames of one stream whose reads are the lines."""
    framer = Framer()
    for chunk in _chunks(stream):
        if isinstance(chunk, bytes):
            yield from (shown(item, dialect) for item in framer.feed(chunk))
        else:
            yield chunk
    yield from (shown(item, dialect) for item in framer.settle())


def shown(item: Frame | BadFrame, dialect: Dialect = STANDARD) -> dict[str, Any]:
    """A frame as JSON values; its times are local to the dialect's zone."""
    if isinstance(item, BadFrame):
        return {"ok": False, "why": item.why} | ({"nak": True} if item.deny_due else {})
    return _message(decode(item, dialect), dialect.zone)


def hex_chunks(stream: BinaryIO) -> Iterator[tuple[int, bytes | str]]:
    """Yield the number of each line with its bytes, or with the rule it breaks."""
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
            yield number, f"longer than {MAX_LINE} characters; break it into several"
            continue
        said = line.removeprefix(_BYTE_ORDER_MARK).split(b"#", 1)[0].strip()
        if not said:
            continue
        try:
            yield number, bytes.fromhex(said.decode("ascii"))
        except ValueError:
            text = said[:_SHOWN].decode("ascii", errors="backslashreplace")
            yield number, f"{text!r} is not hex; write two digits 0-9, a-f for each byte"


def _chunks(stream: BinaryIO) -> Iterator[bytes | dict[str, Any]]:
    for number, said in hex_chunks(stream):
        yield {"ok": False, "why": f"line {number}: {said}"} if isinstance(said, str) else said


def _message(message: Message, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "ok": True,
        "seq": message.sequence,
        "main_version": message.main_version,
        "user_version": message.user_version,
        **_moment(message.sent, zone),
        "src": message.source,
        "dst": message.destination,
        "adu_len": message.adu_length,
        "command": message.command,
        "command_name": message.command_name,
        "checksum": message.checksum,
        "adu": _adu(message.adu, zone) if message.adu else None,
    }


def _adu(adu: Adu, zone: ZoneInfo) -> dict[str, Any]:
    told = {
        "type_flag": adu.type_flag,
        "count": adu.count,
        "objects": [_object(thing, zone) for thing in adu.objects],
    }
    return told if adu.raw_objects is None else told | {"raw_objects": adu.raw_objects.hex()}


_NAMES = {"operation": "op", "steps": "raw", "timeout_minutes": "inspect_timeout_min"}
"""Fields that have a shorter name, or the unit in it, on the command line."""


def _object(thing: o.InformationObject, zone: ZoneInfo) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in (field.name for field in fields(thing) if field.name != "time"):
        told[_NAMES.get(name, name)] = getattr(thing, name)
        if name in ("status", "operation") and isinstance(thing, o.Status | o.Operation):
            told["flags"] = list(thing.flags)
        if name == "comp_addr" and isinstance(thing, o.ComponentStatus):
            told |= {"zone": thing.zone, "point": thing.point}
    if isinstance(thing, o.SystemVersion | o.DeviceVersion):
        told["version"] = f"{told.pop('major')}.{told.pop('minor')}"
    return told | (_moment(thing.time, zone) if thing.time else {})


def _moment(moment: Moment, zone: ZoneInfo) -> dict[str, Any]:
    if moment.at is None:
        return {"time": None, "time_raw": moment.raw.hex()}
    return {"time": _local(moment.at, zone)}


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat()
