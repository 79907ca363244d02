"""What is asked of the peers of a protocol, and what is made of their answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.protocols.product import Product


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """How many peers, for how long, how fast in the second part, and the share of alarms."""

    peers: int
    seconds: float
    rate: float
    alarms: float


Send = Callable[[int], Awaitable[None]]
"""Has the peer of a number send its next record; returns when it is acknowledged."""


async def as_fast_as_answered(send: Send, load: Workload, product: Product) -> dict[str, Any]:
    """The first part: every peer sends its next record when the last is acknowledged."""
    done = 0
    ends = time.perf_counter() + load.seconds

    async def peer(number: int) -> None:
        nonlocal done
        while time.perf_counter() < ends:
            await send(number)
            done += 1

    async def memory() -> list[float]:
        seen = []
        while time.perf_counter() < ends:
            await asyncio.sleep(load.seconds / 20)
            seen.append(product.rss_mb())
        return seen

    begin = time.perf_counter()
    watching = asyncio.create_task(memory())
    await asyncio.gather(*(peer(number) for number in range(load.peers)))
    seconds = time.perf_counter() - begin
    seen = await watching
    return {
        "records": done,
        "per_s": round(done / seconds),
        "rss_growth_mb": round(seen[-1] - seen[len(seen) // 2], 1),
    }


async def at_a_steady_rate(send: Send, load: Workload) -> dict[str, Any]:
    """The second part: one peer after the other sends, whether others are answered or not."""
    took: list[float] = []

    async def one(number: int) -> None:
        begin = time.perf_counter()
        await send(number)
        took.append((time.perf_counter() - begin) * 1000)

    begin, sent = time.perf_counter(), []
    for n in range(int(load.seconds * load.rate)):
        await asyncio.sleep(max(0.0, begin + n / load.rate - time.perf_counter()))
        sent.append(asyncio.create_task(one(n % load.peers)))
    await asyncio.gather(*sent)
    return {
        "steady_records": len(took),
        "p50_ms": percentile(took, 0.5),
        "p95_ms": percentile(took, 0.95),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank, in hundredths."""
    ordered = sorted(values)
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 2)
