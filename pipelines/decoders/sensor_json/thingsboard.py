"""ThingsBoard's MQTT topics: telemetry and attributes, of a device or of a gateway.

``v1/devices/me/telemetry`` carries ``{"ts": 1451649600512, "values": {…}}`` or plain members, or a
list of either; ``v1/gateway/telemetry`` the same by the name of each device; ``v1/gateway/connect``
and ``…/disconnect`` say that a device came or went. Times are epoch milliseconds.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from pipelines.connectors.mqtt.messages import PAYLOAD, TOPIC
from pipelines.connectors.record import Record
from pipelines.decoders.decoder import Meaning
from pipelines.decoders.device_options import DeviceTableOptions
from pipelines.decoders.device_table import DeviceTableDecoder, Row
from pipelines.decoders.iot_push.envelope import ONLINE, PRESENCE, flat, json_in, shown
from pipelines.decoders.sensor_json.published import published
from pipelines.errors import BadRecordError

DEVICE = "(device)"
"""The column with a device's name: as its gateway calls it, or the part of the topic."""
TIME = "(ts)"

_ITSELF = "me"
_PRESENT = {"connect": "1", "disconnect": "0"}
_SAYING = ("telemetry", "attributes")


class ThingsboardOptions(DeviceTableOptions):
    """The keys of the telemetry and what they mean; the parts of the topic are columns too."""

    device: tuple[str, ...] | str = Field(
        default=DEVICE,
        min_length=1,
        description="Column with the device; several are joined with `/`.",
    )
    time: str | None = Field(default=TIME, description="When it was measured.")
    time_format: tuple[str, ...] | str = Field(default="epoch_ms", description="How it is written.")


class ThingsboardDecoder:
    """Unwraps telemetry, then reads each device's columns by the table."""

    options = ThingsboardOptions

    def __init__(self, options: ThingsboardOptions, *, zone: ZoneInfo) -> None:
        self._table = DeviceTableDecoder(options, zone=zone, states=(PRESENCE,))

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Meaning:
        """Say what one message means; see :class:`~pipelines.decoders.decoder.Decoder`."""
        if record.problem is not None:
            raise BadRecordError(*record.problem)
        topic, text = published(record)
        rows = list(_rows(topic, json_in(text, PAYLOAD)))
        return self._table.meaning(rows, record, source=source, received_at=received_at)


def _rows(topic: str, message: Any) -> Iterator[Row | BadRecordError]:
    """The columns of each device and moment a message is about."""
    parts = topic.split("/")
    of, what = (parts[-2], parts[-1]) if len(parts) > 1 else ("", topic)
    around = {TOPIC: topic} | {f"(topic.{n})": part for n, part in enumerate(parts, 1)}
    if of == "gateway" and what in _PRESENT:
        name = message.get("device") if isinstance(message, Mapping) else None
        yield _row({ONLINE: _PRESENT[what]}, around | {DEVICE: shown(name or "")})
    elif of == "gateway" and what in _SAYING:
        if not isinstance(message, Mapping):
            raise BadRecordError(PAYLOAD, shown(message), "is no JSON object of devices")
        for name, said in message.items():
            yield from _said(said, around | {DEVICE: name})
    elif what in _SAYING:
        yield from _said(message, around if of == _ITSELF else around | {DEVICE: of})
    else:
        rule = "ends in nothing this decoder knows; subscribe to …/telemetry and …/attributes"
        raise BadRecordError(TOPIC, topic[:200], rule)


def _said(said: Any, around: Mapping[str, str]) -> Iterator[Row | BadRecordError]:
    """The columns at each moment that telemetry tells of."""
    for one in said if isinstance(said, list) else [said]:
        try:
            values, times = one, {}
            if isinstance(one, Mapping) and isinstance(one.get("values"), Mapping):
                values, times = one["values"], {TIME: shown(one.get("ts") or "")}
            yield _row(flat(values, PAYLOAD), {**around, **times})
        except BadRecordError as error:
            yield error


def _row(said: Mapping[str, str], around: Mapping[str, str]) -> Row:
    return Row({**said, **around}, frozenset(around))
