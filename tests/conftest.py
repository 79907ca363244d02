"""Settings that hold for every test."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.stores import kept_in

# A shared machine may be slow for a moment; CI draws the same examples every time.
settings.register_profile("default", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=20, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: what is begun last is waited for by all others."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(params=["sqlite", "postgresql"])
def every_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which database stores are kept in; see ``tests.stores``."""
    with kept_in(request.param):
        yield request.param
