"""电信 CTWing/AEP: what its HTTP push says about a device.

``dataReport`` carries what the device sent, in one of three ways: base64 in ``APPdata``, an object
``{serviceId, serviceData}``, or plain keys. ``deviceOnlineOfflineReport`` says whether the
platform sees the device, ``eventReport`` carries an event of the device. Shapes are those of
captured messages; ``timestamp`` is the platform's time in epoch milliseconds.
"""

import base64
import binascii
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

SERVICE = "(service)"
"""The column with the service that a payload names: its own, not the envelope's."""

_ENVELOPE = ("deviceId", "IMEI", "productId", "tenantId", "deviceSn", "protocol", "timestamp")
_APP_DATA = "payload.APPdata"


class CtwingOptions(DeviceTableOptions):
    """The columns of the payload and what they mean; `deviceId` and `IMEI` name the device."""

    device: tuple[str, ...] | str = Field(
        default="deviceId",
        min_length=1,
        description="Column with the device; several are joined with `/`.",
    )
    sent: str | None = Field(default="timestamp", description="When the platform had it.")
    sent_format: tuple[str, ...] | str = Field(default="epoch_ms", description="How it is written.")
    parts: str | None = Field(
        default=None, description="List in the payload with an object a part: `b`, for example."
    )


class CtwingDecoder(PlatformDecoder):
    """Reads CTWing's pushes."""

    options = CtwingOptions

    def __init__(self, options: CtwingOptions, **rest: Any) -> None:
        super().__init__(options, **rest)
        self._parts = options.parts

    def rows(self, message: Any) -> Sequence[Row | BadRecordError]:
        """The columns of a message, once for each of its parts."""
        if not isinstance(message, Mapping):
            raise BadRecordError("(body)", shown(message), "is no JSON object")
        around = texts(message, _ENVELOPE)
        kind = message.get("messageType")
        if kind == "dataReport":
            return self._report(message.get("payload"), around)
        if kind == "deviceOnlineOfflineReport":
            return [_row({ONLINE: shown(message.get("eventType"))}, around)]
        if kind == "eventReport":
            event = flat(message.get("eventContent"), "eventContent")
            return [_row({**event, **texts(message, ("eventType",))}, around)]
        rule = "is no message this decoder knows; it is kept as received"
        raise BadRecordError("messageType", shown(kind), rule)

    def _report(self, payload: Any, around: Mapping[str, str]) -> Sequence[Row | BadRecordError]:
        service: dict[str, str] = {}
        if isinstance(payload, Mapping) and "serviceData" in payload:
            service = {SERVICE: shown(payload.get("serviceId", ""))}
            payload = payload["serviceData"]
        elif isinstance(payload, Mapping) and "APPdata" in payload:
            payload = _unpacked(payload["APPdata"])
        parts = payload.get(self._parts) if self._parts and isinstance(payload, Mapping) else None
        if not isinstance(parts, list) or not parts:
            return [_row(flat(payload, "payload") | service, around)]
        rest = {name: value for name, value in payload.items() if name != self._parts}
        whole = flat(rest, "payload") | service
        return each(parts, lambda part: _row(whole | flat(part, self._parts or ""), around))


def _row(said: Mapping[str, str], around: Mapping[str, str]) -> Row:
    # a device must not pass for another by a name in its payload: the envelope counts
    known = {name: text for name, text in around.items() if text not in ("", "undefined")}
    return Row({**said, **known}, frozenset((*_ENVELOPE, SERVICE)))


def _unpacked(data: Any) -> Any:
    """The JSON in ``APPdata``, which is mostly in base64, at times without its padding."""
    if not isinstance(data, str):
        return data
    if data.lstrip().startswith("{"):
        return json_in(data, _APP_DATA)
    packed = "".join(data.split()).rstrip("=")
    try:
        raw = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRecordError(_APP_DATA, data[:80], "is neither JSON nor base64") from error
    try:
        return json_in(raw.decode(), _APP_DATA)
    except (UnicodeDecodeError, BadRecordError) as error:
        rule = (
            f"holds {len(raw)} bytes of a vendor's own format; they are kept as received. Let the "
            "platform parse them (a codec plug-in for the product), then they come as JSON"
        )
        raise BadRecordError(_APP_DATA, data[:80], rule) from error
