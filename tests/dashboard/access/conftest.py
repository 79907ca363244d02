"""Where people are kept in the tests: a file, and a real PostgreSQL database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.access.keeper import Keeper
from tests.databases import postgresql


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
