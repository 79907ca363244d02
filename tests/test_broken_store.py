"""The disk is full, or another program holds the file: nothing is acknowledged that is not stored.

Both are said by /health and to every screen, and both end by themselves.
"""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.server import create_app
from pipelines.store import schema
from pipelines.store.backends import sqlite
from pipelines.upkeep.rebuilding import verify
from tests.builders import NINE
from tests.pipelines.connectors.platforms import a_source
from tests.pipelines.installations import CALLS, HEADER, a_call, as_csv, drop
from tests.pipelines.pushing import Street, a_street, serving
from tests.processes import until

ROOM_MB = 8
FILES = CALLS.format(options='every = "100ms"', path="in/*.csv").replace("calls", "files")
TABLE = """
type = "table"
incident = "id"
kind = { column = "kind", map = { fire = "fire" } }
milestones = { reported = "reported" }
"""


@dataclass(kw_only=True)
class Watched:
    """A street that is pushed to, its screens, and who pushes what until it is acknowledged."""

    street: Street
    folder: Path
    screens: str
    acknowledged: list[str] = field(default_factory=list)

    def push(self, name: str) -> int:
        """Push one incident; the status of the answer."""
        body = {"id": name, "kind": "fire", "reported": NINE.isoformat(), "more": "x" * 5000}
        status = self.street.push("plain", body).status_code
        if status == 200:
            self.acknowledged.append(name)
        return status

    def drop(self, name: str) -> None:
        """Put a file with one call into the folder of the source of files."""
        drop(self.folder / "in" / f"{name}.csv", as_csv([a_call(name, arrived=200)]), written=NINE)

    def health(self) -> dict[str, Any]:
        """What it says of itself."""
        found: dict[str, Any] = httpx.get(f"{self.screens}/health", timeout=30).json()
        return found

    def unstored(self) -> str:
        """Why nothing can be stored, as it says itself; empty while it can."""
        return str((self.health()["unstored"] or {}).get("reason", ""))

    def head(self) -> dict[str, Any]:
        """The first that a new screen is told."""
        with httpx.stream("GET", f"{self.screens}/stream?page=wall", timeout=30) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    found: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    return found
        raise AssertionError("the stream ended")

    def stored(self) -> list[str]:
        """The key of every report, sorted."""
        with self.street.installation.store.reading() as reader:
            query = schema.incident.select()
            keys = {row.id: row.key for row in reader.rows(query)}
            reports = reader.rows(schema.report.select())
        return sorted(keys[row.incident_id] for row in reports)

    def assert_right(self) -> None:
        """Each acknowledged record and each of the files is stored once, and counted so."""
        files = [file.stem for file in (self.folder / "in").iterdir()]
        assert self.stored() == sorted([*self.acknowledged, *files])
        installation = self.street.installation
        assert verify(installation.store, installation.desk).wrong == 0


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """A street in a folder, with screens."""
    (folder / "in").mkdir()
    drop(folder / "calls.csv", HEADER)
    with a_street(folder, FILES + a_source(decoder=TABLE)) as street:
        app = create_app(street.live, build="test", more=street.live.routes())
        with serving(app) as url:
            it = Watched(street=street, folder=folder, screens=url)
            assert it.push("first") == 200
            it.drop("file-1")
            assert until(lambda: "file-1" in it.stored())
            assert it.health()["status"] == "ok"
            yield it


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder whose ``data`` is a disk of its own that is soon full."""
    data = tmp_path / "data"
    data.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_MB}m", "grid135-test", str(data)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        done = subprocess.CompletedProcess(command, 1, "", str(error))
    if done.returncode:
        why = f"no disk of the test's own can be mounted here: {done.stderr.strip()}"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", str(data)], check=True)


def fill(file: Path, *, but: int) -> None:
    """Write a file until there is no room left but so many bytes."""
    free = os.statvfs(file.parent)
    with file.open("wb") as whole:
        whole.write(bytes(free.f_bavail * free.f_frsize - but))


def test_on_a_full_disk_nothing_is_acknowledged_and_all_goes_on_when_there_is_room(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with watched(small_disk) as it:
        fill(small_disk / "data" / "filler", but=300_000)

        refused = next(name for name in map("P-{}".format, count()) if it.push(name) == 503)
        assert it.push("again") == 503
        it.drop("file-2")

        assert len(it.acknowledged) > 2
        assert it.unstored() == "full"
        assert it.health()["status"] == "degraded"
        assert it.head()["unstored_ms"] is not None
        assert "could not be stored" in caplog.text
        assert "file-2" not in it.stored()
        assert it.stored() == sorted([*it.acknowledged, "file-1"])

        (small_disk / "data" / "filler").unlink()

        assert until(lambda: "file-2" in it.stored())
        assert it.unstored() == ""
        assert (it.push(refused), it.push("again")) == (200, 200)
        assert it.head()["unstored_ms"] is None
        assert it.health()["status"] == "ok"
        it.assert_right()


def test_a_file_that_another_program_holds_too_long_is_said_and_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", timedelta(milliseconds=200))
    with watched(tmp_path) as it:
        file = tmp_path / "data" / "grid135.sqlite3"
        with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert it.push("held") == 503
            it.drop("file-2")

            assert it.unstored() == "locked"
            assert it.health()["status"] == "degraded"
            assert it.head()["unstored_ms"] is not None
            assert it.stored() == ["file-1", "first"]
            other.execute("ROLLBACK")

        assert until(lambda: "file-2" in it.stored())
        assert it.unstored() == ""
        assert it.push("held") == 200
        assert it.health()["status"] == "ok"
        it.assert_right()
