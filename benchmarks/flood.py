"""A hundred times the usual load for minutes: what it costs in memory, and whom it makes wait.

Method: the product runs with two sources that are pushed to over HTTP. ``alarms`` are of an
emergency kind, five a second all the time. ``meters`` are of a kind that is none: ten a second at
first, then a thousand a second, or as many as are answered, from ``--peers`` connections at once.
Whoever is told to come again later (503) does, after a quarter of a second, until the record is
stored. A time is from the first try to the answer that follows the commit.
``emergency_calm_p95_ms`` is the same before the flood: the baseline of the same run. ``lost``
counts what was answered with 200 and is not in the store. Memory is that of the product's process;
``rss_start_mb`` is before the flood.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from benchmarks.protocols.product import Product, running

SECRET = "of-the-benchmark"
ALARMS_PER_S = 5
USUAL_PER_S = 10
FLOOD = 100
PEERS = 64
CALM_S = 10.0
AGAIN_S = 0.25
SAMPLED_EVERY_S = 0.25
KINDS = {"alarms": "fire", "meters": "meter"}

CONFIG = """
[area]
code = "bench"
name = "Benchmark"

[kinds.fire]
name = "Fire"

[kinds.meter]
name = "Meter"
class = "complaint"
"""
SOURCE = """
[sources.{name}]
name = "{name}"
[sources.{name}.connector]
type = "webhook"
auth = {{ type = "bearer", secret = "GRID135_BENCH_PUSH" }}
rate = 100000.0
burst = 100000

[sources.{name}.decoder]
type = "table"
incident = "id"
kind = {{ column = "kind", map = {{ {kind} = "{kind}" }} }}
milestones = {{ reported = "reported" }}
"""


@dataclass
class Told:
    """What became of the records of one source."""

    sent: int = 0
    answered: int = 0
    refused: int = 0
    ms: list[float] = field(default_factory=list)


class Peer:
    """One connection, kept open, with one push under way at a time."""

    def __init__(self, source: str, numbers: Iterator[int], told: Told) -> None:
        self._source = source
        self._numbers = numbers
        self._told = told
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def push(self, url: str) -> None:
        """Push one record until it is stored."""
        body = self._body()
        self._told.sent += 1
        began = time.perf_counter()
        while (status := await self._try(url, body)) != 200:
            assert status == 503, status
            self._told.refused += 1
            await asyncio.sleep(AGAIN_S)
        self._told.ms.append((time.perf_counter() - began) * 1000)
        self._told.answered += 1

    async def _try(self, url: str, body: bytes) -> int:
        if self._streams is None:
            where = urlsplit(url)
            self._streams = await asyncio.open_connection(where.hostname, where.port)
        reader, writer = self._streams
        head = (
            f"POST /ingest/{self._source} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/json\r\n"
            f"Authorization: Bearer {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = answer.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        await reader.readexactly(int(length))
        return int(answer.split(b" ", 2)[1])

    def _body(self) -> bytes:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
        record = {
            "id": f"{self._source}-{next(self._numbers)}",
            "kind": KINDS[self._source],
            "reported": stamp,
        }
        return json.dumps(record).encode()


async def at_a_rate(url: str, peers: list[Peer], per_s: float, seconds: float) -> None:
    """Push for so long; a peer whose last push is not answered yet misses its turn."""
    ends = time.monotonic() + seconds

    async def one(peer: Peer, first: float) -> None:
        pause = len(peers) / per_s
        due = first
        while due < ends:
            await asyncio.sleep(due - time.monotonic())
            await peer.push(url)
            due = max(due + pause, time.monotonic())

    began = time.monotonic()
    tasks = [one(peer, began + i / per_s) for i, peer in enumerate(peers)]
    await asyncio.gather(*tasks)


class Memory:
    """The memory of the product, looked at again and again."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self.peak_mb = product.rss_mb()

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            self.peak_mb = max(self.peak_mb, self._product.rss_mb())
            await asyncio.sleep(SAMPLED_EVERY_S)


async def measure(
    folder: Path, *, flood_s: float, calm_s: float = CALM_S, peers: int = PEERS
) -> dict[str, Any]:
    """Run the product, first in calm and then in the flood."""
    config = folder / "config.toml"
    blocks = [SOURCE.format(name=name, kind=kind) for name, kind in KINDS.items()]
    config.write_text(CONFIG + "".join(blocks), encoding="utf-8")
    with running(config, GRID135_BENCH_PUSH=SECRET) as product:
        numbers = count(1)
        calm = {name: Told() for name in KINDS}
        await both(product.url, calm, numbers, USUAL_PER_S, peers=4, seconds=calm_s)
        rss_start = product.rss_mb()
        memory = Memory(product)
        watching = asyncio.create_task(memory.watch())
        told = {name: Told() for name in KINDS}
        await both(product.url, told, numbers, USUAL_PER_S * FLOOD, peers=peers, seconds=flood_s)
        watching.cancel()
        stored = product.count("SELECT count(*) FROM report")
    everything = [*calm.values(), *told.values()]
    answered = sum(one.answered for one in everything)
    return {
        "benchmark": "flood",
        "minutes": round(flood_s / 60, 2),
        "peers": peers,
        "sent": sum(one.sent for one in everything),
        "stored": stored,
        "lost": answered - stored,
        "refused": sum(one.refused for one in everything),
        "flood_per_s": round(told["meters"].answered / flood_s, 1),
        "rss_start_mb": rss_start,
        "rss_peak_mb": memory.peak_mb,
        "emergency_p95_ms": p95(told["alarms"].ms),
        "other_p95_ms": p95(told["meters"].ms),
        "emergency_calm_p95_ms": p95(calm["alarms"].ms),
    }


async def both(
    url: str,
    told: dict[str, Told],
    numbers: Iterator[int],
    per_s: float,
    *,
    peers: int,
    seconds: float,
) -> None:
    """Alarms at their pace, and meters at the pace that is asked for."""
    alarms = [Peer("alarms", numbers, told["alarms"]) for _ in range(4)]
    meters = [Peer("meters", numbers, told["meters"]) for _ in range(peers)]
    await asyncio.gather(
        at_a_rate(url, alarms, ALARMS_PER_S, seconds), at_a_rate(url, meters, per_s, seconds)
    )


def p95(values: list[float]) -> float:
    """Nearest rank, in tenths of a millisecond."""
    ordered = sorted(values)
    return round(ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)], 1)


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--peers", type=int, default=PEERS, help="connections of the flood")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    with TemporaryDirectory() as name:
        found = asyncio.run(measure(Path(name), flood_s=options.minutes * 60, peers=options.peers))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
