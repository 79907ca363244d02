"""Traces, for whoever collects them: what a batch, a drawing or a question took, and within what.

Off unless a collector is named. OpenTelemetry's packages do not come with Grid135: who wants traces
installs them beside it. A span names what was done, sources and numbers, never what a record says.
"""

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

from pydantic import Field, field_validator

from pipelines.errors import SettingsError
from pipelines.reading.options import Options

NEEDED = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
_OFF: AbstractContextManager[object] = nullcontext()
_tracer: Any = None
"""Of the process, as its log is; set once, when it starts."""


class TracingSettings(Options):
    """Where traces are sent, if anywhere."""

    endpoint: str = Field(
        default="",
        description="Address of an OpenTelemetry collector (OTLP over HTTP), such as "
        '`"http://127.0.0.1:4318/v1/traces"`; without one nothing is traced. Needs the packages '
        f"{' and '.join(f'`{name}`' for name in NEEDED)}.",
    )

    @field_validator("endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must be an http:// or https:// address")
        return value


def set_up(settings: TracingSettings, *, role: str) -> None:
    """Begin to trace where a collector is named; raises SettingsError without the packages."""
    if not settings.endpoint:
        return
    try:
        otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        send_to(otlp.OTLPSpanExporter(endpoint=settings.endpoint), role=role)
    except ImportError as error:
        raise SettingsError(
            f"[tracing] endpoint = {settings.endpoint!r}: needs packages that do not come with "
            f"Grid135: pip install {' '.join(NEEDED)}; or take the endpoint out"
        ) from error


def send_to(exporter: Any, *, role: str) -> Any:
    """Trace, and hand the spans to an exporter; return the provider, to flush or shut down.

    Spans are sent by a thread of its own; where nobody takes them they are dropped.
    """
    global _tracer
    sdk = import_module("opentelemetry.sdk.trace")
    processors = import_module("opentelemetry.sdk.trace.export")
    resources = import_module("opentelemetry.sdk.resources")
    resource = resources.Resource.create({"service.name": f"grid135-{role}"})
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(processors.BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("grid135")
    return provider


def stop() -> None:
    """Trace no more."""
    global _tracer
    _tracer = None


def span(name: str, **about: str | int) -> AbstractContextManager[object]:
    """What the block does, within what goes on around it."""
    if _tracer is None:
        return _OFF
    told = {f"grid135.{key}": value for key, value in about.items()}
    traced: AbstractContextManager[object] = _tracer.start_as_current_span(name, attributes=told)
    return traced
