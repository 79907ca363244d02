"""The kinds of value a configuration may hold, and how a wrong one is reported."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo

from pipelines.errors import SettingsError, SourceConfigError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")


class Options(BaseModel):
    """A block of configuration: typed, frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Names(Options):
    """A name in each language; a plain string stands for both."""

    zh: str
    en: str

    def as_dict(self) -> dict[str, str]:
        """The names by language code."""
        return {"zh": self.zh, "en": self.en}


def parse_duration(value: object) -> timedelta:
    """Read ``"90s"``, ``"5m"``, ``"1.5h"``, ``"2d"``; raise ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a duration such as "90s", "5m", "2h" or "7d"')
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError as error:
        raise ValueError("must be shorter than a million years") from error


def _positive(value: object) -> timedelta:
    duration = parse_duration(value)
    if duration <= timedelta(0):
        raise ValueError("must be longer than zero")
    return duration


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: "Asia", a folder
        raise ValueError('must be an IANA time zone such as "Asia/Shanghai"') from error


def _names(value: object) -> object:
    return {"zh": value, "en": value} if isinstance(value, str) else value


def _moment(value: object, info: ValidationInfo) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError("must be an ISO date and time such as 2015-03-02T14:05:00") from error
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValueError("must be an ISO date and time such as 2015-03-02T14:05:00")
    return value


@dataclasses.dataclass(frozen=True, slots=True)
class HeldSecret:
    """A secret and the environment variable it stands in; nothing shows its text by accident."""

    variable: str
    text: str | None = dataclasses.field(default=None, repr=False)

    def reveal(self) -> str:
        """The secret itself; raises SourceConfigError when the variable is not set."""
        if not self.text:
            raise SourceConfigError(
                f"the environment variable {self.variable} is not set; it must hold the secret"
            )
        return self.text


def _time_of_day(value: object) -> object:
    try:
        return time.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError('must be a time of day such as "07:30"') from error


def _secret(value: object, info: ValidationInfo) -> HeldSecret:
    """The block names the variable; what it holds comes from ``Settings.secrets``."""
    if isinstance(value, HeldSecret):
        return value
    if not isinstance(value, str) or _VARIABLE.fullmatch(value) is None:
        raise ValueError("must be the name of an environment variable, never the secret itself")
    known: Mapping[str, str] = (info.context or {}).get("secrets", {})
    return HeldSecret(value, known.get(value))


Duration = Annotated[timedelta, BeforeValidator(_positive)]
Secret = Annotated[HeldSecret, BeforeValidator(_secret)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Zone = Annotated[Any, BeforeValidator(_zone)]
Name = Annotated[Names, BeforeValidator(_names)]
Moment = Annotated[datetime, BeforeValidator(_moment)]


def explain(
    error: ValidationError, *, file: str, within: Iterable[str], model: type
) -> SettingsError:
    """Turn a validation error into sentences that name file, key, value, rule and a hint."""
    lines = []
    for item in error.errors():
        path = [*within, *(str(part) for part in item["loc"])]
        table, key = ".".join(path[:-1]), path[-1]
        where = f"{file} [{table}]: {key}" if table else f"{file}: {key}"
        lines.append(f"{where} = {_shown(item)}: {_rule(item, model)}")
    return SettingsError("\n".join(lines))


def _shown(item: Any) -> str:
    return "(missing)" if item["type"] == "missing" else repr(item["input"])


def _rule(item: Any, model: type) -> str:
    if item["type"] == "extra_forbidden":
        return f"there is no such key{_nearest(str(item['loc'][-1]), _keys(model))}"
    if item["type"] == "missing":
        return "is required; add it"
    return str(item["msg"]).removeprefix("Value error, ")


def _keys(model: type) -> list[str]:
    """Every key any block below ``model`` knows, so that a slip of the pen can be guessed."""
    keys: list[str] = []
    for name, field in getattr(model, "model_fields", {}).items():
        keys.append(field.alias or name)
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and part is not model and hasattr(part, "model_fields"):
                keys.extend(_keys(part))
    return keys


def _nearest(word: str, known: Iterable[str]) -> str:
    known = sorted(set(known))
    close = get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known keys: {', '.join(known)}"
