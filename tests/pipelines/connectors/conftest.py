"""The fixtures of the connectors' tests."""

from collections.abc import Iterator

import pytest

from tests.pipelines.connectors.web_service import WebService, a_web_service


@pytest.fixture
def web() -> Iterator[WebService]:
    """A web service on loopback."""
    with a_web_service() as service:
        yield service
