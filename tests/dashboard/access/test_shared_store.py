"""People in a database that several web processes share: PostgreSQL, for real."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from dashboard.access.audit import KEPT, Act
from dashboard.access.engine import SCHEMA, kept_at, open_engine
from dashboard.access.keeper import AccessError, Keeper
from dashboard.access.person import Person, Role
from pipelines.errors import SettingsError
from pipelines.settings import load
from tests.builders import NINE, at
from tests.pipelines.installations import a_config

PASSWORD = "Qiantang-2026"
ROOT = Path(__file__).parents[3]
WRITER = """
import sys
from datetime import UTC, datetime
from dashboard.access.audit import Act, Audit
from dashboard.access.audit import KEPT, Act
from dashboard.access.engine import open_engine
log = Audit(open_engine(sys.argv[1]))
for turn in range(8):
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(5):
        log.add(Act.REVEALED, who=sys.argv[2], now=datetime.now(UTC), about=str(n))
"""
"""Writes five entries whenever it is told to, eight times."""


@pytest.fixture
def here(shared_url: str) -> Iterator[Keeper]:
    keeper = Keeper(shared_url)
    yield keeper
    keeper.close()


@pytest.fixture
def there(shared_url: str) -> Iterator[Keeper]:
    """What another web process has."""
    keeper = Keeper(shared_url)
    yield keeper
    keeper.close()


def join(keeper: Keeper, name: str, role: Role = Role.SUPERVISOR) -> None:
    keeper.set_password(keeper.invite(name, role, by="admin", now=NINE), PASSWORD, now=NINE)


def test_who_is_let_in_by_one_process_is_known_to_all(here: Keeper, there: Keeper) -> None:
    join(here, "chen")

    token = here.log_in("chen", PASSWORD, peer="", now=NINE)

    assert there.person(token, now=at(1)) == Person(name="chen", role=Role.SUPERVISOR)


def test_who_is_shut_out_by_one_process_is_out_everywhere(here: Keeper, there: Keeper) -> None:
    join(here, "wang")
    token = here.log_in("wang", PASSWORD, peer="", now=NINE)
    wall = here.enter_wall(here.add_wall("hall", by="admin", now=NINE), now=NINE)

    there.close_account("wang", by="admin", now=NINE)
    there.revoke_wall("hall", by="admin", now=NINE)

    assert here.person(token, now=at(1)) is None
    assert here.person(wall, now=at(1)) is None


def test_failures_at_several_processes_at_once_all_count(here: Keeper, there: Keeper) -> None:
    join(here, "zhao")

    def guess(n: int) -> str:
        with pytest.raises(AccessError) as refused:
            (here, there)[n % 2].log_in("zhao", "wrong", peer="", now=NINE)
        return refused.value.why

    with ThreadPoolExecutor(6) as threads:
        answers = sorted(threads.map(guess, range(6)))

    assert answers == ["locked", "locked", "wrong", "wrong", "wrong", "wrong"]


def test_a_link_used_twice_at_once_works_once(here: Keeper, there: Keeper) -> None:
    token = here.invite("sun", Role.VIEWER, by="admin", now=NINE)

    def use(keeper: Keeper) -> str:
        try:
            return keeper.set_password(token, PASSWORD, now=NINE)
        except AccessError as error:
            return error.why

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(use, (here, there))) == ["bad_invitation", "sun"]


def test_the_log_stays_one_chain_when_two_processes_write_at_once(
    here: Keeper, shared_url: str
) -> None:
    before = here.audit.verify().entries
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, shared_url, name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for _ in range(8):  # one that has begun a moment earlier is not through before the other
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]

    checked = here.audit.verify()
    turns = [entry.who for entry in here.audit.entries(limit=80)]

    assert (checked.entries - before, checked.broken) == (80, None)
    assert sum(a != b for a, b in pairwise(turns)) > 1  # they did interleave


def test_a_log_whose_old_entries_were_cut_can_still_be_proved(here: Keeper) -> None:
    for n in range(3):
        here.audit.add(Act.EXPORTED, who="chen", now=NINE + timedelta(days=n))

    forgotten = here.audit.trim(now=NINE + KEPT + timedelta(days=1, hours=1))

    assert forgotten > 0
    assert here.audit.verify().broken is None


def test_people_are_kept_in_the_database_of_the_store(tmp_path: Path, shared_url: str) -> None:
    config = a_config(tmp_path)
    data = {"GRID135_DATA": str(tmp_path / "data")}

    by_url = kept_at(load({**data, "GRID135_STORE": f"{shared_url}?schema=street7"}, str(config)))
    by_file = kept_at(load({**data, "GRID135_STORE": f"sqlite:///{tmp_path}/x.db"}, str(config)))
    by_default = kept_at(load(data, str(config)))

    assert by_file.database == str(tmp_path / "access.sqlite3")
    assert by_default.database == str(tmp_path / "data" / "access.sqlite3")
    keeper = Keeper(by_url)
    keeper.add_wall("hall", by="admin", now=NINE)
    assert [row.name for row in keeper.walls()] == ["hall"]
    keeper.close()


def test_a_database_that_cannot_be_had_says_so_and_repeats_no_password() -> None:
    secret = "of-the-role"

    with pytest.raises(SettingsError, match="cannot be opened") as error:
        open_engine(f"postgresql+psycopg://grid:{secret}@127.0.0.1:1/nowhere")

    assert secret not in str(error.value)


def test_the_tables_stand_in_a_schema_of_their_own(here: Keeper, shared_url: str) -> None:
    engine = create_engine(shared_url)
    with engine.begin() as connection:
        query = text("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'account'")
        found = connection.execute(query).scalars().all()
    engine.dispose()

    assert SCHEMA in found
    assert "public" not in found


@pytest.mark.parametrize("kind", ["url", "shared_url"])
def test_a_column_of_a_later_version_is_added_to_a_store_that_is_there(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(kind)
    keeper = Keeper(url)
    keeper.add_wall("lobby", by="admin", now=NINE)
    keeper.close()
    engine = open_engine(url)
    table = "wall" if kind == "url" else f"{SCHEMA}.wall"
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} DROP COLUMN seen_ms"))
    engine.dispose()

    again = Keeper(url)

    assert [row.seen_ms for row in again.walls() if row.name == "lobby"] == [None]
    again.close()
