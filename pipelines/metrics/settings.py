"""Who may read what a process measures, and where a worker tells it."""

import ipaddress

from pydantic import Field, field_validator

from pipelines.reading.options import Options, Secret

_LOOPBACK = ("127.0.0.0/8", "::1/128")


class MetricsSettings(Options):
    """Who may read `/metrics`, and where `app.py ingest`, which serves no screens, answers it."""

    allow: tuple[str, ...] = Field(
        default=_LOOPBACK,
        description="Addresses or networks that may read it; through a proxy nobody may.",
    )
    token: Secret | None = Field(
        default=None,
        description="Environment variable with a token; whoever sends it as a bearer may too.",
    )
    host: str = Field(default="127.0.0.1", description="Where `app.py ingest` answers.")
    port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port at which `app.py ingest` answers `/metrics` and `/health`; 0: nowhere. "
        "`GRID135_METRICS_PORT` wins over it.",
    )

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                raise ValueError(f"{text!r}: must be an address or a network") from error
        return value
