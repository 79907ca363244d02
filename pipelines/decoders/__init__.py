"""What records mean, one format a file; adding one is a file and a line in ``DECODERS``."""

from typing import Any

from pipelines.decoders.device_table import DeviceTableDecoder
from pipelines.decoders.gb26875.meaning import Gb26875Decoder
from pipelines.decoders.iot_push.ctwing import CtwingDecoder
from pipelines.decoders.iot_push.iotda import IotdaDecoder
from pipelines.decoders.iot_push.onenet import OnenetDecoder
from pipelines.decoders.record_types import RecordTypesDecoder
from pipelines.decoders.sensor_json.home_assistant import HomeAssistantDecoder
from pipelines.decoders.sensor_json.thingsboard import ThingsboardDecoder
from pipelines.decoders.table import TableDecoder

DECODERS: dict[str, Any] = {
    "table": TableDecoder,
    "record_types": RecordTypesDecoder,
    "device_table": DeviceTableDecoder,
    "gb26875": Gb26875Decoder,
    "ctwing": CtwingDecoder,
    "onenet": OnenetDecoder,
    "iotda": IotdaDecoder,
    "thingsboard": ThingsboardDecoder,
    "home_assistant": HomeAssistantDecoder,
}
"""Every decoder by the name a config block uses. Each has ``options``, its block's model."""
