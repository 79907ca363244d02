"""How to ask a web service, and what its answers mean: the blocks of configuration."""

import re
from datetime import datetime, timedelta
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from pipelines.connectors.http_poll.answer import parse_path, value_at
from pipelines.reading.options import Duration, Moment, Options, Secret, Zone
from pipelines.reading.times import check_format

_KEPT_APART = frozenset({"authorization", "cookie", "proxy-authorization"})
_FINE = ("", "0", "false")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2


class AuthOptions(Options):
    """How to prove who asks. The secret stands in the environment, never in this file."""

    type: Literal["bearer", "basic", "header", "query"] = Field(
        description="Sent as `Authorization: Bearer …`, `Basic …`, a header, or a parameter."
    )
    secret: Secret = Field(description="Name of the environment variable that holds the secret.")
    user: str | None = Field(default=None, description="User name, for `basic`.")
    name: str | None = Field(default=None, description="Which `header`, or which parameter.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.type == "basic" and self.user is None:
            raise ValueError('"basic" needs a user')
        if self.type in ("header", "query") and not _TOKEN.fullmatch(self.name or ""):
            raise ValueError(f'"{self.type}" needs a name of ASCII letters, digits and signs')
        return self


class AskOptions(Options):
    """What to ask, and how patiently."""

    url: str = Field(description="Where the service is; `https://` wherever it can be.")
    params: dict[str, str | int | float] = Field(
        default={}, description="Query parameters, the same at every request."
    )
    headers: dict[str, str] = Field(default={}, description="Further headers; no secrets.")
    auth: AuthOptions | None = Field(default=None, description="How to prove who asks.")
    ca_file: str | None = Field(
        default=None, description="Certificates to trust as well (PEM), relative to this file."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=10), description="Longest silence, connecting or answering."
    )
    deadline: Duration = Field(
        default=timedelta(seconds=60), description="Longest time a whole answer may take."
    )
    attempts: int = Field(default=3, ge=1, le=10, description="How often one question is asked.")
    back_off: Duration = Field(
        default=timedelta(seconds=1), description="Pause before asking again; doubles each time."
    )
    max_bytes: int = Field(
        default=16 << 20, ge=1 << 10, description="Largest answer that is read, unpacked."
    )

    @field_validator("url")
    @classmethod
    def _can_be_asked(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            port_is_right = parts.port != 0
        except ValueError as error:
            raise ValueError(f"must be a web address: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_right:
            raise ValueError("must be a web address that begins with http:// or https://")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold user or password; use auth")
        if not value.isascii() or any(sign <= " " for sign in value):
            raise ValueError("must be written in ASCII without spaces (%xx for anything else)")
        return value

    @field_validator("headers")
    @classmethod
    def _no_secrets(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if name.lower() in _KEPT_APART:
                raise ValueError(f"{name} is a secret; use auth, which takes it from outside")
            if not _TOKEN.fullmatch(name) or not text.isascii() or not text.isprintable():
                raise ValueError(f"{name!r} must be a header name with a value in printable ASCII")
        return value


class Rule(Options):
    """When an answer is to be taken as an error, or as not the whole list."""

    path: str = Field(description="Where to look in the answer, such as `error` or `result.code`.")
    values: tuple[str, ...] | None = Field(
        default=None, description="Texts there for which the rule holds; any, when absent."
    )
    unless: tuple[str, ...] = Field(
        default=_FINE, description="Texts there for which it does not; null never counts."
    )

    def holds(self, around: Any) -> bool:
        """Whether the rule applies to this answer."""
        found = value_at(around, self.path)
        if found is None or found in ([], {}):
            return False
        text = str(found).lower() if isinstance(found, bool) else str(found)
        return text in self.values if self.values is not None else text not in self.unless


class PagingOptions(Options):
    """How to get at the rest of a list that comes in pages."""

    by: Literal["page", "offset", "next"] = Field(
        description="A page number, the number of records so far, or what the answer names."
    )
    param: str | None = Field(default=None, description="Parameter with the page or the offset.")
    first: int = Field(default=1, ge=0, description="Number of the first page.")
    path: str | None = Field(
        default=None, description="For `next`: where the answer names the next page."
    )
    total: str | None = Field(
        default=None, description="Where the answer says how many records there are in all."
    )
    max_pages: int = Field(default=1000, ge=1, description="More pages than this are an error.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.by == "next" and self.path is None:
            raise ValueError('"next" needs a path')
        if self.by != "next" and self.param is None:
            raise ValueError(f'"{self.by}" needs a param')
        return self


class CursorOptions(Options):
    """Asking only for what was updated since the last answer, less an overlap."""

    column: str = Field(description="Column with the time of the last update.")
    param: str = Field(description="Parameter that takes the time from which on to answer.")
    format: str = Field(
        default="iso", description="How both are written: as for the decoder's `time_format`."
    )
    time_zone: Zone = Field(
        default="UTC", validate_default=True, description="Zone of times without one."
    )
    overlap: Duration = Field(
        default=timedelta(minutes=5), description="How far to go back: late commits, odd clocks."
    )
    start: Moment | None = Field(
        default=None, description="Where to begin; when absent, the first question has no time."
    )

    @field_validator("format")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        check_format(value)
        return value

    def written(self, moment: datetime) -> str:
        """A moment as the service wants it."""
        if self.format in ("epoch_s", "epoch_ms"):
            ms = int(moment.timestamp() * 1000)
            return str(ms if self.format == "epoch_ms" else ms // 1000)
        local = moment.astimezone(self.time_zone)
        return local.isoformat() if self.format == "iso" else local.strftime(self.format)


class HttpPollOptions(AskOptions):
    """What to ask a web service, where its list is, and what its answers mean."""

    records: str = Field(
        default="",
        description="Where the list is: `data.rows`, or `features[].attributes` for a record "
        "inside each element; empty when the answer is the list.",
    )
    paging: PagingOptions | None = Field(default=None, description="When the list is in pages.")
    cursor: CursorOptions | None = Field(default=None, description="When it can be asked for news.")
    error_when: Rule | None = Field(
        default=None, description="Which answers are errors though their status is 200."
    )
    incomplete_when: Rule | None = Field(
        default=None, description="Which answers are not the whole list: nothing in it has ended."
    )
    active_feed: bool = Field(
        default=False, description="The list is what is active now; what vanishes has ended."
    )
    key: tuple[str, ...] = Field(
        default=(), description="For `active_feed`: the columns that tell records apart."
    )
    max_active: int = Field(
        default=10_000, ge=1, description="For `active_feed`: a longer list is an error."
    )

    @field_validator("records")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        parse_path(value)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.active_feed and not self.key:
            raise ValueError("active_feed needs key: the columns that tell records apart")
        if self.active_feed and self.cursor is not None:
            raise ValueError("active_feed needs the whole list, so it goes without cursor")
        return self
