"""The connector ``file_drop``: which files there are, which are new, and how far each was read.

A file is read once it has been quiet for a while, from where the last committed batch ended.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from glob import glob
from pathlib import Path

from pipelines.connectors.file_drop import formats
from pipelines.connectors.file_drop.format import BrokenFileError, Format, Found, Mark
from pipelines.connectors.file_drop.formats import format_of, is_dropped
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.file_drop.packed import BREAKS
from pipelines.connectors.record import Batch, Origin, Record
from pipelines.connectors.reread import Reread
from pipelines.errors import SourceUnavailableError

BATCH_RECORDS = 8000
BATCH_BYTES = 32 << 20
_HEAD_BYTES = 4096
_FILE_STRIDE = 1_000_000_000  # more lines than a file has: orders records across files


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
    digest: str = ""

    @classmethod
    def load(cls, text: str | None) -> "_Position":
        return cls(**json.loads(text)) if text else cls()

    def dump(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    @property
    def mark(self) -> Mark:
        return Mark(self.offset, self.line, self.digest)

    def at(self, mark: Mark) -> "_Position":
        offset, line, digest = mark
        return replace(self, offset=offset, line=line, digest=digest)


class FileDrop:
    """Reads every file a pattern names, each from where its last committed batch ended."""

    options = FileDropOptions

    def __init__(self, options: FileDropOptions, *, base: Path, usual: str = "") -> None:
        """``usual`` is a name by which files are read whose own ending says nothing."""
        self._options = options
        self._usual = usual or options.path
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
        return FileDrop(options, base=file.parent, usual=self._usual)

    def reread(self, raw: bytes, context: bytes) -> Reread:
        """The columns of a row that was kept; see :class:`~pipelines.connectors.reread.Rereads`.

        A file that broke off left no row behind: drop it again, whole.
        """
        if not raw:
            return Reread(None, ("(file)", "", "the file broke off here; drop it again, whole"))
        return formats.reread(raw, context, self._options)

    def _files(self) -> Sequence[Path]:
        if self._path.is_dir():
            return sorted(path for path in self._path.iterdir() if is_dropped(path))
        if self._path.is_file():
            return [self._path]  # even when its name looks like a pattern
        if self._pattern is None:
            raise SourceUnavailableError(f"{self._path}: no such file or folder")
        if not self._folder.is_dir():
            raise SourceUnavailableError(f"{self._folder}: no such folder")
        names = glob(self._pattern, root_dir=self._folder)
        return sorted(self._folder / n for n in names if not Path(n).name.startswith("~$"))

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
        form = format_of(path.name, self._usual)
        try:
            if form.grows:
                position = _restart_if_new(path, position)
            done = replace(position, size=stat.st_size, mtime_ns=stat.st_mtime_ns)
            yield from self._batches(path, part, form, done)
        except OSError as error:
            raise SourceUnavailableError(f"{path}: cannot be read: {error.strerror}") from error

    def _batches(self, path: Path, part: str, form: Format, done: _Position) -> Iterator[Batch]:
        records: list[Record] = []
        held = 0
        mark = done.mark
        found = form.read(path, self._options, mark)
        for row in _to_the_end(found, path, mark):
            if self._is_passed_over(row):
                continue
            ordinal = done.sequence * _FILE_STRIDE + row.line
            origin = Origin(part, row.line)
            records.append(Record(row.raw, row.context, row.fields, origin, ordinal, row.problem))
            held += len(row.raw)
            if row.raw and (row.problem is None or row.raw.endswith(b"\n")):
                mark = row.mark
            if len(records) >= BATCH_RECORDS or held >= BATCH_BYTES:
                unfinished = replace(done.at(mark), size=-1, mtime_ns=-1)
                yield Batch(records=tuple(records), part=part, position=unfinished.dump())
                records, held = [], 0
        yield Batch(records=tuple(records), part=part, position=done.at(mark).dump())

    def _is_passed_over(self, row: Found) -> bool:
        rule = self._options.skip_rows
        return (
            rule is not None and row.fields is not None and rule.holds(row.fields.get(rule.column))
        )


def _split(base: Path, path: str) -> tuple[Path, str | None]:
    """The folder that positions are relative to, and the pattern below it if there is one."""
    parts = Path(path).parts
    first = next((i for i, part in enumerate(parts) if any(sign in part for sign in "*?[")), None)
    if first is None:
        return base.joinpath(*parts[:-1]), None
    return base.joinpath(*parts[:first]), str(Path(*parts[first:]))


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


def _to_the_end(found: Iterator[Found], path: Path, mark: Mark) -> Iterator[Found]:
    """The records, and one more that says so when the file breaks off."""
    line = mark.line
    try:
        for row in found:
            line = row.line
            yield row
    except (*BREAKS, BrokenFileError) as error:
        rule = f"the file breaks off behind this line ({error}); drop it again, whole"
        rule = str(error) if isinstance(error, BrokenFileError) else rule
        yield Found(b"", b"", None, line + 1, mark, ("(file)", path.name, rule))
