"""What the envelopes of all platforms have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pipelines.connectors.json_columns import columns, decoder
from pipelines.connectors.record import Record
from pipelines.decoders.decoder import Meaning
from pipelines.decoders.device_options import DeviceTableOptions, StateColumn
from pipelines.decoders.device_table import DeviceTableDecoder, Row
from pipelines.errors import BadRecordError

ONLINE = "(online)"
"""The column in which a platform says whether a device is there: ``1`` or ``0``."""

PRESENCE = StateColumn(column=ONLINE, map={"1": "no offline", "0": "offline"})
_SHOWN = 80
_DECODER = decoder()


class PlatformDecoder:
    """Unwraps a platform's envelope, then reads each device's columns by the vendor's table."""

    options: ClassVar[type[DeviceTableOptions]] = DeviceTableOptions

    def __init__(self, options: DeviceTableOptions, *, zone: ZoneInfo) -> None:
        self._table = DeviceTableDecoder(options, zone=zone, states=(PRESENCE,))

    def rows(self, message: Any) -> Sequence[Row | BadRecordError]:
        """The columns of each device or part a message is about; raises BadRecordError.

        One of several that cannot be read stands there as its error.
        """
        raise NotImplementedError

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Meaning:
        """Say what one push means; see :class:`~pipelines.decoders.decoder.Decoder`."""
        if record.problem is not None:
            raise BadRecordError(*record.problem)
        rows = self.rows(_message(record.raw))
        return self._table.meaning(rows, record, source=source, received_at=received_at)


def json_in(text: str, column: str) -> Any:
    """The value that a text holds as JSON; raises BadRecordError."""
    try:
        return _DECODER.decode(text.strip())
    except (ValueError, RecursionError) as error:
        raise BadRecordError(column, text[:_SHOWN], "is not JSON, or nested too deeply") from error


def flat(value: Any, column: str) -> dict[str, str]:
    """The columns of an object; raises BadRecordError for anything else."""
    try:
        return columns(value)
    except ValueError as error:
        raise BadRecordError(column, shown(value), str(error)) from error


def each(items: Iterable[Any], row_of: Callable[[Any], Row]) -> list[Row | BadRecordError]:
    """The row of each item, or the error where one has none."""
    rows: list[Row | BadRecordError] = []
    for item in items:
        try:
            rows.append(row_of(item))
        except BadRecordError as error:
            rows.append(error)
    return rows


def texts(value: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Those of the named members that hold a text or a number."""
    return {name: value[name] for name in names if isinstance(value.get(name), str)}


def shown(value: Any) -> str:
    """A value in few characters, for a person."""
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else str(value)[:_SHOWN]


def _message(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        said = raw[:_SHOWN].decode("utf-8", errors="backslashreplace")
        raise BadRecordError("(body)", said, f"byte {error.start + 1} is not UTF-8") from error
    return json_in(text, "(body)")
