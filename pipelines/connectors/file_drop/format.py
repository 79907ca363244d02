"""What it takes to read a format: a function from a file and a mark to the records behind it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipelines.connectors.file_drop.options import FileDropOptions


class Mark(NamedTuple):
    """How far a file has been read.

    ``offset`` and ``line`` are behind the last record, of which ``line`` is the (last) line.
    ``digest`` is of all that came before, for formats whose files do not grow at their end.
    """

    offset: int = 0
    line: int = 0
    digest: str = ""


class Found(NamedTuple):
    """One record of a file; ``mark`` is where reading goes on behind it."""

    raw: bytes
    context: bytes
    fields: Mapping[str, str] | None
    line: int
    mark: Mark
    problem: tuple[str, str, str] | None = None


class BrokenFileError(Exception):
    """Nothing more can be read from this file; the message says why and what to do."""


class Format(NamedTuple):
    """A format of files.

    ``read`` yields what is behind a mark and raises BrokenFileError, or what gzip raises, where
    the file breaks off. ``grows`` says that a longer version begins with the same bytes: when
    they differ, ``read`` gets an empty mark. Otherwise ``read`` itself compares the digest.
    """

    read: Callable[[Path, FileDropOptions, Mark], Iterator[Found]]
    grows: bool = True
