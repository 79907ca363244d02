"""A row of a database as JSON that can be kept, and as text that a decoder reads.

Times with a zone are kept in UTC, so that the session's zone changes nothing; bytes are kept as
they are, since only the configuration says how they are written.
"""

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""What JSON can hold: text, numbers, true, false, null, lists and objects."""

QUERY_COLUMN = "(query)"
"""The column every row gets that says which query it came from."""

_BYTES = "base64"
_DIGITS_SHOWN = 40


def as_json(value: object) -> Json:
    """A value of a database driver as JSON, without loss."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return str(value)


def as_raw(row: Mapping[str, Json]) -> bytes:
    """The canonical bytes of a row: the order of its columns changes nothing."""
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # half a character, as some drivers hand it over, becomes its JSON escape
    return text.encode("utf-8", errors="backslashreplace")


def as_fields(
    row: Mapping[str, Json], encoding: str
) -> tuple[dict[str, str] | None, tuple[str, str, str] | None]:
    """The row as text by column, or why that cannot be; booleans become ``1`` and ``0``."""
    fields: dict[str, str] = {}
    for name, value in row.items():
        try:
            fields[name] = _as_text(value, encoding)
        except ValueError:
            shown = base64.b64decode(value[_BYTES])[:_DIGITS_SHOWN].hex(" ")
            rule = f"holds bytes that are no {encoding} text; set encoding, or do not select it"
            return None, (name, shown, rule)
    return fields, None


def _as_text(value: Json, encoding: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, dict) and value.keys() == {_BYTES} and isinstance(value[_BYTES], str):
        return _decoded(base64.b64decode(value[_BYTES]), encoding)
    return json.dumps(value, ensure_ascii=False)


def _decoded(content: bytes, encoding: str) -> str:
    encodings = ("utf-8", "gb18030") if encoding == "auto" else (encoding,)
    *others, last = encodings
    for candidate in others:
        try:
            return content.decode(candidate)
        except UnicodeDecodeError:
            continue
    return content.decode(last)
