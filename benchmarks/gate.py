"""What the gate costs: each request, each open stream, each entry of the audit log.

``python -m benchmarks.gate --json`` asks the site in the process itself, with accounts in a new
SQLite file. It prints ``bare_us`` and ``guarded_us``, the processor time of one request without
and with accounts, and their ``ratio``; ``streams`` and ``standing_ms``, how long the one question
takes that is asked each second for all open streams; ``entry_ms``, an entry of the audit log to
its commit; ``verify_s`` and ``entries``, proving a log of that length.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from dashboard.access.audit import Act, Audit
from dashboard.access.engine import changing, open_engine
from dashboard.access.guard import COOKIE, Guard
from dashboard.access.keeper import Keeper
from dashboard.time_signal import time_signal

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
REQUESTS = 500


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--streams", type=int, default=70, help="how many are open")
    parser.add_argument("--entries", type=int, default=20_000, help="how long the log is")
    parser.add_argument("--json", action="store_true", help="print JSON, one line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(f"sqlite:///{Path(folder) / 'access.sqlite3'}", options)
    print(json.dumps(found) if options.json else "\n".join(f"{k}: {v}" for k, v in found.items()))


def measured(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """All figures, on one store."""
    keeper = Keeper(url)
    tokens = [
        keeper.enter_wall(keeper.add_wall(f"wall {n}", by="x", now=NOW), now=NOW)
        for n in range(options.streams)
    ]
    app = Starlette(routes=[Route("/time", time_signal)])
    bare = _request_us(Guard(app, keeper=None, clock=lambda: NOW, hosts=frozenset()), "")
    guarded = _request_us(
        Guard(app, keeper=keeper, clock=lambda: NOW, hosts=frozenset()), tokens[0]
    )
    standing = _each(lambda: keeper.standing(tokens, now=NOW), 50)
    entry = _each(lambda: keeper.audit.add(Act.EXPORTED, who="x", now=NOW), 50)
    keeper.close()
    return {
        "bare_us": round(bare, 1),
        "guarded_us": round(guarded, 1),
        "ratio": round(guarded / bare, 2),
        "streams": options.streams,
        "standing_ms": round(standing * 1e3, 2),
        "entry_ms": round(entry * 1e3, 2),
        "entries": options.entries,
        "verify_s": round(_verify_s(url, options.entries), 2),
    }


def _each(what: Callable[[], object], times: int) -> float:
    """The least of what one call took, in seconds: others use this machine too."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        took.append(time.perf_counter() - began)
    return min(took)


def _request_us(app: Guard, token: str) -> float:
    """Processor time of one request, in microseconds."""
    headers = [(b"host", b"127.0.0.1"), (b"cookie", f"{COOKIE}={token}".encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/time",
        "raw_path": b"/time",
        "query_string": b"",
        "headers": headers,
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Any) -> None:
        return None

    async def ask() -> None:
        for _ in range(REQUESTS):
            await app({**scope}, receive, send)

    asyncio.run(ask())  # warm
    began = time.process_time()
    asyncio.run(ask())
    return (time.process_time() - began) / REQUESTS * 1e6


def _verify_s(url: str, entries: int) -> float:
    """How long it takes to prove a log of that length, every seal of which is right."""
    engine = open_engine(url)
    log = Audit(engine)
    with changing(engine) as connection:
        for _ in range(entries - log.verify().entries):
            log.add(Act.REVEALED, who="chen", now=NOW, about="an incident", within=connection)
    began = time.perf_counter()
    checked = log.verify()
    took = time.perf_counter() - began
    engine.dispose()
    if checked.broken is not None or checked.entries != entries:
        raise SystemExit(f"the log is not whole: {checked}")
    return took


if __name__ == "__main__":
    main()
