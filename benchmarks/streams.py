"""From a record that is committed to what several web workers send to hundreds of screens.

Method: the store with a day of history is served by ``--workers`` processes of ``app.py serve``
behind a proxy that gives each new connection to the next of them. ``--clients`` screens of one
view connect through it, all from another process. New incidents go in through the door of a third,
one at a time; the clock starts when the door has committed and stops, for each screen, when the
message with the new count of open incidents has arrived in full: ``p50_ms`` and ``p95_ms`` over all
screens and updates. The baseline sends messages of the same size to as many clients through the
same proxy, from a process that does nothing else: ``raw_p95_ms``.
"""

import asyncio
import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import cycle
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from benchmarks.changes import VIEW, commit, percentile
from benchmarks.ingest import open_here
from benchmarks.protocols.product import ROOT, Product, free_port, until_answers, until_open

PAUSE_S = 1.0
SETTLE_S = 2.0
_COUNT = re.compile(rb'"children":"(\d+)[^"]*","className":"open__total"')
_RAW = re.compile(rb'"n":(\d+)')
_CHUNK = 65_536
Seen = list[tuple[int, float]]
"""What a screen heard: a number, and when, in seconds since 1970."""


def measure(folder: Path, *, workers: int, clients: int, updates: int) -> dict[str, Any]:
    """Start everything, commit one incident after the other, and ask the screens when."""
    installation = open_here(folder, "data")
    installation.pull(installation.sources[0], now=datetime.now(UTC))
    with ExitStack() as stack:
        served = [stack.enter_context(serving(folder)) for _ in range(workers)]
        port = stack.enter_context(proxy([int(s.url.rsplit(":", 1)[1]) for s in served]))
        screens = stack.enter_context(watching(port, clients, VIEW, _COUNT))
        committed = {}
        for number in range(1, updates + 1):
            committed[number] = commit(installation, number) / 1000
            time.sleep(PAUSE_S)
        time.sleep(SETTLE_S)
        seen, size = screens.stop()
        rss = [s.rss_mb() for s in served]
    took = delays(seen, committed)
    raw = baseline(clients, size, updates)
    return {
        "benchmark": "streams",
        "workers": workers,
        "clients": clients,
        "updates": updates,
        "messages": len(took),
        "missed": clients * updates - len(took),
        "p50_ms": percentile(took, 0.5),
        "p95_ms": percentile(took, 0.95),
        "raw_p95_ms": percentile(raw, 0.95),
        "update_bytes": size,
        "rss_mb": rss,
    }


def delays(seen: list[Seen], committed: dict[int, float]) -> list[float]:
    """Of each screen and number, how long after the commit it was heard, in milliseconds.

    Two changes that were drawn at once count for both.
    """
    took = []
    for heard in seen:
        for number, at in committed.items():
            first = min((t for n, t in heard if n >= number), default=None)
            if first is not None:
                took.append((first - at) * 1000)
    return took


@contextmanager
def serving(folder: Path) -> Iterator[Product]:
    """One web worker, from when it answers."""
    port = free_port()
    environ = {
        "GRID135_DATA": str(folder / "data"),
        "GRID135_PORT": str(port),
        "GRID135_HOST": "127.0.0.1",
    }
    log = folder / f"serve-{port}.log"
    process = subprocess.Popen(
        [sys.executable, "app.py", "serve", "--config", str(folder / "config.toml")],
        cwd=ROOT,
        env={**os.environ, **environ},
        stderr=log.open("wb"),
    )
    product = Product(process=process, url=f"http://127.0.0.1:{port}", data=folder / "data")
    try:
        until_answers(product, log)
        yield product
    finally:
        process.terminate()
        process.wait()


@contextmanager
def proxy(ports: list[int]) -> Iterator[int]:
    """A proxy in a process of its own that gives connections to these ports in turn."""
    port = free_port()
    process = start_proxy(port, ports)
    asyncio.run(until_open(port))
    try:
        yield port
    finally:
        process.terminate()
        process.join()


