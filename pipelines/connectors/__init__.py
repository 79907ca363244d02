"""How records arrive, one protocol a file; adding one is a file and a line in ``CONNECTORS``."""

from typing import Any

from pipelines.connectors.file_drop.drop import FileDrop
from pipelines.connectors.gb26875_tcp.server import Gb26875Tcp
from pipelines.connectors.http_poll.poll import HttpPoll
from pipelines.connectors.mqtt.subscriber import Mqtt
from pipelines.connectors.sql_view.view import SqlView
from pipelines.connectors.webhook.receive import Webhook

CONNECTORS: dict[str, Any] = {
    "file_drop": FileDrop,
    "gb26875_tcp": Gb26875Tcp,
    "http_poll": HttpPoll,
    "mqtt": Mqtt,
    "sql_view": SqlView,
    "webhook": Webhook,
}
"""Every connector by the name a config block uses. Each has ``options``, its block's model."""
