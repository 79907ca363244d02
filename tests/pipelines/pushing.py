"""A street with sources that are pushed to, behind a real server on a free port of this machine."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from pipelines.clock import ManualClock
from pipelines.installation import Installation, open_installation
from pipelines.roles.live import Live
from pipelines.settings import load
from tests.builders import at
from tests.pipelines.installations import a_config, content, the_grids

SECRET = "a-secret-of-the-tests"
VARIABLE = "GRID135_TEST_PUSH"


@dataclass(frozen=True, kw_only=True, slots=True)
class Street:
    """An installation that runs, and a client that pushes to it."""

    live: Live
    installation: Installation
    clock: ManualClock
    url: str
    client: httpx.Client

    def push(
        self, source: str, body: Any, *, headers: dict[str, str] | None = None, query: str = ""
    ) -> httpx.Response:
        """POST a body, as JSON unless it is bytes, with the secret as a bearer unless told else."""
        said = {"Authorization": f"Bearer {SECRET}"} if headers is None else headers
        url = f"{self.url}/ingest/{source}{query}"
        if isinstance(body, bytes):
            said = {"Content-Type": "application/json", **said}
            return self.client.post(url, content=body, headers=said)
        return self.client.post(url, json=body, headers=said)

    def rows(self, table: str) -> Sequence[Any]:
        """Every row of a table."""
        return content(self.installation.store, table)[table]

    def incidents(self) -> dict[str, Any]:
        """The incidents by their key."""
        with self.installation.store.reading() as reader:
            return {row.key: row for row in reader.incident_rows()}


@contextmanager
def serving(app: ASGIApp, **how: Any) -> Iterator[str]:
    """An application on a free port, for as long as the block lasts; ``how`` as uvicorn has it."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=0, **how
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


@contextmanager
def a_street(
    folder: Path, sources: str, *, secret: str | None = SECRET, seconds: float = 100
) -> Iterator[Street]:
    """A street with further sources, its clock standing ``seconds`` after nine."""
    the_grids(folder)
    environ = {"GRID135_DATA": str(folder / "data")} | ({VARIABLE: secret} if secret else {})
    installation = open_installation(
        load(environ, str(a_config(folder, more=sources))), replayed=False
    )
    clock = ManualClock(at(seconds))
    live = Live(installation, clock=clock)
    live.start()
    try:
        with (
            serving(Starlette(routes=live.routes())) as url,
            httpx.Client(trust_env=False, timeout=30) as client,
        ):
            yield Street(live=live, installation=installation, clock=clock, url=url, client=client)
    finally:
        live.stop()
