"""A wall through many updates: does the browser, or the server, grow?

Method: the product in a process of its own (``benchmarks.restless``: as it is, but for the hub's
rests) takes in what is pushed to it over HTTP, as a platform would: each push opens an incident and
closes an older one, so that about as many are always open; none may be quarantined. One Chromium
shows the wall (640 × 360, its map drawn in software). An update is one that the page has put on the
screen; pushes and messages that come meanwhile are drawn together and count once. At the
``--base``-th update and at the last one the pushing pauses, garbage is collected, and the page's
heap and DOM nodes (detached ones included) and the server's resident memory are read. On the way
they are read every ``--base`` updates, and printed on stderr.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import httpx
from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.ingest import grids
from benchmarks.latency import FLAGS

ROOT = Path(__file__).resolve().parent.parent
SECRET = "soaked"
VARIABLE = "GRID135_SOAK_SECRET"
OPEN_AT_ONCE = 30
STAGES = ("accepted", "dispatched", "arrived", "resolved")
PUSHES_A_LOOK = 10
"""How often is pushed before the page is asked how far it is."""
PUSH_PAUSE_S = 0.01
COLLECTED_S = 1.0
SETTLE_MS = 9000
"""Two refreshes of the hub, after which the server has given back what it keeps between them."""
CONFIG = """
[area]
code = "soak"
name = "Soak"

[grids]
file = "grids.geojson"
code = "code"
parent = "community"

[kinds.fire]
name = "Fire"
shape = "triangle"

[wall]
window = "30d"

[sources.desk]
name = "Call desk"
time_zone = "UTC"

[sources.desk.connector]
type = "webhook"
auth = { type = "bearer", secret = "GRID135_SOAK_SECRET" }

[sources.desk.decoder]
type = "table"
incident = "id"
kind = "fire"
title = "title"
position = { lat = "lat", lon = "lon" }
time_format = "%Y-%m-%d %H:%M:%S"

