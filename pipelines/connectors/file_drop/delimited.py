"""Tables as text, csv and tsv: a header, and a row a line."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from pipelines.connectors.file_drop.format import Found, Mark
from pipelines.connectors.file_drop.lines import Row, rows
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.file_drop.packed import encoding_of, open_text
from pipelines.connectors.reread import Reread


def read(path: Path, options: FileDropOptions, mark: Mark, *, usual: str) -> Iterator[Found]:
    """Yield the rows behind a mark; ``usual`` stands between cells if nothing is configured."""
    delimiter = options.delimiter or usual
    encoding = encoding_of(path, options.encoding)
    with open_text(path) as stream:
        first = rows(stream, width=None, delimiter=delimiter, encoding=encoding, offset=0, line=0)
        header = next(first, None)
        if header is None:
            return  # an empty file says nothing
        if header.cells is None:
            yield Found(header.raw, b"", None, header.line, mark, header.problem)
            return
        columns = [name.strip().removeprefix("\ufeff") for name in header.cells]
        context = _context(header.raw, delimiter, encoding)
        start, line = max(mark.offset, header.end), max(mark.line, _last_line(header))
        stream.seek(start)
        for row in rows(
            stream,
            width=len(columns),
            delimiter=delimiter,
            encoding=encoding,
            offset=start,
            line=line,
        ):
            fields = None if row.cells is None else dict(zip(columns, row.cells, strict=True))
            behind = Mark(row.end, _last_line(row))
            yield Found(row.raw, context, fields, row.line, behind, row.problem)


def reread(raw: bytes, context: bytes, options: FileDropOptions) -> Reread:
    """The cells of a row that was kept, by the names in the header that was kept with it."""
    about, _, head = context.partition(b"\n")
    said = json.loads(about)
    # what is configured now wins: it may be what was corrected
    delimiter = options.delimiter or said["delimiter"]
    encoding = said["encoding"] if options.encoding == "auto" else options.encoding
    header = _only(head, width=None, delimiter=delimiter, encoding=encoding)
    if header is None or header.cells is None:
        return Reread(None, ("(row)", "", "its header cannot be read; drop the file again"))
    columns = [name.strip().removeprefix("\ufeff") for name in header.cells]
    row = _only(raw, width=len(columns), delimiter=delimiter, encoding=encoding)
    if row is None or row.cells is None:
        rule = "is nothing, or more than one row"
        return Reread(None, ("(row)", "", rule) if row is None else row.problem)
    return Reread(dict(zip(columns, row.cells, strict=True)))


def _only(raw: bytes, *, width: int | None, delimiter: str, encoding: str) -> Row | None:
    """The one row that some bytes hold."""
    found = rows(
        BytesIO(raw), width=width, delimiter=delimiter, encoding=encoding, offset=0, line=0
    )
    row = next(found, None)
    return row if row is not None and row.end == len(raw) else None


def _last_line(row: Row) -> int:
    return row.line + max(row.raw.count(b"\n"), 1) - 1


def _context(header: bytes, delimiter: str, encoding: str) -> bytes:
    about = {"delimiter": delimiter, "encoding": encoding}
    return json.dumps(about).encode() + b"\n" + header
