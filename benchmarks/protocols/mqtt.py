"""Sensors behind a broker: each publishes with QoS 1, and waits until the product has acknowledged.

The broker is a Mosquitto with ``max_inflight_messages 1000``; its own default of 20 is what then
sets the pace. The product connects through a tap in this process, which forwards every byte and
notes when the acknowledgement (PUBACK) of each message passes: the product sends it after the
commit. So the times are from publishing to there, through the broker, with the tap's own on top.
Of the devices' reports a share are alarms, one in ten says something else is the matter.
"""

import asyncio
import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.protocols.product import free_port, running, until_open
from benchmarks.protocols.workload import Workload, as_fast_as_answered, at_a_steady_rate

DEVICES = 50
HERE, ALARM, LOW_BATTERY, FAULT, NORMAL = 0, 1, 4, 5, 7
CONNECT, PUBLISH, PUBACK, SUBACK = 0x10, 0x30, 0x40, 0x90
WITH_QOS_1 = 0x02
NUMBER = b'{"n": '


class Tap:
    """Stands between the broker and the product, and sees what is acknowledged."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._delivered: dict[int, int] = {}
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self.acknowledged = 0
        self.subscribed = asyncio.Event()

    def expect(self, number: int) -> asyncio.Future[None]:
        """Done when the message with this number is acknowledged."""
        self._waiting[number] = asyncio.get_running_loop().create_future()
        return self._waiting[number]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection, both ways."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        await asyncio.gather(
            _forward(reader, far_writer, self._from_product),
            _forward(far_reader, writer, self._from_broker),
        )

    def _from_broker(self, kind: int, body: bytes) -> None:
        if kind & 0xF0 == SUBACK:
            self.subscribed.set()
        if kind & 0xF0 == PUBLISH:
            at = 2 + int.from_bytes(body[:2])
            number = body.index(NUMBER, at) + len(NUMBER)
            self._delivered[int.from_bytes(body[at : at + 2])] = int(
                body[number : body.index(b",", number)]
            )

    def _from_product(self, kind: int, body: bytes) -> None:
        if kind & 0xF0 == PUBACK:
            self.acknowledged += 1
            self._waiting.pop(self._delivered.pop(int.from_bytes(body[:2]))).set_result(None)


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Callable[[int, bytes], None]
) -> None:
    """Pass bytes on, packet by packet (MQTT 5.0, 2.1)."""
    rest = b""
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            rest += data
            while (packet := _packet(rest)) is not None:
                kind, body, rest = packet
                seen(kind, body)
            await writer.drain()
    writer.close()


def _packet(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first packet's kind and body, and what follows; None while it is not whole."""
    length = shift = 0
    for at, byte in enumerate(data[1:5], 2):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            whole = at + length
            return (data[0], data[at:whole], data[whole:]) if len(data) >= whole else None
    return None


def _written(kind: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = rest >> 7, rest & 0x7F
        length.append(digit | (0x80 if rest else 0))
        if not rest:
            return bytes([kind]) + bytes(length) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2) + encoded


class Sensors:
    """All of them, over one connection to the broker."""

    def __init__(self, tap: Tap, load: Workload) -> None:
        self._tap = tap
        self._alarms = load.alarms
        self._dice = [random.Random(number) for number in range(load.peers)]
        self._sent = 0
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def connect(self, port: int) -> None:
        """Connect with MQTT 3.1.1; what the broker answers is read and forgotten."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        clean = b"\x02"
        self._writer.write(
            _written(CONNECT, _text("MQTT") + b"\x04" + clean + bytes(2) + _text("sensors"))
        )
        self._reading = asyncio.create_task(_forget(reader))

    async def send(self, peer: int) -> None:
        """Publish the next message of a peer; return when the product has acknowledged it."""
        assert self._writer is not None
        self._sent += 1
        device, payload = self._message(peer, self._sent)
        done = self._tap.expect(self._sent)
        number = (self._sent % 65_535 + 1).to_bytes(2)
        topic = _text(f"street/sensor/{device}/state")
        self._writer.write(_written(PUBLISH | WITH_QOS_1, topic + number + payload))
        await done

    def _message(self, peer: int, number: int) -> tuple[str, bytes]:
        dice = self._dice[peer]
        status = NORMAL
        if dice.random() < self._alarms:
            status = ALARM
        elif dice.random() < 0.1:
            status = dice.choice((LOW_BATTERY, FAULT))
        device = f"smk-{peer:04}{dice.randrange(DEVICES):03}"
        message = {
            "n": number,
            "device": device,
            "ts": int(time.time() * 1000),
            "status": status,
            "battery": dice.randrange(101),
            "temp": dice.randrange(100, 400) / 10,
        }
        return device, json.dumps(message).encode()


async def _forget(reader: asyncio.StreamReader) -> None:
    while await reader.read(1 << 16):
        pass


async def measure(folder: Path, load: Workload) -> dict[str, Any]:
    """Run broker and product, and publish; see :mod:`benchmarks.sources`."""
    with _broker(folder) as broker_port:
        await until_open(broker_port)
        tap = Tap(broker_port)
        server = await asyncio.start_server(tap.serve, "127.0.0.1", 0)
        config = folder / "config.toml"
        config.write_text(CONFIG.format(port=server.sockets[0].getsockname()[1]), encoding="utf-8")
        product_runs = running(config)
        product = await asyncio.to_thread(product_runs.__enter__)
        try:
            await tap.subscribed.wait()
            sensors = Sensors(tap, load)
            await sensors.connect(broker_port)
            fast = await as_fast_as_answered(sensors.send, load, product)
            steady = await at_a_steady_rate(sensors.send, load)
            kept = product.count("SELECT count(*) FROM signal")
            assert kept == tap.acknowledged, f"{tap.acknowledged} acknowledged, {kept} stored"
            incidents = product.count("SELECT count(*) FROM incident")
            rss = product.peak_rss_mb()
        finally:
            await asyncio.to_thread(product_runs.__exit__, None, None, None)
            server.close()
    return {**fast, **steady, "rss_mb": rss, "stored": kept, "incidents": incidents}


@contextmanager
def _broker(folder: Path) -> Iterator[int]:
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    port, file = free_port(), folder / "mosquitto.conf"
    file.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 1000\n"
        "max_queued_messages 0\n",
        encoding="utf-8",
    )
    process = subprocess.Popen([program, "-c", str(file)], stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


CONFIG = """
[area]
code = "bench"
name = "Benchmark"

[kinds.smoke]
name = "Smoke"

[targets.kinds.smoke]
arrived = "180s"

[sources.smoke_mqtt]
name = "Smoke detectors"
[sources.smoke_mqtt.connector]
type = "mqtt"
host = "127.0.0.1"
port = {port}
client_id = "grid135-bench"
topics = ["street/sensor/+/state"]

[sources.smoke_mqtt.decoder]
type = "device_table"
device = "device"
time = "ts"
time_format = "epoch_ms"
kind = "smoke"
battery = "battery"
values = {{ temperature = {{ column = "temp", unit = "℃" }} }}
[sources.smoke_mqtt.decoder.states]
column = "status"
map = {{ 0 = "here", 1 = "alarm", 4 = "low_battery", 5 = "fault", 7 = "normal" }}
"""
