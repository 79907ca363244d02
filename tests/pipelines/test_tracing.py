"""Traces: off unless asked for; then a span for what was done, and within what."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.errors import SettingsError
from pipelines.host import tracing
from pipelines.host.tracing import TracingSettings, span
from tests.dashboard.builders import FakeBackend
from tests.dashboard.serving import serving
from tests.pipelines.installations import a_call, an_installation, taken_in, the_settings

COLLECTOR = "http://127.0.0.1:4318/v1/traces"


@pytest.fixture
def spans() -> Iterator[Any]:
    """What has been traced, by name; ask it for all that is over."""
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    provider = tracing.send_to(exporter, role="test")

    def over() -> dict[str, Any]:
        provider.force_flush()
        return {one.name: one for one in exporter.get_finished_spans()}

    yield over
    tracing.stop()
    provider.shutdown()


def test_nothing_is_traced_unless_a_collector_is_named(tmp_path: Path) -> None:
    settings = the_settings(tmp_path).tracing

    tracing.set_up(settings, role="run")

    assert settings.endpoint == ""
    assert span("ingest") is span("draw")


def test_a_batch_and_its_transaction_are_spans_one_within_the_other(
    tmp_path: Path, spans: Any
) -> None:
    street = an_installation(tmp_path)

    taken_in(street, a_call("A-1"), a_call("A-2"))

    found = spans()
    street.store.close()
    batch, write = found["ingest"], found["store write"]
    assert dict(batch.attributes) == {"grid135.sources": "calls", "grid135.records": 2}
    assert write.parent.span_id == batch.context.span_id
    assert batch.resource.attributes["service.name"] == "grid135-test"
    assert "A-1" not in batch.to_json()


def test_drawing_is_a_span(spans: Any) -> None:
    with (
        serving(FakeBackend()) as server,
        httpx.stream("GET", f"{server.url}/stream?page=wall", timeout=30) as answer,
    ):
        next(line for line in answer.iter_lines() if line.startswith("data: "))

    assert spans()["draw"].attributes["grid135.views"] == 1


def test_without_its_packages_a_collector_stops_the_start_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(tracing, "import_module", missing)

    with pytest.raises(SettingsError, match=r"pip install opentelemetry-sdk .*; or take"):
        tracing.set_up(TracingSettings(endpoint=COLLECTOR), role="run")


def test_a_collector_must_be_a_web_address() -> None:
    with pytest.raises(ValueError, match="must be an http:// or https:// address"):
        TracingSettings(endpoint="127.0.0.1:4317")
