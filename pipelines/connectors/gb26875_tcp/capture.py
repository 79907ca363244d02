"""Frames written as hex in a file, one or more a line: to try a mapping on what was captured."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path

from pipelines.connectors.gb26875_tcp.records import bad_record
from pipelines.connectors.record import Batch, Origin, Record
from pipelines.decoders.gb26875.frame import BadFrame, Frame
from pipelines.decoders.gb26875.framing import NO_START, Framer
from pipelines.decoders.gb26875.hex_lines import hex_chunks
from pipelines.decoders.gb26875.meaning import FRAME
from pipelines.errors import SourceUnavailableError

_BATCH = 2000


class Capture:
    """Reads a file of hex lines from its beginning to its end."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.unfinished: tuple[str, ...] = ()

    def poll(self, positions: Mapping[str, str], *, now: datetime) -> Iterator[Batch]:
        """Yield every frame of the file; there is no position to go on from."""
        try:
            with self._file.open("rb") as stream:
                records = self._records(hex_chunks(stream))
                while batch := tuple(islice(records, _BATCH)):
                    yield Batch(records=batch, part=self._file.name, position="")
        except OSError as error:
            raise SourceUnavailableError(
                f"{self._file}: cannot be read: {error.strerror}"
            ) from error

    def over(self, file: Path) -> "Capture":
        """The same for another file."""
        return Capture(file)

    def _records(self, chunks: Iterator[tuple[int, bytes | str]]) -> Iterator[Record]:
        part = self._file.name
        for line, chunk in chunks:
            if isinstance(chunk, str):
                problem = ("(line)", "", chunk)
                yield Record(b"", b"", None, Origin(part, line), line, problem)
                continue
            framer = Framer()
            found: list[Frame | BadFrame] = [*framer.feed(chunk), *framer.settle()]
            for item in found:
                if isinstance(item, BadFrame):
                    yield bad_record(item, part, line, line)
                else:
                    yield Record(item.raw, b"", None, Origin(part, line), line)
            if not found:
                problem = (FRAME, chunk[:32].hex(" "), NO_START)
                yield Record(chunk, b"", None, Origin(part, line), line, problem)
