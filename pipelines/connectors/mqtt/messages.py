"""From a message to records: each with its topic, in the form in which it is kept.

A kept record is one line, ``topic payload``, as ``mosquitto_sub -v`` prints it: so what quarantine
shows, and what was noted of a running broker, can be read again from a file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from pipelines.connectors.mqtt.options import MqttOptions
from pipelines.connectors.record import Batch, Origin, Record
from pipelines.connectors.reread import Reread
from pipelines.connectors.webhook import bodies
from pipelines.errors import SourceUnavailableError

TOPIC = "(topic)"
"""The column with the whole topic; its parts are ``(topic.1)``, ``(topic.2)`` and so on."""
PAYLOAD = "(payload)"
"""The column with the payload, where it is taken as text."""

_SHOWN = 80
_MOST_PARTS = 32
_APART = re.compile(r"[%\s\x00-\x1f]")


class Parts(NamedTuple):
    """What a kept record holds."""

    topic: str
    payload: bytes


def kept(topic: str, payload: bytes) -> bytes:
    """The bytes of a record; what would break the line in two is written as ``%20``."""
    written = _APART.sub(lambda sign: quote(sign[0]), topic)
    return written.encode("utf-8", "backslashreplace") + b" " + payload


def parts_of(raw: bytes) -> Parts:
    """The topic and the payload of a kept record."""
    written, _, payload = raw.partition(b" ")
    return Parts(unquote(written.decode("utf-8", "replace")), payload)


class Reading:
    """Makes records of messages as the options say."""

    def __init__(self, options: MqttOptions) -> None:
        self._as_text = options.payload == "text"
        self._records = options.records
        self._most = options.max_payload

    def records(
        self, topic: str, payload: bytes, ordinals: Iterator[int], *, line: int | None = None
    ) -> list[Record]:
        """The records of one message; one that cannot be taken apart is one with a problem."""
        found = []
        for part in self._split(payload):
            ordinal = next(ordinals)
            raw = kept(topic, part)
            fields, problem = self.reread(raw)
            origin = Origin(topic, ordinal if line is None else line)
            found.append(Record(raw, b"", fields, origin, ordinal, problem))
        return found

    def reread(self, raw: bytes) -> Reread:
        """The columns of a kept record."""
        topic, payload = parts_of(raw)
        if len(payload) > self._most:
            rule = f"is longer than {self._most} bytes; raise max_payload if it is meant to be"
            return Reread(None, (PAYLOAD, _shown(payload), rule))
        said = _text(payload) if self._as_text else bodies.reread(payload)
        if said.fields is not None:
            return Reread({**said.fields, **_topic_columns(topic)})
        if said.problem is None:
            return said
        _, value, rule = said.problem
        return Reread(None, (PAYLOAD, value, rule))

    def _split(self, payload: bytes) -> Sequence[bytes]:
        if self._as_text or len(payload) > self._most:
            return [payload]
        if not payload.strip():  # takes back a retained message
            return []
        return [said.raw for said in bodies.records_in(payload, self._records)] or [payload]


class MessagesFile:
    """Messages noted in a file, one ``topic payload`` a line: to try a mapping."""

    def __init__(self, file: Path, reading: Reading, *, most: int) -> None:
        self._file = file
        self._reading = reading
        self._most = most
        self.unfinished: tuple[str, ...] = ()

    def poll(self, positions: Mapping[str, str], *, now: datetime) -> Iterator[Batch]:
        """Yield what every line holds; there is no position to go on from."""
        ordinals = count(1)
        try:
            with self._file.open("rb") as stream:
                lines = iter(lambda: stream.readline(2 * self._most), b"")
                for number, line in enumerate(lines, 1):
                    text = line.rstrip(b"\r\n")
                    if not text.strip():
                        continue
                    topic, payload = parts_of(text)
                    records = self._reading.records(topic, payload, ordinals, line=number)
                    yield Batch(records=tuple(records), part=self._file.name, position="")
        except OSError as error:
            raise SourceUnavailableError(
                f"{self._file}: cannot be read: {error.strerror}"
            ) from error


def _topic_columns(topic: str) -> dict[str, str]:
    parts = topic.split("/")[:_MOST_PARTS]
    return {TOPIC: topic} | {f"(topic.{n})": part for n, part in enumerate(parts, 1)}


def _text(payload: bytes) -> Reread:
    try:
        return Reread({PAYLOAD: payload.decode("utf-8")})
    except UnicodeDecodeError as error:
        rule = f"byte {error.start + 1} is not UTF-8"
        return Reread(None, (PAYLOAD, _shown(payload), rule))


def _shown(payload: bytes) -> str:
    return payload[:_SHOWN].decode("utf-8", "backslashreplace")
