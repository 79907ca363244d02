"""Files that someone drops into a folder: csv and csv.gz.

A file is read once it has been quiet for a while, from where the last committed batch ended.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from glob import glob
from pathlib import Path
from typing import BinaryIO, Literal, cast

from pydantic import Field

from pipelines.connectors.lines import Row, rows
from pipelines.connectors.record import Batch, Origin, Record
from pipelines.errors import SourceUnavailableError
from pipelines.options import Duration, Options

BATCH_RECORDS = 2000
_HEAD_BYTES = 4096
_SNIFF_BYTES = 1 << 20
_FILE_STRIDE = 1_000_000_000  # more lines than a file has: orders records across files
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)


class FileDropOptions(Options):
    """Where the files are and how they are written."""

    path: str = Field(description="A file, a folder, or a glob, relative to the config file.")
    encoding: Literal["auto", "utf-8", "gb18030", "latin-1"] = Field(
        default="auto", description="`auto` takes UTF-8 where it is valid, else GB 18030."
    )
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="Between cells.")
    settle: Duration = Field(
        default=timedelta(seconds=2), description="How long a file must be quiet to be complete."
    )


@dataclass(frozen=True, slots=True)
class _Position:
    """How far one file has been read; ``head`` tells an appended file from a new one."""

    offset: int = 0
    line: int = 0
    size: int = -1
    mtime_ns: int = -1
    head: str = ""
    head_bytes: int = 0
    sequence: int = 0

    @classmethod
    def load(cls, text: str | None) -> "_Position":
        return cls(**json.loads(text)) if text else cls()

    def dump(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


class FileDrop:
    """Reads every file a pattern names, each from where its last committed batch ended."""

    options = FileDropOptions

    def __init__(self, options: FileDropOptions, *, base: Path) -> None:
        self._options = options
        self._path = base / options.path
        self._folder, self._pattern = _split(base, options.path)
        self.unfinished: tuple[str, ...] = ()

    def poll(self, positions: Mapping[str, str], *, now: datetime) -> Iterator[Batch]:
        """Yield the new rows of all quiet files, oldest name first.

        Raises SourceUnavailableError when the folder or a named file is not there.
        """
        self.unfinished = ()
        for path in self._files():
            part = self._part(path)
            position = _Position.load(positions.get(part))
            if position.sequence == 0:
                position = replace(position, sequence=self._next_sequence(positions, path))
            yield from self._read(path, part, position, now)

    def over(self, file: Path) -> "FileDrop":
        """The same connector, reading one file, wherever it is, without waiting for quiet."""
        options = self._options.model_copy(update={"path": file.name, "settle": timedelta(0)})
        return FileDrop(options, base=file.parent)

    def _files(self) -> Sequence[Path]:
        if self._path.is_dir():
            names: list[Path] = [p for s in ("*.csv", "*.csv.gz") for p in self._path.glob(s)]
            return sorted(names)
        if self._path.is_file():
            return [self._path]  # even when its name looks like a pattern
        if self._pattern is None:
            raise SourceUnavailableError(f"{self._path}: no such file or folder")
        if not self._folder.is_dir():
            raise SourceUnavailableError(f"{self._folder}: no such folder")
        return sorted(self._folder / name for name in glob(self._pattern, root_dir=self._folder))

    def _part(self, path: Path) -> str:
        """The name of a file below the folder; two folders may hold files of one name."""
        return path.relative_to(self._folder).as_posix()

    def _next_sequence(self, positions: Mapping[str, str], path: Path) -> int:
        known = [_Position.load(text).sequence for text in positions.values()]
        earlier = [p for p in self._files() if self._part(p) not in positions and p < path]
        return max(known, default=0) + len(earlier) + 1

    def _read(self, path: Path, part: str, position: _Position, now: datetime) -> Iterator[Batch]:
        try:
            stat = path.stat()
        except FileNotFoundError:
            return  # taken away between the listing and now
        if (stat.st_size, stat.st_mtime_ns) == (position.size, position.mtime_ns):
            return
        age = now - datetime.fromtimestamp(stat.st_mtime, UTC)
        if abs(age) < self._options.settle:  # an age below zero is a clock that is wrong
            self.unfinished += (part,)
            return
        try:
            position = _restart_if_new(path, position)
            done = replace(position, size=stat.st_size, mtime_ns=stat.st_mtime_ns)
            yield from self._batches(path, part, done)
        except OSError as error:
            raise SourceUnavailableError(f"{path}: cannot be read: {error.strerror}") from error

    def _batches(self, path: Path, part: str, done: _Position) -> Iterator[Batch]:
        records: list[Record] = []
        unfinished = replace(done, size=-1, mtime_ns=-1)
        position = unfinished
        encoding = self._encoding(path)
        with _open(path) as stream:
            header = next(_to_the_end(self._rows(stream, None, encoding, 0, 0), 0), None)
            if header is None or header.cells is None:
                yield self._headless(path, part, done, header)
                return
            columns = [name.strip().removeprefix("\ufeff") for name in header.cells]
            context = _context(header.raw, self._options.delimiter, encoding)
            start, line = max(position.offset, header.end), max(position.line, _last_line(header))
            stream.seek(start)
            found = self._rows(stream, len(columns), encoding, start, line)
            for row in _to_the_end(found, line):
                origin = Origin(part, row.line)
                fields = None if row.cells is None else dict(zip(columns, row.cells, strict=True))
                ordinal = position.sequence * _FILE_STRIDE + row.line
                records.append(Record(row.raw, context, fields, origin, ordinal, row.problem))
                if row.raw:
                    position = replace(unfinished, offset=row.end, line=_last_line(row))
                if len(records) >= BATCH_RECORDS:
                    yield Batch(records=tuple(records), part=part, position=position.dump())
                    records = []
        complete = replace(position, size=done.size, mtime_ns=done.mtime_ns)
        yield Batch(records=tuple(records), part=part, position=complete.dump())

    def _rows(
        self, stream: BinaryIO, width: int | None, encoding: str, offset: int, line: int
    ) -> Iterator[Row]:
        return rows(
            stream,
            width=width,
            delimiter=self._options.delimiter,
            encoding=encoding,
            offset=offset,
            line=line,
        )

    def _encoding(self, path: Path) -> str:
        if self._options.encoding != "auto":
            return self._options.encoding
        return detect_encoding(path)

    def _headless(self, path: Path, part: str, done: _Position, header: Row | None) -> Batch:
        if header is None:
            return Batch(records=(), part=part, position=done.dump())  # an empty file says nothing
        record = Record(header.raw, b"", None, Origin(part, header.line), 0, header.problem)
        return Batch(records=(record,), part=part, position=done.dump())


def detect_encoding(path: Path) -> str:
    """UTF-8 when the first megabyte is valid UTF-8, else GB 18030, as in older Chinese exports."""
    with _open(path) as stream:
        try:
            sample = stream.read(_SNIFF_BYTES)
        except _BROKEN:
            return "utf-8"
    cut = sample.rfind(b"\n") + 1 or len(sample)
    for encoding in ("utf-8", "gb18030"):
        try:
            sample[:cut].decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "utf-8"


def _split(base: Path, path: str) -> tuple[Path, str | None]:
    """The folder that positions are relative to, and the pattern below it if there is one."""
    parts = Path(path).parts
    first = next((i for i, part in enumerate(parts) if any(sign in part for sign in "*?[")), None)
    if first is None:
        return base.joinpath(*parts[:-1]), None
    return base.joinpath(*parts[:first]), str(Path(*parts[first:]))


def _last_line(row: Row) -> int:
    return row.line + max(row.raw.count(b"\n"), 1) - 1


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def _head(path: Path, size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.sha256(stream.read(size)).hexdigest()


def _restart_if_new(path: Path, position: _Position) -> _Position:
    """The same position when the file only grew; its beginning when it is another file."""
    grew = position.head and path.stat().st_size >= position.head_bytes
    if grew and _head(path, position.head_bytes) == position.head:
        return position
    size = min(_HEAD_BYTES, path.stat().st_size)
    return _Position(head=_head(path, size), head_bytes=size, sequence=position.sequence)


def _context(header: bytes, delimiter: str, encoding: str) -> bytes:
    about = {"delimiter": delimiter, "encoding": encoding}
    return json.dumps(about).encode() + b"\n" + header


def _to_the_end(found: Iterator[Row], line: int) -> Iterator[Row]:
    """The rows, and one more that says so when the file breaks off."""
    try:
        for row in found:
            line = row.line
            yield row
    except _BROKEN as error:
        rule = f"the file breaks off behind this line ({error}); drop it again, whole"
        yield Row(b"", None, line + 1, -1, ("(file)", "", rule))
