"""移动 OneNET (NB-IoT): what its HTTP push says about a device.

A message of type 1 is one value of one datastream, 2 says that a device came or went, 7 is the
result of a command. Several may come in a list. ``at`` is in epoch milliseconds.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from pipelines.decoders.device_options import DeviceTableOptions
from pipelines.decoders.device_table import Row
from pipelines.decoders.iot_push.envelope import ONLINE, PlatformDecoder, each, flat, shown, texts
from pipelines.errors import BadRecordError

_ENVELOPE = ("dev_id", "imei", "at", "ds_id", "type", "login_type")


class OnenetOptions(DeviceTableOptions):
    """The columns of the data and what they mean: each datastream is a column by its `ds_id`."""

    device: tuple[str, ...] | str = Field(
        default="dev_id",
        min_length=1,
        description="Column with the device; several are joined with `/`.",
    )
    sent: str | None = Field(default="at", description="When the platform had it.")
    sent_format: tuple[str, ...] | str = Field(default="epoch_ms", description="How it is written.")


class OnenetDecoder(PlatformDecoder):
    """Reads OneNET's pushes: whole, or only what stands under ``msg``."""

    options = OnenetOptions

    def rows(self, message: Any) -> list[Row | BadRecordError]:
        """The columns of each message in a push."""
        if isinstance(message, Mapping) and "msg" in message:
            message = message["msg"]
        messages = message if isinstance(message, list) else [message]
        if not messages:
            raise BadRecordError("msg", "a list", "holds no message")
        return each(messages, _row)


def _row(message: Any) -> Row:
    if not isinstance(message, Mapping):
        raise BadRecordError("msg", shown(message), "is no JSON object")
    kind = message.get("type")
    if kind == "1":
        stream = message.get("ds_id")
        if not isinstance(stream, str) or not stream:
            raise BadRecordError("ds_id", shown(stream), "names no datastream")
        said = flat({stream: message.get("value")}, "value")
    elif kind == "2":
        said = {ONLINE: shown(message.get("status"))}
    elif kind == "7":
        said = {}
    else:
        rule = "is no message this decoder knows (1 data, 2 on or off line, 7 command result)"
        raise BadRecordError("type", shown(kind), rule)
    return Row({**said, **texts(message, _ENVELOPE)}, frozenset(_ENVELOPE))
