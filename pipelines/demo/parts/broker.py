"""MQTT sensors behind a broker that is started here, when Mosquitto is installed."""

import json
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from pipelines.clock import Clock
from pipelines.demo.model.case import Message
from pipelines.demo.model.street import Device
from pipelines.demo.parts.pushes import battery, epoch_ms, reports
from pipelines.demo.settings import mosquitto

REPORTS_EVERY = timedelta(hours=1)
_TOPIC = "street/sensor/{}/state"
_IN_FLIGHT = 300
_PAUSE_S = 0.5
_NOBODY_LISTENS = 0x10
"""MQTT 5.0, 3.4.2.1: the broker has it, and there is no matching subscriber."""
_STOPS_WITHIN_S = 10


class MqttSensors:
    """The broker, and sensors that publish to it; closed, the broker is stopped.

    A message stays in the line until the broker has it and somebody was there to hear it.
    """

    def __init__(
        self, folder: Path, host: str, port: int, *, devices: Sequence[Device], clock: Clock
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._host, self._port = host, port
        self._devices = devices
        self._clock = clock
        self._broker: subprocess.Popen[bytes] | None = None
        self._line: deque[Message] = deque()
        self._sent: dict[int, Message] = {}
        self._answers: deque[tuple[int, int]] = deque()
        self._is_connected = False
        self._is_over = False
        self._not_before = 0.0
        self._reported_until: datetime | None = None
        self._client: Any = None

    @property
    def waiting(self) -> int:
        """How many messages nobody has heard yet."""
        return len(self._line) + len(self._sent)

    def open(self) -> None:
        """Start the broker, and connect."""
        if self._broker is not None:
            return
        program = mosquitto()
        assert program is not None
        file = self._folder / "mosquitto.conf"
        file.write_text(
            f"listener {self._port} {self._host}\nallow_anonymous true\n"
            f"persistence true\npersistence_location {self._folder}/\n"
            "max_queued_messages 0\nlog_type error\n",
            encoding="utf-8",
        )
        # as root the broker would change to a user that may not write here
        if Path("/proc/self").stat().st_uid == 0:
            file.write_text(file.read_text(encoding="utf-8") + "user root\n", encoding="utf-8")
        self._broker = subprocess.Popen(
            [program, "-c", str(file)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._client = self._made()
        self._client.connect_async(self._host, self._port, keepalive=15)
        self._client.loop_start()

    def close(self) -> None:
        """Stop the broker; what it had for others it writes down."""
        if self._broker is None:
            return
        self._client.disconnect()
        self._client.loop_stop()
        self._broker.terminate()
        try:
            self._broker.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._broker.kill()
            self._broker.wait()
        self._broker = None
        self._forget_sent()

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Publish what is due, and the reports of the sensors."""
        since = self._reported_until or now
        self._reported_until = now
        self._line.extend(messages)
        if not self._is_over:
            self._line.extend(reports(self._devices, since, now, REPORTS_EVERY))
        self._hear_answers()
        self._publish()

    def finish(self) -> None:
        """Let no sensor report any more."""
        self._is_over = True

    def _made(self) -> Any:
        paho = import_module("paho.mqtt.client")
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="street", protocol=paho.MQTTv5
        )
        client.reconnect_delay_set(min_delay=1, max_delay=2)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        return client

    def _publish(self) -> None:
        if time.monotonic() < self._not_before:
            return
        while self._line and self._is_connected and len(self._sent) < _IN_FLIGHT:
            message = self._line.popleft()
            content = json.dumps(_written(message, self._clock.now())).encode()
            sent = self._client.publish(_TOPIC.format(message.body["device"]), content, qos=1)
            self._sent[sent.mid] = message

    def _hear_answers(self) -> None:
        """What the broker said of what was published."""
        unheard: list[Message] = []
        while self._answers:
            mid, reason = self._answers.popleft()
            message = self._sent.pop(mid, None)
            if message is not None and reason == _NOBODY_LISTENS:
                unheard.append(message)
        if unheard:
            self._line.extendleft(reversed(unheard))
            self._not_before = time.monotonic() + _PAUSE_S

    # what the client's thread calls takes no lock: it holds some of its own meanwhile

    def _published(self, _: Any, __: Any, mid: int, reason: Any, ___: Any) -> None:
        self._answers.append((mid, reason.value))

    def _connected(self, *_: Any) -> None:
        self._is_connected = True

    def _disconnected(self, *_: Any) -> None:
        self._is_connected = False  # what is under way the client sends again by itself

    def _forget_sent(self) -> None:
        """What was not acknowledged is sent anew; to hear it twice changes nothing."""
        self._is_connected = False
        self._hear_answers()
        self._line.extendleft(reversed(self._sent.values()))
        self._sent = {}


def _written(message: Message, now: datetime) -> Mapping[str, Any]:
    """A state as the sensor's gateway writes it: ``ts`` is when it was so, ``sent`` is now."""
    body = message.body
    return {
        "device": body["device"],
        "ts": epoch_ms(body["at"]),
        "sent": epoch_ms(now),
        "status": body["status"],
        "battery": battery(body["device"]),
        "temp": 68 if body["status"] == "alarm" else 21 + len(body["device"]) % 5,
    }
