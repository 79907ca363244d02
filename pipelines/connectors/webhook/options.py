"""Who may push, how much, and where the records are: the block of configuration."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.connectors.http_poll.answer import parse_path
from pipelines.reading.options import Options, Secret

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_NAMED = ("header", "query", "hmac")


class ProofOptions(Options):
    """How a pusher proves who it is. The secret stands in the environment, never in this file."""

    type: Literal["bearer", "header", "query", "hmac", "onenet", "iotda"] = Field(
        description="`Authorization: Bearer …`, a header, a parameter of the URL, an HMAC of the "
        "body in a header, or what OneNET or IoTDA make of their token."
    )
    secret: Secret = Field(description="Name of the environment variable that holds the secret.")
    name: str | None = Field(
        default=None, description="Which header or parameter, for `header`, `query`, `hmac`."
    )
    algorithm: Literal["sha256", "sha512", "sha1", "md5"] = Field(
        default="sha256", description="For `hmac`, written in hex or base64."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.type in _NAMED and not _TOKEN.fullmatch(self.name or ""):
            raise ValueError(f'"{self.type}" needs a name of ASCII letters, digits and signs')
        return self


class WebhookOptions(Options):
    """Who may push, how much, and where the records are."""

    auth: ProofOptions = Field(
        description="How a pusher proves who it is; there is no going without."
    )
    records: str = Field(
        default="",
        description="Where in the body the list of records is, such as `data.rows`; nothing when "
        "the body is a record or a list of them.",
    )
    content_types: tuple[str, ...] = Field(
        default=("application/json",), description="What a body may be declared to be."
    )
    max_body: int = Field(default=1 << 20, ge=1 << 10, le=64 << 20, description="Bytes of a body.")
    rate: float = Field(
        default=2000.0, gt=0, description="Requests a second, on average; more are told to wait."
    )
    burst: int = Field(default=10_000, ge=1, description="Requests at once, after a quiet time.")

    @field_validator("records")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        parse_path(value)
        return value
