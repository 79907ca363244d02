"""A demo street that is played in a test: the real parts, the real product, a clock at hand."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from pipelines.clock import Clock, ManualClock
from pipelines.demo.settings import made_up_secrets, mosquitto
from pipelines.demo.simulator import PARTS, TRUTH_FILE, Simulator, clear
from pipelines.demo.truth import read_truth
from pipelines.figures.query import kpi, parse
from pipelines.installation import Installation, open_installation
from pipelines.model.milestone import Milestone
from pipelines.roles.live import Live
from pipelines.settings import Settings, load
from tests.pipelines.installations import a_file

CONFIG = Path(__file__).parents[3] / "config" / "demo.toml"
TUESDAY = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
"""Half past two in the afternoon on the street."""
PATIENCE_S = 60.0
QUIET_S = 1.5
VERDICTS = ("hit", "miss", "unknown", "quarantined", "pending")
PARTS_OF_DEMO = PARTS if mosquitto() else PARTS - {"smoke_mqtt"}


def demo_settings(folder: Path, *, port: int = 0, **demo: Any) -> Settings:
    """The shipped configuration with its state in ``folder``; ``demo`` changes its ``[demo]``."""
    text = CONFIG.read_text(encoding="utf-8")
    # asked more often, so that a test need not wait
    text = text.replace('every = "2s"', 'every = "300ms"').replace(
        'every = "3s"', 'every = "300ms"'
    )
    text = text.replace('"demo/', f'"{CONFIG.parent}/demo/')
    text = text.replace('"calendars/', f'"{CONFIG.parent}/calendars/')
    text = text.replace('street = "demo"', f'street = "{CONFIG.parent}/demo"')
    for key, value in demo.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
        text = text.replace(line, f"{key} = {value}", 1)
    environ = {"GRID135_DATA": str(folder / "data"), **made_up_secrets()}
    if port:
        environ["GRID135_PORT"] = str(port)
    return load(environ, str(a_file(folder / "demo.toml", text)))


@dataclass
class Playing:
    """A street and its product, both running."""

    settings: Settings
    installation: Installation
    live: Live
    simulator: Simulator
    clock: Clock
    _seen: tuple[float, dict[str, int]] | None = None

    def tick_until(self, done: Callable[[], bool]) -> None:
        """Let the simulator go on until something is so."""
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end, self.state()
            self.simulator.tick()
            time.sleep(0.02)

    def is_quiet(self) -> bool:
        """Whether everything that was let out is in the store, as far as one can see.

        What is polled is quiet when two looks, further apart than the slowest poll, are the same.
        """
        if any(part.waiting for part in self.simulator.parts.values()):
            self._seen = None
            return False
        # where units are becomes no report
        told = self.simulator.parts.keys() - set(self.settings.units.located_by)
        stored = {source: self.stored(source) for source in told}
        now = time.monotonic()
        if self._seen is None or self._seen[1] != stored:
            self._seen = (now, stored)
        return now - self._seen[0] > QUIET_S and all(stored.values())

    def state(self) -> str:
        """What waits where, and how each source is doing."""
        waiting = {source: part.waiting for source, part in self.simulator.parts.items()}
        lines = [(s.id, s.state.value, s.problem) for s in self.live.snapshot().sources]
        return f"{waiting} {lines}"

    def stored(self, source: str) -> int:
        """How many records of a source are in the store."""
        with self.installation.store.reading() as reader:
            row = reader.sources().get(source)
        return 0 if row is None else row.reports

    def truth(self) -> list[Any]:
        """Every case that was made up so far."""
        return read_truth(self.settings.data / "demo" / TRUTH_FILE)


@contextmanager
def playing(folder: Path, *, clock: Clock | None = None, **demo: Any) -> Iterator[Playing]:
    """Play the demo street on loopback; ``demo`` changes what the configuration says of it."""
    clock = clock or ManualClock(TUESDAY)
    with _listening() as (listener, port):
        settings = demo_settings(folder, port=port, **demo)
        clear(settings.data)
        simulator = Simulator(settings, clock)
        simulator.tick()
        installation = open_installation(settings, replayed=True)
        live = Live(installation, clock=clock)
        server = uvicorn.Server(
            uvicorn.Config(Starlette(routes=live.routes()), log_level="warning")
        )
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        live.start()
        thread.start()
        try:
            yield Playing(settings, installation, live, simulator, clock)
        finally:
            simulator.stop()
            server.should_exit = True
            thread.join()
            live.stop()


@contextmanager
def _listening() -> Iterator[tuple[Any, int]]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, listener.getsockname()[1]


def kpi_of(played: Playing, milestone: Milestone, reading: str) -> dict[str, int]:
    """H, M, X, Q, P and the ledger of everything so far, without what is zero."""
    zone = played.settings.area.time_zone
    asked = {"milestone": milestone.value, "reading": reading}
    query = parse(asked, now=played.clock.now(), zone=zone)
    with played.installation.store.reading() as reader:
        (found,) = kpi(reader, query, played.installation.desk)
    counts = {name: found[name] for name in VERDICTS}
    return {name: n for name, n in (counts | found["excluded"]).items() if n}
