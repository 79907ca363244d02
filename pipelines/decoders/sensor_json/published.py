"""The topic and the text of a message, whatever its connector made of them."""

from typing import NamedTuple

from pipelines.connectors.mqtt.messages import PAYLOAD, parts_of
from pipelines.connectors.record import Record
from pipelines.errors import BadRecordError

_SHOWN = 80


class Published(NamedTuple):
    """A message as text."""

    topic: str
    text: str


def published(record: Record) -> Published:
    """The message a record holds; raises BadRecordError when its payload is no text."""
    topic, payload = parts_of(record.raw)
    try:
        return Published(topic, payload.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        said = payload[:_SHOWN].decode("utf-8", "backslashreplace")
        raise BadRecordError(PAYLOAD, said, f"byte {error.start + 1} is not UTF-8") from error
