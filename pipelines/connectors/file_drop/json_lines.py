"""JSON lines: an object a line, its columns flat, as those of a web service's answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.connectors.file_drop.format import Found, Mark
from pipelines.connectors.file_drop.lines import MAX_BYTES
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.file_drop.packed import encoding_of, open_text
from pipelines.connectors.json_columns import columns, decoder
from pipelines.connectors.reread import Reread

_KEPT_BYTES = 4096  # of a line that is too long
_SHOWN = 80


def read(path: Path, options: FileDropOptions, mark: Mark) -> Iterator[Found]:
    """Yield the objects behind a mark; blank lines are passed over."""
    encoding = encoding_of(path, options.encoding)
    context = json.dumps({"format": "jsonl", "encoding": encoding}).encode()
    with open_text(path) as stream:
        stream.seek(mark.offset)
        offset, line = mark.offset, mark.line
        while raw := stream.readline(MAX_BYTES):
            line += 1
            offset += len(raw)
            rest = _to_the_end_of(raw, stream)
            offset += rest
            if not raw.strip():
                continue
            try:
                if rest:
                    raw = raw[:_KEPT_BYTES]
                    raise ValueError(f"is a line longer than {MAX_BYTES} bytes")
                fields, problem = columns(_parsed(raw, encoding, is_first=line == 1)), None
            except ValueError as error:
                fields, problem = None, ("(line)", _shown(raw, encoding), str(error))
            yield Found(raw, context, fields, line, Mark(offset, line), problem)


def reread(raw: bytes, context: bytes, options: FileDropOptions) -> Reread:
    """The columns of a line that was kept."""
    said = json.loads(context)["encoding"]
    encoding = said if options.encoding == "auto" else options.encoding
    try:
        return Reread(columns(_parsed(raw, encoding, is_first=True)))
    except ValueError as error:
        return Reread(None, ("(line)", _shown(raw, encoding), str(error)))


def _to_the_end_of(raw: bytes, stream: BinaryIO) -> int:
    """Pass over what a line has beyond its first part; return how many bytes that is."""
    passed = 0
    if len(raw) == MAX_BYTES and not raw.endswith(b"\n"):
        while more := stream.readline(MAX_BYTES):
            passed += len(more)
            if more.endswith(b"\n"):
                break
    return passed


def _parsed(raw: bytes, encoding: str, *, is_first: bool) -> Any:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        rule = f"byte {error.start + 1} is not {encoding}; set encoding for this source"
        raise ValueError(rule) from error
    text = text.removeprefix("\ufeff") if is_first else text
    try:
        return _DECODER.decode(text.strip())
    except RecursionError as error:
        raise ValueError("is JSON that is nested too deeply") from error
    except json.JSONDecodeError as error:
        rule = f"is not JSON, or cut off, at character {error.pos + 1}: {error.msg}"
        raise ValueError(rule) from error


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        seen: set[str] = set()
        for twice, _ in members:
            if twice in seen:
                break
            seen.add(twice)
        raise ValueError(f"has {twice[:_SHOWN]!r} twice; which one counts is not known")
    return found


_DECODER = decoder(pairs=_without_repeats)


def _shown(raw: bytes, encoding: str) -> str:
    text = raw[: _SHOWN * 4].decode(encoding, errors="backslashreplace").strip()
    return text[:_SHOWN] + ("…" if len(text) > _SHOWN else "")
