"""华为 IoTDA: what its HTTP push (or a line of its AMQP queue) says about a device.

``device.property`` carries the properties of one or more services, ``device.message`` a JSON text
of the device, ``device.status`` whether the platform sees it. Times are ``20210518T025047Z``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from pipelines.decoders.device_options import DeviceTableOptions
from pipelines.decoders.device_table import Row
from pipelines.decoders.iot_push.envelope import (
    ONLINE,
    PlatformDecoder,
    each,
    flat,
    json_in,
    shown,
    texts,
)
from pipelines.errors import BadRecordError

SENT = "(sent)"
"""The column with the envelope's own time; ``event_time`` is that of the service."""

_HEADER = ("device_id", "node_id", "product_id", "gateway_id")
_ENVELOPE = frozenset((*_HEADER, "service_id", "event_time", SENT))
_STATUS = {"ONLINE": "1", "OFFLINE": "0", "ABNORMAL": "0"}


class IotdaOptions(DeviceTableOptions):
    """The properties of the services and what they mean; `service_id` is a column too."""

    device: tuple[str, ...] | str = Field(
        default="device_id",
        min_length=1,
        description="Column with the device; several are joined with `/`.",
    )
    time: str | None = Field(default="event_time", description="When it happened.")
    sent: str | None = Field(default=SENT, description="When the platform sent it.")


class IotdaDecoder(PlatformDecoder):
    """Reads IoTDA's pushes."""

    options = IotdaOptions

    def rows(self, message: Any) -> Sequence[Row | BadRecordError]:
        """The columns of each service in a message."""
        body, around = _opened(message)
        kind = message.get("resource")
        if kind == "device.property":
            services = body.get("services")
            if not isinstance(services, list) or not services:
                raise BadRecordError("services", shown(services), "is no list of services")
            return each(services, lambda service: _service(service, around))
        if kind == "device.message":
            content = body.get("content")
            content = json_in(content, "content") if isinstance(content, str) else content
            return [Row({**flat(content, "content"), **around}, _ENVELOPE)]
        if kind == "device.status":
            status = shown(body.get("status"))
            return [Row({ONLINE: _STATUS.get(status, status), **around}, _ENVELOPE)]
        rule = "is nothing this decoder knows; subscribe to properties, messages and status"
        raise BadRecordError("resource", shown(kind), rule)


def _opened(message: Any) -> tuple[Mapping[str, Any], dict[str, str]]:
    """The body of a message, and what its envelope says."""
    data = message.get("notify_data") if isinstance(message, Mapping) else None
    body = data.get("body") if isinstance(data, Mapping) else None
    if not isinstance(body, Mapping):
        raise BadRecordError("notify_data.body", shown(body), "is no JSON object")
    header = data.get("header") if isinstance(data, Mapping) else None
    around = {
        **texts(body, _HEADER),  # where a status has them
        **(texts(header, _HEADER) if isinstance(header, Mapping) else {}),
        **texts(message, ("event_time",)),
    }
    if "event_time" in around:
        around[SENT] = around["event_time"]
    return body, around


def _service(service: Any, around: Mapping[str, str]) -> Row:
    if not isinstance(service, Mapping):
        raise BadRecordError("services", shown(service), "holds something that is no object")
    said = flat(service.get("properties"), "properties")
    return Row({**said, **around, **texts(service, ("service_id", "event_time"))}, _ENVELOPE)
