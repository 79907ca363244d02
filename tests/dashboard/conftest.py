"""What the tests of the screen side share."""

import pytest

from tests.dashboard.builders import FakeBackend


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()
