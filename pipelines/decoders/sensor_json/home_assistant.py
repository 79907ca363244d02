"""Devices that announce themselves as Home Assistant expects: what their topics then say.

The announcements are retained by the broker and heard anew after every connection (the
connector's ``descriptions``), so nothing of them needs to be kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from pipelines.connectors.mqtt.messages import PAYLOAD, TOPIC
from pipelines.connectors.record import Record
from pipelines.decoders.decoder import Meaning
from pipelines.decoders.device_options import DeviceTableOptions, StateColumn
from pipelines.decoders.device_table import DeviceTableDecoder, Row
from pipelines.decoders.iot_push.envelope import PRESENCE, json_in, shown
from pipelines.decoders.sensor_json.discovery import (
    BATTERY_COLUMN,
    MEASURED,
    STATES,
    Meant,
    is_description,
    key_of,
    read,
)
from pipelines.decoders.sensor_json.published import published
from pipelines.decoders.table_options import as_tuple
from pipelines.errors import BadRecordError
from pipelines.reading.options import Options
from pipelines.reading.times import check_format

MOST_DEVICES = 20_000
"""Announcements that are remembered; more are none of a street's."""
_DEVICE = "(device)"


class HomeAssistantOptions(Options):
    """Which announced devices raise an alarm, and of what kind."""

    kind: str = Field(description="The kind of incident an alarm opens.")
    alarms: tuple[str, ...] = Field(
        default=("smoke", "heat", "gas", "carbon_monoxide"),
        min_length=1,
        description="Device classes of binary sensors that raise an alarm.",
    )
    prefix: str = Field(
        default="homeassistant", min_length=1, description="Where announcements begin."
    )
    time: str | None = Field(
        default=None,
        description="Column of a JSON payload with the device's own time, such as `last_seen`; "
        "without, the time of receipt counts.",
    )
    time_format: tuple[str, ...] | str = Field(
        default="iso", description="`strptime` patterns, `iso`, `epoch_s` or `epoch_ms`."
    )

    @field_validator("time_format")
    @classmethod
    def _can_be_read(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for pattern in as_tuple(value):
            check_format(pattern)
        return value


class HomeAssistantDecoder:
    """Remembers what is announced, and reads by it what is published then."""

    options = HomeAssistantOptions

    def __init__(self, options: HomeAssistantOptions, *, zone: ZoneInfo) -> None:
        self._prefix = options.prefix
        self._alarms = frozenset(options.alarms)
        self._time = options.time
        self._table = DeviceTableDecoder(_table(options), zone=zone, states=(PRESENCE,))
        self._announced: dict[str, list[Meant]] = {}
        self._meant: dict[str, dict[str, list[Meant]]] = {}

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Meaning:
        """Say what one message means; see :class:`~pipelines.decoders.decoder.Decoder`."""
        topic, text = published(record)
        if is_description(topic, self._prefix):
            self._learn(topic, text)
            return Meaning()
        meant = [one for said in self._meant.get(topic, {}).values() for one in said]
        if topic not in self._meant:
            rule = "no announcement names this topic; is it retained, and among descriptions?"
            raise BadRecordError(TOPIC, topic[:200], rule)
        rows, problems = _rows(meant, topic, text, self._time)
        if problems and not rows:
            raise problems[0]
        return self._table.meaning(
            [*rows, *problems], record, source=source, received_at=received_at
        )

    def _learn(self, topic: str, text: str) -> None:
        """Take an announcement in place of the last one; an empty one takes it back."""
        meant: list[Meant] = []
        if text.strip():
            message = json_in(text, PAYLOAD)
            meant = read(topic, message, prefix=self._prefix, alarms=self._alarms)
        if topic not in self._announced and len(self._announced) >= MOST_DEVICES:
            rule = f"is one more than the {MOST_DEVICES} announcements that are remembered"
            raise BadRecordError(TOPIC, topic[:200], rule)
        for before in self._announced.pop(topic, []):
            by_announcement = self._meant.get(before.topic, {})
            by_announcement.pop(topic, None)
            if not by_announcement:
                self._meant.pop(before.topic, None)
        if meant:
            self._announced[topic] = meant
        for one in meant:
            self._meant.setdefault(one.topic, {}).setdefault(topic, []).append(one)


def _table(options: HomeAssistantOptions) -> DeviceTableOptions:
    states = tuple(
        StateColumn(column=column, map={"on": word, "off": f"no {word}"})
        for column, word in STATES.items()
    )
    return DeviceTableOptions(
        device=_DEVICE,
        time=options.time,
        time_format=options.time_format,
        states=states,
        battery=BATTERY_COLUMN,
        values=dict(MEASURED),
        kind=options.kind,
    )


def _rows(
    meant: Iterable[Meant], topic: str, text: str, time: str | None
) -> tuple[list[Row], list[BadRecordError]]:
    """The columns of each device that a payload says something about, and what makes no sense."""
    by_device: dict[str, dict[str, str]] = {}
    problems: list[BadRecordError] = []
    value: Any = None
    if time is not None or any(one.path for one in meant):
        value = json_in(text, PAYLOAD)
    for one in meant:
        if not one.column:
            continue
        try:
            said = _said(one, text, value)
        except BadRecordError as error:
            problems.append(error)
            continue
        if said is not None:
            by_device.setdefault(one.device, {})[one.column] = said
    told = _at(value, time.split(".")) if time is not None else None
    around = {TOPIC: topic}
    if time is not None and isinstance(told, str):
        around[time] = told
    known = frozenset((_DEVICE, *around))
    rows = [Row({**around, **said, _DEVICE: name}, known) for name, said in by_device.items()]
    return rows, problems


def _said(one: Meant, text: str, value: Any) -> str | None:
    """What stands in the column, None when the payload does not speak of it."""
    if one.path is None:
        rule = "is announced with a template that only Home Assistant works out; use a plain one"
        raise BadRecordError(one.column, "", rule)
    found = _at(value, one.path) if one.path else text
    if found is None or found == "" or isinstance(found, dict | list):
        return None
    if not one.texts:
        return f"{shown(found).strip()} {one.unit}".strip()
    state = one.texts.get(key_of(found))
    if state is None:
        wanted = " nor ".join(one.texts)
        raise BadRecordError(one.column, shown(found), f"is neither {wanted}")
    return state


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
