"""Where people are kept in the tests: a file, and a real PostgreSQL database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from dashboard.access import passwords
from dashboard.access.keeper import Keeper
from tests.databases import postgresql


@pytest.fixture(autouse=True, scope="session")
def quick_hashes() -> Iterator[None]:
    """The same way of keeping passwords at the least cost: what it costs is not what is tested."""
    kept = passwords._HASHER, passwords._NOBODY
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._NOBODY = passwords._HASHER.hash("nobody has this password")
    yield
    passwords._HASHER, passwords._NOBODY = kept


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'access.sqlite3'}"


@pytest.fixture(scope="module")
def shared_url() -> Iterator[str]:
    """A shared database, the same for all tests of one file."""
    with postgresql() as database:
        yield database.url.replace("grid135_test@", "grid135_test:grid135_test@", 1)


@pytest.fixture
def keeper(url: str) -> Iterator[Keeper]:
    keeper = Keeper(url)
    yield keeper
    keeper.close()
