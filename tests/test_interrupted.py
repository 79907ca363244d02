"""Ctrl-C ends any command quietly, whatever it is about to do."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pipelines.roles.live import Live
from tests.pipelines.installations import a_config, an_installation, the_grids
from tests.processes import ROOT, Product, running, until

INTERRUPTED = 130
AGAIN_S = 10


@contextmanager
def waiting_for(pipe: Path, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the product that has begun to read from a pipe, which says nothing."""
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), *arguments],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    ends: list[int] = []

    def reads() -> bool:
        with suppress(OSError):  # nobody has opened its other end
            ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(ends)

    try:
        assert until(reads)
        yield process
    finally:
        process.kill()
        process.wait()
        for end in ends:
            os.close(end)


def end_of(process: "subprocess.Popen[bytes]") -> tuple[int, bytes, bytes]:
    """What Ctrl-C leaves: the exit status, and what was printed.

    One that comes just before the interpreter begins to read is seen when it has read, which from
    this pipe is never: so it is said again.
    """
    while process.returncode is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            out, err = process.communicate(timeout=AGAIN_S)
    return process.returncode, out, err


@pytest.mark.parametrize("command", ["run", "serve", "kpi", "doctor"])
def test_while_the_settings_are_read(tmp_path: Path, command: str):
    config = tmp_path / "config.toml"

    with waiting_for(config, command, "--config", str(config)) as process:
        assert end_of(process) == (INTERRUPTED, b"", b"")


def test_while_the_libraries_are_loaded(tmp_path: Path):
    pipe, library = tmp_path / "pipe", tmp_path / "sqlalchemy.py"
    library.write_text(
        f"try:\n    open({str(pipe)!r}).read()\nexcept BaseException as error:\n"
        "    raise ImportError('half loaded') from error\n"
    )

    with waiting_for(pipe, "run", PYTHONPATH=str(tmp_path)) as process:
        assert end_of(process) == (INTERRUPTED, b"", b"")


@pytest.mark.parametrize("role", ["run", "serve"])
def test_while_screens_are_served(tmp_path: Path, role: str):
    the_grids(tmp_path)
    product = Product(tmp_path, a_config(tmp_path), role=role)

    with running(product):
        assert until(product.health)
        product.signal(signal.SIGINT)
        status = product.process.wait(60)

    assert status == INTERRUPTED
    assert "Traceback" not in product.log.read_text()


def test_who_is_stopped_before_it_has_begun_stops(tmp_path: Path):
    live = Live(an_installation(tmp_path))

    live.stop()