[sources.desk.decoder.milestones]
reported = "reported"
accepted = "accepted"
dispatched = "dispatched"
arrived = "arrived"
resolved = "resolved"
"""


class Product:
    """The product on a free port, in a folder of its own, for as long as a block lasts."""

    def __init__(self, folder: Path) -> None:
        (folder / "grids.geojson").write_text(json.dumps(grids()))
        (folder / "soak.toml").write_text(CONFIG)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        config = str(folder / "soak.toml")
        own = {"GRID135_DATA": str(folder / "data"), "GRID135_PORT": str(port), VARIABLE: SECRET}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.restless", "run", "--config", config],
            cwd=ROOT,
            env={**os.environ, **own},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/health", trust_env=False).raise_for_status()
            except httpx.HTTPError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return self
        self._process.kill()
        raise RuntimeError("the product did not answer within a minute")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def rss_mb(self) -> float:
        """What the server holds in memory when its garbage is collected."""
        self._process.send_signal(signal.SIGUSR1)
        time.sleep(COLLECTED_S)
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kilobytes.split()[1]) / 1024

    def quarantined(self) -> int:
        """How many records it could not read."""
        lines = httpx.get(f"{self.url}/metrics", trust_env=False).text.splitlines()
        line = next(line for line in lines if line.startswith("grid135_source_quarantined{"))
        return int(float(line.rsplit(" ", 1)[1]))


class Pusher:
    """A platform: pushes incidents, each a little later closed again."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/ingest/desk"
        headers = {"Authorization": f"Bearer {SECRET}"}
        self._client = httpx.Client(headers=headers, trust_env=False, timeout=30)
        self._open: list[dict[str, str]] = []
        self.pushes = 0

    def push(self) -> None:
        """One request: a new incident, and an older one that has been dealt with."""
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        self._open.append(self._incident(now))
        body = [self._open[-1]]
        if len(self._open) > OPEN_AT_ONCE:
            body.append(self._open.pop(0) | dict.fromkeys(STAGES, now))
        self._client.post(self._url, json=body).raise_for_status()
        self.pushes += 1

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _incident(self, now: str) -> dict[str, str]:
        n = self.pushes
        return {
            "id": f"S{n:09}",
            "reported": now,
            "title": f"No. {n}, " + "smoke in the stairwell " * (n % 3),
            "lat": f"{30.2405 + n % 61 * 0.0004:.6f}",
            "lon": f"{120.2005 + n % 7 * 0.004:.6f}",
            **dict.fromkeys(STAGES, ""),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Weight:
    """What browser and server hold at one moment, after garbage was collected."""

    updates: int
    heap_mb: float
    nodes: int
    rss_mb: float


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--updates", type=int, default=20_000)
    parser.add_argument("--base", type=int, default=1000, help="the update to compare with")
    parser.add_argument("--minutes", type=float, help="end after so long, with fewer updates")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    base = min(options.base, options.updates // 2)
    print(json.dumps(measure(options.updates, base=base, minutes=options.minutes)))


def measure(updates: int, *, base: int, minutes: float | None = None) -> dict[str, Any]:
    """Start everything, push until the page has taken in so many updates, and weigh on the way."""
    complaints: list[str] = []
    with TemporaryDirectory() as name, Product(Path(name)) as product, wall(product.url) as page:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        session = page.context.new_cdp_session(page)
        pusher = Pusher(product.url)
        began = time.monotonic()
        weights: list[Weight] = []
        while not weights or weights[-1].updates < updates:
            push_until(page, pusher, min(base * (len(weights) + 1), updates))
            weights.append(weigh(page, session, product))
            print(weights[-1], file=sys.stderr, flush=True)
            if minutes is not None and time.monotonic() - began > 60 * minutes:
                break
        seconds = time.monotonic() - began
        first, last = weights[0], weights[-1]
        quarantined, is_open = product.quarantined(), open_incidents(page)
        pusher.close()
    return {
        "benchmark": "soak",
        "updates": last.updates,
        "base": first.updates,
        "pushes": pusher.pushes,
        "quarantined": quarantined,
        "open": is_open,
        "seconds": round(seconds, 1),
        "updates_per_second": round(last.updates / seconds, 1),
        "heap_start_mb": round(first.heap_mb, 2),
        "heap_end_mb": round(last.heap_mb, 2),
        "nodes_start": first.nodes,
        "nodes_end": last.nodes,
        "rss_start_mb": round(first.rss_mb, 1),
        "rss_end_mb": round(last.rss_mb, 1),
        "console_errors": len(complaints),
        "first_error": complaints[0] if complaints else None,
    }


@contextmanager
def wall(url: str) -> Iterator[Page]:
    """The wall in a browser, complete with its map."""
    with sync_playwright() as playwright:
        executable = shutil.which("chromium-headless-shell") or shutil.which("chromium")
        flags = [*FLAGS, "--js-flags=--expose-gc"]
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        page = browser.new_page(viewport={"width": 640, "height": 360})
        page.goto(f"{url}/wall?lang=en")
        page.wait_for_selector("body:not(.is-connecting)", timeout=60_000)
        yield page
        browser.close()


def taken_in(page: Page) -> int:
    """How many updates the page has put on the screen."""
    return int(page.evaluate("() => grid135.live.stats.applied"))


def open_incidents(page: Page) -> int:
    """How many the page says are open, listed or not."""
    return int(page.locator(".open__total").inner_text().split()[0])


def push_until(page: Page, pusher: Pusher, updates: int) -> None:
    """Push as long as the page has not taken in so many updates."""
    while taken_in(page) < updates:
        for _ in range(PUSHES_A_LOOK):
            pusher.push()
            time.sleep(PUSH_PAUSE_S)


def weigh(page: Page, session: CDPSession, product: Product) -> Weight:
    """Let everything settle, collect garbage, and look."""
    page.wait_for_timeout(SETTLE_MS)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(300)
    heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1024**2
    nodes = session.send("Memory.getDOMCounters")["nodes"]
    return Weight(updates=taken_in(page), heap_mb=heap, nodes=nodes, rss_mb=product.rss_mb())


if __name__ == "__main__":
    main()
