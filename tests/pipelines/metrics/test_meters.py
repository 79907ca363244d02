"""What a process measures of itself, who may read it, and that the dashboard file fits."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp

from dashboard.server import create_app
from pipelines.clock import ManualClock
from pipelines.errors import SettingsError
from pipelines.installation import Installation
from pipelines.metrics.settings import MetricsSettings
from pipelines.metrics.window import Window, health_route, metrics_route
from pipelines.roles.live import Live
from pipelines.settings import load
from tests.builders import at
from tests.pipelines.installations import (
    a_call,
    a_config,
    an_installation,
    taken_in,
    the_grids,
    the_settings,
)
from tests.processes import a_port

ROOT = Path(__file__).parent.parent.parent.parent
BOARD = ROOT / "docs" / "operations" / "grafana-dashboard.json"
NAME = re.compile(r"\b(?:grid135|process)_[a-z0-9_]+")


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


def asked(app: ASGIApp, peer: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """What a peer is answered that asks for the measures."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://grid135") as client:
            return await client.get("/metrics", headers=headers)

    return asyncio.run(ask())


def measured(street: Installation, *rows: Any) -> str:
    """The measures of a process with screens, after it took rows in."""
    live = Live(street, clock=ManualClock(at(600)))
    app = create_app(live, build="test", measured=live.metrics_route)
    if rows:
        taken_in(street, *rows, now=at(500))
    answer = asked(app, "127.0.0.1")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def test_what_went_through_the_door_is_counted_by_source_and_outcome(street: Installation) -> None:
    text = measured(street, a_call("A-1"), a_call("A-2"), a_call("A-1"))

    assert 'grid135_records_total{outcome="stored",source="calls"} 2.0' in text
    assert 'grid135_records_total{outcome="duplicate",source="calls"} 1.0' in text
    assert 'grid135_source_last_record_timestamp_seconds{source="calls"}' in text
    assert 'grid135_database_seconds_count{access="write"}' in text
    assert "grid135_stream_clients 0.0" in text


def test_no_caller_and_no_place_is_in_the_measures(street: Installation) -> None:
    text = measured(street, a_call("A-1", title="王先生 13800138000"))

    assert "13800138000" not in text
    assert "A-1" not in text


def test_every_measure_that_the_dashboard_names_is_there(street: Installation) -> None:
    text = measured(street, a_call("A-1"))
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    asked = [t["expr"] for p in board["panels"] for t in p.get("targets", ())]

    named = {name for expr in asked for name in NAME.findall(expr)}
    there = set(re.findall(r"^([a-z0-9_]+)(?:\{| )", text, re.MULTILINE))
    # a source without a lag or a code has no line, but the measure is described
    there |= set(re.findall(r"^# TYPE ([a-z0-9_]+) ", text, re.MULTILINE))
    assert len(named) > 10
    assert named <= there


def status(settings: MetricsSettings, *, peer: str, **headers: str) -> int:
    app = Starlette(routes=[metrics_route(lambda: b"", settings)])
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asked(app, peer, named).status_code


def test_this_machine_and_the_networks_that_are_named_may_read_them() -> None:
    wider = MetricsSettings(allow=("10.1.0.0/16",))

    assert status(MetricsSettings(), peer="127.0.0.1") == 200
    assert status(MetricsSettings(), peer="10.1.2.3") == 403
    assert status(wider, peer="10.1.2.3") == 200
    assert status(wider, peer="127.0.0.1") == 403


def test_a_proxy_on_this_machine_lets_nobody_in() -> None:
    assert status(MetricsSettings(), peer="127.0.0.1", x_forwarded_for="203.0.113.9") == 403


def test_whoever_has_the_token_may_read_them_from_anywhere(tmp_path: Path) -> None:
    the_grids(tmp_path)
    config = a_config(tmp_path, more='[metrics]\ntoken = "GRID135_TEST_TOKEN"\n')
    settings = load({"GRID135_TEST_TOKEN": "abc"}, str(config)).metrics

    assert status(settings, peer="203.0.113.9", authorization="Bearer abc") == 200
    assert status(settings, peer="203.0.113.9", authorization="Bearer abd") == 403
    assert status(settings, peer="203.0.113.9") == 403


def test_a_network_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"allow.*'office': must be an address or a network"):
        the_settings(tmp_path, more='[metrics]\nallow = ["office"]\n')


def test_a_process_without_screens_answers_at_a_port_of_its_own() -> None:
    settings = MetricsSettings(port=a_port())
    routes = [metrics_route(lambda: b"up 1\n", settings), health_route(lambda: {"status": "ok"})]
    window = Window(settings, routes)
    window.start()
    try:
        url = f"http://127.0.0.1:{settings.port}"
        assert httpx.get(f"{url}/metrics", trust_env=False).text == "up 1\n"
        assert httpx.get(f"{url}/health", trust_env=False).json() == {"status": "ok"}
        with pytest.raises(SettingsError, match="GRID135_METRICS_PORT"):
            Window(settings, routes).start()
    finally:
        window.stop()


def test_the_environment_wins_over_the_port_in_the_file(tmp_path: Path) -> None:
    the_grids(tmp_path)
    config = str(a_config(tmp_path, more="[metrics]\nport = 9135\n"))

    assert load({}, config).metrics.port == 9135
    assert load({"GRID135_METRICS_PORT": "9136"}, config).metrics.port == 9136
    with pytest.raises(SettingsError, match="GRID135_METRICS_PORT = 'x'"):
        load({"GRID135_METRICS_PORT": "x"}, config)
