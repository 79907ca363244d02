"""A platform that pushes: every peer is a connection of it, that sends and waits for the answer.

The messages are CTWing's: of the devices' reports a share are smoke alarms, one in ten says that a
device is muted or faulty, the rest report values. Each peer pushes for 50 devices.
"""

import asyncio
import json
import random
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.protocols.product import running
from benchmarks.protocols.workload import Workload, as_fast_as_answered, at_a_steady_rate

SECRET = "of-the-benchmark"
DEVICES = 50
ALARM, MUTED, FAULT, NORMAL = 1, 2, 5, 7


class Peer:
    """One connection, kept open, with one push under way at a time."""

    def __init__(self, number: int, alarms: float) -> None:
        self._number = number
        self._alarms = alarms
        self._dice = random.Random(number)
        self._turn = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._sent = 0
        self.answered = 0

    async def connect(self, host: str, port: int) -> None:
        """Open the connection."""
        self._reader, self._writer = await asyncio.open_connection(host, port)

    async def send(self) -> None:
        """Push the next message; return when it is answered with 200."""
        assert self._reader is not None
        assert self._writer is not None
        async with self._turn:
            body = self._message()
            self._writer.write(HEAD.format(length=len(body)).encode() + body)
            head = await self._reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            await self._reader.readexactly(int(length))
            self.answered += 1

    def _message(self) -> bytes:
        dice = self._dice
        self._sent += 1
        status = NORMAL
        if dice.random() < self._alarms:
            status = ALARM
        elif dice.random() < 0.1:
            status = dice.choice((MUTED, FAULT))
        data = {
            "Alarm_Status": status,
            "Battery_Level": 90,
            "TData": dice.randrange(10, 40),
            "RSRP": -dice.randrange(70, 120),
            "CSQ": dice.randrange(31),
        }
        message = {
            "messageType": "dataReport",
            "upDataSN": self._sent,
            "deviceId": f"{self._number:05}{dice.randrange(DEVICES):03}",
            "IMEI": "860000000000000",
            "productId": "15014772",
            "timestamp": int(time.time() * 1000),
            "payload": {"serviceId": "notification", "serviceData": data},
        }
        return json.dumps(message).encode()


async def measure(folder: Path, load: Workload) -> dict[str, Any]:
    """Run the product and push to it; see :mod:`benchmarks.sources`."""
    config = folder / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    with running(config, GRID135_BENCH_PUSH=SECRET) as product:
        where = urlsplit(product.url)
        peers = [Peer(number, load.alarms) for number in range(load.peers)]
        for peer in peers:
            await peer.connect(where.hostname or "", where.port or 0)
        fast = await as_fast_as_answered(lambda n: peers[n].send(), load, product)
        steady = await at_a_steady_rate(lambda n: peers[n].send(), load)
        kept = product.count("SELECT count(*) FROM signal")
        answered = sum(peer.answered for peer in peers)
        assert kept == answered, f"{answered} answered, {kept} stored"
        incidents = product.count("SELECT count(*) FROM incident")
        rss = product.peak_rss_mb()
    return {**fast, **steady, "rss_mb": rss, "stored": kept, "incidents": incidents}


HEAD = (
    "POST /ingest/smoke_push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    f"Authorization: Bearer {SECRET}\r\nContent-Length: {{length}}\r\n\r\n"
)

CONFIG = """
[area]
code = "bench"
name = "Benchmark"

[kinds.smoke]
name = "Smoke"

[targets.kinds.smoke]
arrived = "180s"

[sources.smoke_push]
name = "Smoke detectors"
[sources.smoke_push.connector]
type = "webhook"
auth = { type = "bearer", secret = "GRID135_BENCH_PUSH" }
rate = 100000.0
burst = 100000

[sources.smoke_push.decoder]
type = "ctwing"
kind = "smoke"
states = { column = "Alarm_Status", map = { 1 = "alarm", 2 = "muted", 5 = "fault", 7 = "normal" } }
battery = "Battery_Level"
values = { temperature = { column = "TData", unit = "℃" } }
"""
