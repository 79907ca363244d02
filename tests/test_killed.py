"""The process that takes records in is killed, or the power fails: nothing is lost or doubled."""

import random
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipelines.installation import Installation
from pipelines.store import schema
from pipelines.upkeep.rebuilding import verify
from tests.loading import (
    TOLD,
    good_records,
    loading,
    opened,
    reached,
    stored_records,
    take_in,
)
from tests.pipelines.installations import a_config, content, the_grids
from tests.stores import environ_of, kept_in, on_every_database

pytestmark = pytest.mark.long

KILLS = 100
LONGEST_S = 0.03
COPIES = 12
FILE = "grid135.sqlite3"


def a_street(folder: Path) -> Path:
    """A folder with everything an installation needs but a store."""
    the_grids(folder)
    a_config(folder)
    return folder


def told(street: Installation) -> dict[str, Sequence[tuple[Any, ...]]]:
    """What the store says, but not where a record stood when it was sent twice."""
    found = dict(content(street.store, *TOLD))
    lines = schema.report.c.keys().index("part")
    found["report"] = [row[:lines] + row[lines + 2 :] for row in found["report"]]
    return found


def assert_right(street: Installation, batches: int) -> None:
    """Exactly so many batches are stored, each record once, and every sum is that of them."""
    assert reached(street) == batches
    assert stored_records(street) == good_records(batches)
    found = verify(street.store, street.desk)
    assert (found.wrong, found.differences) == (0, ())


@pytest.mark.timeout(180)
@on_every_database
def test_a_load_that_is_killed_a_hundred_times_leaves_what_an_undisturbed_one_does(
    tmp_path: Path,
) -> None:
    folder, chance = a_street(tmp_path / "killed"), random.Random(135)
    environ = environ_of(folder)
    opened(folder, environ).store.close()
    acknowledged = 0

    for _ in range(KILLS):
        with loading(folder, environ) as load:
            load.begin()
            assert load.acknowledged >= acknowledged
            load.go_through(chance.choice((0, 0, 1, 2, 3)))
            time.sleep(chance.uniform(0, LONGEST_S))  # it is to be any moment
            load.kill()
            acknowledged = load.acknowledged

    assert acknowledged > KILLS
    killed = opened(folder, environ)
    batches = reached(killed)
    assert batches >= acknowledged
    assert_right(killed, batches)
    found = told(killed)
    killed.store.close()
    with kept_in("sqlite"):
        calm = opened(a_street(tmp_path / "calm"))
    take_in(calm, 0, batches)
    assert found == told(calm)
    calm.store.close()


def a_copy(folder: Path, copy: Path, *, wal_bytes: int | None = None, zeros: int = 0) -> Path:
    """What a disk holds when the power fails: the file and its log, but not the shared memory.

    ``wal_bytes`` cuts the log there, and its last ``zeros`` bytes never reached the disk.
    """
    a_street(copy)
    (copy / "data").mkdir()
    shutil.copyfile(folder / "data" / FILE, copy / "data" / FILE)
    wal = copy / "data" / f"{FILE}-wal"
    shutil.copyfile(folder / "data" / f"{FILE}-wal", wal)
    if wal_bytes is not None:
        with wal.open("r+b") as file:
            file.truncate(wal_bytes)
            file.seek(wal_bytes - zeros)
            file.write(bytes(zeros))
    return copy


def assert_a_prefix(copy: Path, *, acknowledged: int) -> int:
    """A copy opens, and holds the first batches as they are, all acknowledged ones among them."""
    with closing(sqlite3.connect(copy / "data" / FILE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    street = opened(copy)
    batches = reached(street)
    assert batches >= acknowledged
    assert_right(street, batches)
    take_in(street, batches, batches + 2)
    assert_right(street, batches + 2)
    street.store.close()
    return batches


def test_when_the_power_fails_after_a_commit_the_commit_is_on_disk(tmp_path: Path) -> None:
    street = opened(a_street(tmp_path / "street"))

    for number in range(8):
        take_in(street, number, number + 1)
        copy = a_copy(tmp_path / "street", tmp_path / f"copy-{number}")
        assert assert_a_prefix(copy, acknowledged=number + 1) == number + 1

    street.store.close()


@pytest.mark.parametrize("checkpoint_pages", [0, 60], ids=["log only", "log and checkpoints"])
def test_when_the_power_fails_at_any_moment_what_was_acknowledged_is_on_disk(
    tmp_path: Path, checkpoint_pages: int
) -> None:
    """Of the log, only what was synced when a batch was acknowledged is sure to be on disk.

    The rest of it is cut off or zero from anywhere. With checkpoints the log begins anew, so that
    its length says nothing, and it is left whole.
    """
    chance, folder = random.Random(135), a_street(tmp_path / "street")
    moments: list[tuple[Path, int]] = []
    opened(folder).store.close()

    with loading(folder, checkpoint_pages=checkpoint_pages) as load:
        load.begin()
        for number in range(COPIES):
            time.sleep(chance.uniform(0.001, 0.02))  # it is to be any moment
            load.pause()
            copy = tmp_path / f"copy-{number}"
            if checkpoint_pages:
                a_copy(folder, copy)
            else:
                size = (folder / "data" / f"{FILE}-wal").stat().st_size
                length = chance.randint(load.synced, size)
                zeros = chance.randint(0, length - load.synced)
                a_copy(folder, copy, wal_bytes=length, zeros=zeros)
            moments.append((copy, load.acknowledged))
            load.go_on()
            if number == COPIES // 2:
                load.go_through(1)  # on a slow machine nothing may have happened until now

    found = [assert_a_prefix(copy, acknowledged=n) for copy, n in moments]
    assert found == sorted(found)
    assert found[-1] > found[0]
