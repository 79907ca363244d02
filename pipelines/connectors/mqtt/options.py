"""Which broker, as whom, which topics, and how patiently: the blocks of configuration."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.connectors.http_poll.answer import parse_path
from pipelines.reading.options import Duration, Options, Secret

_SHARED = "$share/"
_TOPIC_MOST = 65_535
"""MQTT 5.0, 1.5.4: bytes of a text."""


class TlsOptions(Options):
    """How the broker is checked, and how the product proves itself with a certificate."""

    ca_file: str | None = Field(
        default=None,
        description="Certificates of the issuers to trust (PEM), relative to this file; without, "
        "those of the system.",
    )
    check_name: bool = Field(
        default=True, description="The broker's certificate must be made out to `host`."
    )
    certificate: str | None = Field(
        default=None, description="The product's own certificate (PEM), if the broker wants one."
    )
    key: str | None = Field(default=None, description="The key of that certificate (PEM).")
    key_password: Secret | None = Field(
        default=None, description="Name of the environment variable with the key's password."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.certificate is None and (self.key or self.key_password) is not None:
            raise ValueError("a key needs its certificate")
        return self


class MqttOptions(Options):
    """Which broker, as whom, and which topics."""

    host: str = Field(min_length=1, description="Name or address of the broker.")
    port: int | None = Field(
        default=None, ge=1, le=65_535, description="Its port; 1883, or 8883 with `tls`."
    )
    version: Literal["5", "3.1.1"] = Field(default="5", description="Version of MQTT.")
    client_id: str = Field(
        min_length=1,
        max_length=200,
        description="The name under which the broker keeps what was not delivered; no other "
        "client may have it.",
    )
    topics: tuple[str, ...] = Field(
        min_length=1,
        description="What to subscribe to, with QoS 1: `+` stands for one part, `#` at the end "
        "for the rest, `$share/<group>/…` shares with others.",
    )
    descriptions: tuple[str, ...] = Field(
        default=(),
        description="Topics with retained messages that describe devices; they are heard "
        "before all else, after every connection.",
    )
    payload: Literal["json", "text"] = Field(
        default="json", description="`text` makes the payload one column, `(payload)`."
    )
    records: str = Field(
        default="",
        description="Where in a JSON payload the list of records is, such as `data.rows`; nothing "
        "when the payload is a record or a list of them.",
    )
    max_payload: int = Field(
        default=1 << 20,
        ge=1 << 8,
        le=8 << 20,
        description="Bytes of a payload that is taken apart.",
    )
    user: str | None = Field(default=None, description="User name.")
    password: Secret | None = Field(
        default=None, description="Name of the environment variable that holds the password."
    )
    tls: TlsOptions | None = Field(default=None, description="For a connection with TLS.")
    session_expiry: Duration = Field(
        default=timedelta(days=7),
        description="How long the broker keeps what is published while the product is away "
        "(MQTT 5; with 3.1.1 the broker decides).",
    )
    in_flight: int = Field(
        default=1000,
        ge=1,
        le=65_535,
        description="Messages that may wait to be stored at once; the broker may allow fewer.",
    )
    keepalive: Duration = Field(
        default=timedelta(seconds=30), description="Longest silence before a side looks."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=10), description="Longest time to connect or to be answered."
    )

    @field_validator("topics", "descriptions")
    @classmethod
    def _are_filters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for topic in value:
            _check_filter(topic)
        return value

    @field_validator("records")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        parse_path(value)
        return value

    @field_validator("session_expiry")
    @classmethod
    def _fits_in_four_bytes(cls, value: timedelta) -> timedelta:
        if not 1 <= value.total_seconds() < 1 << 32:
            raise ValueError("must be 1s to 49710d")
        return value

    @field_validator("keepalive")
    @classmethod
    def _fits_in_two_bytes(cls, value: timedelta) -> timedelta:
        if not 1 <= value.total_seconds() < 1 << 16:
            raise ValueError("must be 1s to 18h")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.password is not None and self.user is None:
            raise ValueError("a password needs a user")
        return self

    def broker(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or (1883 if self.tls is None else 8883)


def _check_filter(topic: str) -> None:
    """Raise ValueError unless it is a topic filter as MQTT 5.0, 4.7 and 4.8.2 say."""
    if not topic or "\0" in topic or len(topic.encode()) > _TOPIC_MOST:
        raise ValueError(f"{topic[:80]!r} is no topic; write parts with slashes between")
    name = topic
    if topic.startswith(_SHARED):
        group, _, name = topic.removeprefix(_SHARED).partition("/")
        if not group or not name or set(group) & set("+#"):
            raise ValueError(f"{topic!r}: must be $share/<group>/<topic>")
    parts = name.split("/")
    for number, part in enumerate(parts, 1):
        if "+" in part and part != "+":
            raise ValueError(f"{topic!r}: + must be a whole part between slashes")
        if "#" in part and (part != "#" or number < len(parts)):
            raise ValueError(f"{topic!r}: # must be the whole last part")
