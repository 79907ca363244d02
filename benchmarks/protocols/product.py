"""The product as a process of its own, on free ports of this machine."""

import asyncio
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """A running product; ``url`` is where it serves its screens and takes pushes."""

    process: subprocess.Popen[bytes]
    url: str
    data: Path

    def rss_mb(self) -> float:
        """The memory it has now."""
        return self._memory("VmRSS")

    def peak_rss_mb(self) -> float:
        """The most memory it has ever had."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return round(int(found[1]) / 1024, 1) if found else 0.0

    def count(self, query: str) -> int:
        """The one number that a query of its store answers."""
        with sqlite3.connect(f"file:{self.data / 'grid135.sqlite3'}?mode=ro", uri=True) as store:
            return int(store.execute(query).fetchone()[0])


@contextmanager
def running(config: Path, **environ: str) -> Iterator[Product]:
    """The product with this configuration, from when it answers until the block ends."""
    port = free_port()
    data = config.parent / "data"
    own = {"GRID135_DATA": str(data), "GRID135_PORT": str(port), "GRID135_HOST": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "app.py", "run", "--config", str(config)],
        cwd=ROOT,
        env={**os.environ, **own, **environ},
        stderr=(config.parent / "product.log").open("wb"),
    )
    product = Product(process=process, url=f"http://127.0.0.1:{port}", data=data)
    try:
        until_answers(product, config.parent / "product.log")
        yield product
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def until_answers(product: Product, log: Path) -> None:
    """Return when the product answers; raises RuntimeError with its log when it does not."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        if product.process.poll() is not None:
            break
        try:
            if httpx.get(f"{product.url}/health", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"the product did not start: {log.read_text()[-2000:]}")


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def until_open(port: int) -> None:
    """Return when somebody listens at a port; raises RuntimeError when nobody comes."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise RuntimeError(f"nobody listens at port {port}")
