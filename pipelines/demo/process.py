"""The simulator as a process of its own, beside the product and ended with it."""

import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from pipelines.clock import Clock, FastClock, SystemClock
from pipelines.demo.played import Played, read_played, write_played
from pipelines.demo.settings import MQTT_SOURCE, SECRETS
from pipelines.demo.simulator import Simulator, clear, play
from pipelines.errors import SettingsError
from pipelines.settings import Settings

logger = logging.getLogger(__name__)

GIVEN = "--given"
"""The flag with which the product starts the simulator: what was arranged comes by stdin."""

_LOCK_FILE = "demo.lock"
_READY = b"ready\n"
_ENDS_WITHIN_S = 15


def simulate(settings: Settings, *, given: bool) -> None:
    """Play the street until stopped, or until whoever started this is gone.

    Raises SettingsError when a simulator plays into this data folder already.
    """
    settings = _given(settings) if given else settings
    assert settings.demo is not None
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with _alone(settings.data):
        clear(settings.data)
        machine = SystemClock()
        anchor = machine.now().replace(microsecond=0)
        clock = FastClock(base=machine, anchor=anchor, start=anchor, rate=settings.demo.speed)

        def seen() -> None:
            now = machine.now()
            write_played(
                settings.data, Played(anchor=anchor, start=anchor, rate=clock.rate, seen=now)
            )

        simulator = Simulator(settings, clock)
        simulator.tick()
        seen()
        if given:
            os.write(sys.stdout.fileno(), _READY)
            threading.Thread(target=_wait_for_end, args=(stopped,), daemon=True).start()
        play(simulator, stopped, seen=seen)
        seen()


@contextmanager
def beside(settings: Settings, command: Sequence[str]) -> Iterator[Clock]:
    """A simulator in a process of its own, as long as the context lasts; yields its clock.

    ``command`` starts it. One that plays into this data folder already is joined.
    Raises SettingsError when it cannot start.
    """
    if MQTT_SOURCE not in settings.sources:
        logger.warning("demo: no MQTT sensors, for Mosquitto is not installed: apt install it")
    process = subprocess.Popen(
        [*command, GIVEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        hand_over(settings, process.stdin)
        began = process.stdout.readline() == _READY
        played = read_played(settings.data)
        if played is None or not (began or played.is_running(SystemClock().now())):
            raise SettingsError("the simulator of the demo street did not start; see the log above")
        if not began:
            logger.warning("a demo street is played into %s already: joining it", settings.data)
        yield played.clock
    finally:
        with suppress(OSError):
            process.stdin.close()
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def hand_over(settings: Settings, pipe: IO[bytes]) -> None:
    """What was arranged here: the ports that were chosen, and the secrets that were made up."""
    content = {
        "sources": settings.sources,
        "server": settings.server.model_dump(),
        "secrets": {name: settings.secrets.get(name, "") for name in SECRETS},
    }
    with suppress(BrokenPipeError):
        pipe.write(json.dumps(content, default=str).encode() + b"\n")
        pipe.flush()


def _given(settings: Settings) -> Settings:
    said: Mapping[str, Any] = json.loads(sys.stdin.buffer.readline())
    server = settings.server.model_copy(update=said["server"])
    changes = {"sources": said["sources"], "server": server, "secrets": said["secrets"]}
    return settings.model_copy(update=changes)


def _wait_for_end(stopped: threading.Event) -> None:
    """Who started this holds the other end of stdin, whatever becomes of it."""
    sys.stdin.buffer.read()
    stopped.set()


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    data.mkdir(parents=True, exist_ok=True)
    with (data / _LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SettingsError(
                f"{data}: a demo street is played into this folder already; stop that one, or "
                "set GRID135_DATA to another folder"
            ) from error
        yield
