"""What platforms push in the tests, and the sources they push it to."""

import base64
import hashlib
import json
from typing import Any

from tests.builders import NINE, at
from tests.pipelines.decoders.test_iot_push import SAMPLES
from tests.pipelines.pushing import SECRET, VARIABLE, Street

NINE_MS = int(NINE.timestamp() * 1000)


PUSHES = """
[sources.{id}]
name = "{id}"
connector = {{ type = "webhook", {options} auth = {{ {auth}, secret = "{variable}" }} }}
[sources.{id}.decoder]
{decoder}
"""


CTWING = """
type = "ctwing"
kind = "smoke"
states = { column = "Alarm_Status", map = { 1 = "alarm", 2 = "muted", 5 = "fault", 7 = "normal" } }
battery = "Battery_Level"
values = { temperature = { column = "TData", unit = "℃" } }
"""


PLAIN = """
type = "device_table"
device = "device"
time = "at"
kind = "smoke"
states = { column = "state", map = { alarm = "alarm", normal = "normal" } }
"""


ONENET = """
type = "onenet"
kind = "smoke"
states = { column = "3200_0_5500", map = { true = "alarm", false = "normal" } }
values = { level = "datastream_id" }
"""


IOTDA = """
type = "iotda"
values = { light = "luminance" }
"""


def a_source(
    id: str = "plain",  # noqa: A002 - the key's name
    *,
    auth: str = 'type = "bearer"',
    decoder: str = PLAIN,
    options: str = "",
) -> str:
    return PUSHES.format(id=id, auth=auth, options=options, decoder=decoder, variable=VARIABLE)


SOURCES = (
    a_source()
    + a_source("ctwing", decoder=CTWING)
    + a_source("onenet", auth='type = "onenet"', decoder=ONENET)
    + a_source("iotda", auth='type = "iotda"', decoder=IOTDA)
    + a_source("by_header", auth='type = "header", name = "X-Token"')
    + a_source("by_query", auth='type = "query", name = "token"')
    + a_source("by_hmac", auth='type = "hmac", name = "X-Signature"')
    + a_source("few", options="rate = 1.0, burst = 3,")
    + a_source("small", options="max_body = 2048,")
    + a_source("listed", options='records = "data.rows",')
)


def a_push(device: str = "S-1", state: str = "alarm", seconds: float = 0) -> dict[str, Any]:
    return {"device": device, "at": at(seconds).isoformat(), "state": state}


def a_report(device: str, status: int, seconds: float = 0) -> dict[str, Any]:
    data = {"Alarm_Status": status, "TData": 31, "Battery_Level": 80}
    return SAMPLES["C02"] | {
        "deviceId": device,
        "timestamp": NINE_MS + int(seconds * 1000),
        "payload": {"serviceId": "notification", "serviceData": data},
    }


BODY = json.dumps(a_push("by anyone")).encode()


def of_device(street: Street, table: str, device: str) -> list[Any]:
    return [row for row in street.rows(table) if device in row]


def quarantined(street: Street, source: str) -> list[Any]:
    return [row for row in street.rows("quarantine") if row[0] == source]


def onenet_signature(message: str, nonce: str, secret: str = SECRET) -> str:
    digest = hashlib.md5(f"{secret}{nonce}{message}".encode()).digest()
    return base64.b64encode(digest).decode()


def iotda_headers(secret: str = SECRET) -> dict[str, str]:
    parts = sorted((secret, "1621306247", "NONCE1"))
    signature = hashlib.sha256("".join(parts).encode()).hexdigest()
    return {"timestamp": "1621306247", "nonce": "NONCE1", "signature": signature}
