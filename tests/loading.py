"""A load that never ends, taken in by a process that may be killed at any moment.

Batch ``n`` is always the same: calls with several units, some about incidents of earlier batches,
some told before, now and then one that makes no sense. The position behind it is ``n + 1``.
"""

import multiprocessing
import os
import random
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pipelines.connectors.record import Batch, Record
from pipelines.installation import Installation, open_installation
from pipelines.settings import load
from pipelines.store import schema
from tests.builders import at
from tests.pipelines.installations import IN_G1, IN_G2, IN_G3, a_bad_record, a_call, a_record

NOW = at(10**6)
PART = "calls.csv"
SIZE = 8
TOLD = ("incident", "rollup", "sheet", "slot", "report", "fact", "context", "quarantine", "source",
        "position")  # fmt: skip
"""What must be the same after a load that was disturbed and one that was not."""


def the_batch(number: int) -> Batch:
    """One batch of the load."""
    dice = random.Random(number)
    records: list[Record] = []
    for i in range(SIZE - 1):
        ordinal = number * SIZE + i
        about = dice.randint(max(0, ordinal - 40), ordinal)
        began = about * 13
        row = a_call(f"A-{about}", record=f"{ordinal}", unit=f"E{dice.randint(1, 3)}",
                     place=(IN_G1, IN_G2, IN_G3)[about % 3], kind=("fire", "noise")[about % 2],
                     reported=began, arrived=began + dice.randint(100, 500))  # fmt: skip
        records.append(a_record(row, ordinal=ordinal))
    records.append(records[0] if number % 3 else a_bad_record(f"? {number}", ordinal=number))
    return Batch(records=tuple(records), part=PART, position=str(number + 1))


def good_records(batches: int) -> list[str]:
    """The name of every record that must be in the store after so many batches, once."""
    return sorted(f"{n * SIZE + i}" for n in range(batches) for i in range(SIZE - 1))


def reached(street: Installation) -> int:
    """How many batches the store has."""
    with street.store.reading() as reader:
        return int(reader.positions("calls").get(PART, "0"))


def stored_records(street: Installation) -> list[str]:
    """The name of every report, sorted: what is stored twice is here twice."""
    with street.store.reading() as reader:
        return sorted(row.record_id for row in reader.rows(schema.report.select()))


def take_in(street: Installation, first: int, last: int) -> None:
    """Take in some batches, the last excluded."""
    for number in range(first, last):
        street.door.accept(street.sources[0], the_batch(number), now=NOW)


def opened(folder: Path, environ: Mapping[str, str] | None = None) -> Installation:
    """The installation of a folder that has its configuration."""
    settings = load(
        {"GRID135_DATA": str(folder / "data"), **(environ or {})}, str(folder / "street.toml")
    )
    return open_installation(settings, replayed=False)


def _take_in_for_ever(
    folder: Path, environ: Mapping[str, str], said: Connection, pages: int
) -> None:
    """Go on where the store is; say after each batch how many are on disk."""
    street = opened(folder, environ)
    if pages:
        with street.store.writing() as writer:
            writer.connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {pages}")
    number = reached(street)
    wal = folder / "data" / "grid135.sqlite3-wal"
    said.send((number, _size(wal)))
    while True:
        street.door.accept(street.sources[0], the_batch(number), now=NOW)
        number += 1
        said.send((number, _size(wal)))


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


class Load:
    """A process that takes the load in."""

    def __init__(self, process: BaseProcess, said: Connection) -> None:
        self._process = process
        self._said = said
        self.acknowledged = 0
        """How many batches it has said to be on disk."""
        self.synced = 0
        """How long the log of the database was then, in bytes."""

    def begin(self) -> None:
        """Wait until it is about to take in its first batch."""
        self.go_through(1)

    def go_through(self, batches: int) -> None:
        """Wait until it has taken in so many more."""
        for _ in range(batches):
            self.acknowledged, self.synced = self._said.recv()

    def hear(self) -> None:
        """Take note of what it has said until now."""
        try:
            while self._said.poll():
                self.acknowledged, self.synced = self._said.recv()
        except EOFError:
            return  # killed, and all is heard

    def pause(self) -> None:
        """Stop it where it is: of its files, nothing changes."""
        pid = self._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        while _state(pid) not in "TtZ":
            os.sched_yield()
        self.hear()

    def go_on(self) -> None:
        """Let it go on."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        self._process.kill()
        self._process.join()
        self.hear()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def loading(
    folder: Path, environ: Mapping[str, str] | None = None, *, checkpoint_pages: int = 0
) -> Iterator[Load]:
    """A process that takes the load in, from where the store is, until the block ends.

    It comes from a server that has everything imported, so it costs some milliseconds.
    ``checkpoint_pages`` has an embedded store copy its log into the file so often.
    """
    processes: Any = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.loading", "pipelines.store.backends.postgresql"])
    ours, theirs = processes.Pipe(duplex=False)
    arguments = (folder, dict(environ or {}), theirs, checkpoint_pages)
    process = processes.Process(target=_take_in_for_ever, args=arguments, daemon=True)
    process.start()
    theirs.close()
    load_ = Load(process, ours)
    try:
        yield load_
    finally:
        load_.kill()
        ours.close()