def start_proxy(port: int, ports: list[int]) -> SpawnProcess:
    """The process of a proxy; one that finds a server down asks the next."""
    process = multiprocessing.get_context("spawn").Process(
        target=_relay, args=(port, ports), daemon=True
    )
    process.start()
    return process


def _relay(port: int, ports: list[int]) -> None:
    turns = cycle(ports)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(_CHUNK):
                writer.write(part)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in ports:
            try:
                there, on = await asyncio.open_connection("127.0.0.1", next(turns))
            except OSError:
                continue  # that one is down: the next
            await asyncio.gather(copy(reader, on), copy(there, writer))
            return
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(relay, "127.0.0.1", port, backlog=1024)
        await server.serve_forever()

    asyncio.run(serve())


class Screens:
    """Many clients of one view in a process of their own."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe

    def stop(self) -> tuple[list[Seen], int]:
        """What each has heard, and how long a message was, the middle one."""
        self._pipe.send("stop")
        found: tuple[list[Seen], int] = self._pipe.recv()
        return found


@contextmanager
def watching(port: int, clients: int, path: str, pattern: re.Pattern[bytes]) -> Iterator[Screens]:
    """Clients that note when a message names a number, from when all have their first state."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_watch, args=(port, clients, path, pattern.pattern, theirs), daemon=True
    )
    process.start()
    assert ours.poll(120), "the screens did not connect"
    ours.recv()
    try:
        yield Screens(ours)
    finally:
        process.terminate()
        process.join()


def _watch(port: int, clients: int, path: str, pattern: bytes, pipe: Any) -> None:
    wanted = re.compile(pattern)
    seen: list[Seen] = [[] for _ in range(clients)]
    sizes: list[int] = []

    async def screen(number: int, ready: asyncio.Semaphore) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        is_first = True
        while line := await reader.readline():
            if not line.startswith(b"data: ") or b'"props"' not in line:
                continue
            if is_first:
                is_first = False
                ready.release()
                continue
            at = time.time()
            sizes.append(len(line))
            if found := wanted.search(line):
                seen[number].append((int(found[1]), at))

    async def everyone() -> None:
        ready = asyncio.Semaphore(0)
        tasks = []
        for number in range(clients):
            tasks.append(asyncio.create_task(screen(number, ready)))
            if number % 20 == 0:
                await asyncio.sleep(0.05)
        for _ in range(clients):
            await ready.acquire()
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        for task in tasks:
            task.cancel()

    asyncio.run(everyone())
    middle = sorted(sizes)[len(sizes) // 2] if sizes else 0
    pipe.send((seen, middle))


def baseline(clients: int, size: int, updates: int) -> list[float]:
    """The same number of bytes to as many clients, from a server that does nothing else."""
    port = free_port()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_broadcast, args=(port, size, theirs), daemon=True)
    process.start()
    ours.recv()
    try:
        with proxy([port]) as front, watching(front, clients, "/", _RAW) as screens:
            sent = {}
            for number in range(1, updates + 1):
                sent[number] = time.time()
                ours.send(number)
                time.sleep(PAUSE_S)
            time.sleep(SETTLE_S)
            seen, _ = screens.stop()
    finally:
        process.terminate()
        process.join()
    return delays(seen, sent)


def _broadcast(port: int, size: int, pipe: Any) -> None:
    writers: list[asyncio.StreamWriter] = []

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # somebody who looks whether the port is open
            return
        writer.write(b'HTTP/1.1 200 OK\r\n\r\ndata: {"props":{},"n":0}\n\n')
        writers.append(writer)

    async def serve() -> None:
        server = await asyncio.start_server(join, "127.0.0.1", port, backlog=1024)
        pipe.send("ready")
        async with server:
            while True:
                number = await asyncio.to_thread(pipe.recv)
                padding = b"x" * size
                message = b'data: {"props":{},"n":%d,"padding":"%b"}\n\n' % (number, padding)
                for writer in writers:
                    writer.write(message)

    asyncio.run(serve())
