"""The fixtures of the connectors' tests."""

from collections.abc import Iterator

import pytest

from tests.pipelines.connectors.platforms import SOURCES
from tests.pipelines.connectors.web_service import WebService, a_web_service
from tests.pipelines.pushing import Street, a_street


@pytest.fixture
def web() -> Iterator[WebService]:
    """A web service on loopback."""
    with a_web_service() as service:
        yield service


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """A street that platforms push to, one source of each sort; a test uses its own devices."""
    with a_street(tmp_path_factory.mktemp("town"), SOURCES) as street:
        yield street
