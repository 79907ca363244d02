"""The product in processes of its own: started, asked how they are, paused, and killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parent.parent
PATIENCE_S = 60.0

_SET_CLOCK = """
import sys
from datetime import datetime, timedelta, UTC
import apscheduler.executors.base
import apscheduler.schedulers.base
import apscheduler.triggers.interval
import pipelines.clock
import app

class Set(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(seconds={seconds})

for module in (
    pipelines.clock,
    apscheduler.executors.base,
    apscheduler.schedulers.base,
    apscheduler.triggers.interval,
):
    module.datetime = Set
sys.exit(app.main({arguments}))
"""


def until(condition: Callable[[], Any], *, within_s: float = PATIENCE_S) -> bool:
    """Wait for a condition; False when it does not come true."""
    ends = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


def a_port() -> int:
    """A port of this machine that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Product:
    """One process of the product, on a data folder that others may share.

    ``clock`` is by how much its clock is wrong: where it reads it, and where its scheduler does.
    ``before`` is what the command begins with, to run it somewhere else.
    """

    def __init__(
        self,
        folder: Path,
        config: Path,
        *,
        role: str = "run",
        clock: timedelta = timedelta(0),
        environ: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> None:
        self.port = a_port()
        arguments = [role, "--config", str(config)]
        command = [sys.executable, "app.py", *arguments]
        if clock:
            script = _SET_CLOCK.format(seconds=clock.total_seconds(), arguments=arguments)
            command = [sys.executable, "-c", script]
        own = {"GRID135_DATA": str(folder / "data"), "GRID135_PORT": str(self.port)}
        self.log = folder / f"{role}-{self.port}.log"
        told = os.environ | own | dict(environ or {})
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*before, *command], cwd=ROOT, env=told, stderr=log)

    def health(self) -> dict[str, Any]:
        """What it says about itself; empty while it does not answer."""
        with suppress(URLError, OSError), urlopen(self.url("/health"), timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
        return {}

    def url(self, path: str) -> str:
        """An address that it answers at."""
        return f"http://127.0.0.1:{self.port}{path}"

    def role(self) -> str:
        """``active``, ``standby``, ``serve``, or nothing while it does not answer."""
        return str(self.health().get("ingest", {}).get("role", ""))

    def takes_in(self) -> set[str]:
        """The sources that it takes in."""
        return set(self.health().get("ingest", {}).get("sources", ()))

    def source(self, name: str) -> dict[str, Any]:
        """What it says about one source; empty while it does not answer."""
        lines = self.health().get("sources", ())
        return next((line for line in lines if line["id"] == name), {})

    def push(self, source: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Push to it; the status of the answer, 0 when there is none."""
        request = Request(self.url(f"/ingest/{source}"), data=body, headers=dict(headers))
        try:
            with urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except URLError as error:
            return int(getattr(error, "code", 0))

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        """Ask it to stop, and wait; the status it ends with."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@contextmanager
def running(*products: Product) -> Iterator[None]:
    """Whatever becomes of them, nothing of them is left when the block ends."""
    try:
        yield
    finally:
        for product in products:
            if product.process.poll() is None:
                product.signal(signal.SIGCONT)
                product.kill()
