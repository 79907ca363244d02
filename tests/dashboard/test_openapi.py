"""The description of the HTTP API: it says all, and the API does what it says."""

import hashlib
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Route

from dashboard.access.guard import COOKIE
from dashboard.access.rehearsing import CANARY_PATH
from dashboard.access.reveal import REVEAL_PATH
from dashboard.openapi import OPENAPI_PATH, described
from dashboard.server import create_app
from pipelines.privacy.clearance import Role
from tests.dashboard.access.living import living
from tests.dashboard.access.site import Site
from tests.dashboard.builders import FakeBackend

PATHS = sorted(described("test")["paths"])
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with living(tmp_path_factory.mktemp("street")) as whole:
        yield whole


@pytest.fixture(scope="module")
def token(street: Site) -> str:
    return street.session(Role.SUPERVISOR)


def test_every_route_below_api_is_described() -> None:
    served = {
        route.path
        for route in create_app(FakeBackend(), build="x").routes
        if isinstance(route, Route) and route.path.startswith("/api")
    }

    beside = {REVEAL_PATH, CANARY_PATH, "/api/v1/remarks", "/api/v1/trail"}
    assert served | beside == set(PATHS)


def test_every_parameter_is_explained() -> None:
    asked = described("test")["paths"]["/api/v1/kpi"]["get"]["parameters"]

    assert [one["name"] for one in asked if not one["description"]] == []


def test_it_is_served(street: Site, token: str) -> None:
    with street.browser(token) as browser:
        assert browser.get(OPENAPI_PATH).json() == described("test")


@pytest.mark.parametrize("path", PATHS)
def test_the_api_keeps_to_its_description_whatever_it_is_asked(
    street: Site, token: str, path: str
) -> None:
    schema = schemathesis.openapi.from_dict(described("test"))
    (method,) = described("test")["paths"][path]
    csrf = hashlib.sha256(f"grid135:csrf:{token}".encode()).hexdigest()
    session = requests.Session()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=schema[path][method].as_strategy())
    def keeps_to_it(case: schemathesis.Case) -> None:
        proofs = {"X-CSRFToken": csrf} if "X-CSRFToken" in case.headers else {}
        response = case.call(
            base_url=street.server.url,
            session=session,
            cookies={COOKIE: token},
            headers={"Sec-Fetch-Site": "same-origin", **proofs},
        )
        case.validate_response(response, checks=CHECKS)

    keeps_to_it()
