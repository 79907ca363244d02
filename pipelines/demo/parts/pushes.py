"""Platforms that push: messages wait in a line, and each stays in it until it was taken in."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from pipelines.demo.model.case import Message
from pipelines.demo.model.street import Device

_AT_ONCE = 100
"""Most messages of one push; a platform sends what it kept together."""
_TIMEOUT_S = 20
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 3.0
REPORTS_EVERY = timedelta(hours=2)
_CODES = {"alarm": 1, "low_battery": 4, "fault": 5, "normal": 7, "tamper": 10, "here": 12}
_PRESENCE = {"offline": 0, "online": 1}


class Pushes:
    """Posts what it is given to one address, in order, and tries again until it is taken.

    ``written`` says how a message looks when it is sent at a moment.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: str,
        written: Callable[[Message, datetime], Mapping[str, Any]],
    ) -> None:
        self._url = urlsplit(url)
        self._secret = secret
        self._written = written
        self._line: deque[Message] = deque()
        self._now: datetime | None = None
        self._news = threading.Condition()
        self._is_open = False
        threading.Thread(target=self._run, name=f"push {self._url.path}", daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many messages were not taken in yet."""
        return len(self._line)

    def open(self) -> None:
        """Push from now on."""
        with self._news:
            self._is_open = True
            self._news.notify()

    def close(self) -> None:
        """Push nothing."""
        with self._news:
            self._is_open = False

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Put messages into the line."""
        with self._news:
            self._now = now
            self._line.extend(messages)
            self._news.notify()

    def finish(self) -> None:
        """Nothing waits but for the other end."""

    def _run(self) -> None:
        connection: HTTPConnection | None = None
        pause = _FIRST_PAUSE_S
        while True:
            with self._news:
                self._news.wait_for(lambda: self._is_open and self._line)
                now = self._now
                batch = [self._line[i] for i in range(min(len(self._line), _AT_ONCE))]
            assert now is not None
            connection = connection or self._connection()
            if self._push(connection, [self._written(message, now) for message in batch]):
                pause = _FIRST_PAUSE_S
                for _ in batch:
                    self._line.popleft()
                continue
            connection.close()
            connection = None
            threading.Event().wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _connection(self) -> HTTPConnection:
        return HTTPConnection(self._url.hostname or "", self._url.port, timeout=_TIMEOUT_S)

    def _push(self, connection: HTTPConnection, bodies: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the other end says that it has them."""
        content = bodies[0] if len(bodies) == 1 else bodies
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._secret}"}
        body = json.dumps(content, ensure_ascii=False).encode()
        with suppress(OSError, HTTPException):
            connection.request("POST", self._url.path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200
        return False


class CtwingPushes(Pushes):
    """CTWing, pushing what NB-IoT detectors say; now and then each says that it is there."""

    def __init__(self, url: str, *, secret: str, devices: Sequence[Device]) -> None:
        super().__init__(url, secret=secret, written=self._ctwing)
        self._last_ms = 0
        self._devices = devices
        self._is_over = False
        self._reported_until: datetime | None = None

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Put messages into the line, and the reports that are due."""
        since = self._reported_until or now
        self._reported_until = now
        said = [] if self._is_over else reports(self._devices, since, now, REPORTS_EVERY)
        super().take([*messages, *said], now)

    def finish(self) -> None:
        """Let no device report any more."""
        self._is_over = True

    def _ctwing(self, message: Message, now: datetime) -> Mapping[str, Any]:
        """As the platform sends it, at a time of its own for each: offline first, then online."""
        self._last_ms = max(epoch_ms(now), self._last_ms + 1)
        return ctwing(message, self._last_ms)


def reports(
    devices: Sequence[Device], since: datetime, now: datetime, every: timedelta
) -> list[Message]:
    """That devices are there: each once in ``every``, one after the other."""
    step = every / max(len(devices), 1)
    first, last = (
        int(since.timestamp() // step.total_seconds()),
        int(now.timestamp() // step.total_seconds()),
    )
    return [
        Message(now, d.source, {"device": d.device, "status": "here", "at": now})
        for number in range(max(first, last - len(devices)) + 1, last + 1)
        for d in [devices[number % len(devices)]]
    ]


def ctwing(message: Message, sent_ms: int) -> Mapping[str, Any]:
    """A message as CTWing pushes it; ``sent_ms`` is when the platform sends it."""
    body = message.body
    around = {
        "protocol": "lwm2m",
        "tenantId": "demo",
        "productId": "15000135",
        "deviceId": f"15000135{body['device']}",
        "IMEI": body["device"],
        "IMSI": "undefined",
        "timestamp": sent_ms,
    }
    if body["status"] in _PRESENCE:
        presence = _PRESENCE[body["status"]]
        return {"messageType": "deviceOnlineOfflineReport", "eventType": presence, **around}
    data = {"alarmState": _CODES[body["status"]], "eventTime": epoch_ms(body["at"])}
    if body["status"] == "here":
        data["battery"] = battery(body["device"])
    payload = {"serviceId": "1", "serviceData": data}
    return {"messageType": "dataReport", "serviceId": "", "payload": payload, **around}


def as_json(message: Message, now: datetime) -> Mapping[str, Any]:
    """A message as it is."""
    return message.body


def battery(device: str) -> int:
    """The charge of a device in percent: each has its own."""
    return 98 - sum(map(ord, device)) % 30


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
