"""The zip archive a workbook is: its parts within limits, and what a file is that is none."""

import struct
import zlib
from collections.abc import Iterator
from errno import EINVAL
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from pipelines.connectors.file_drop.format import BrokenFileError

SMALL_MOST = 16 << 20
TEXTS_MOST = 256 << 20
SHEET_MOST = 2 << 30
"""How many bytes a part may unpack to: lists of sheets and formats, all texts, one sheet."""

RATIO_MOST = 250  # real sheets pack 5 to 50 times, deflate at most 1032 times
_RATIO_FREE = 16 << 20
_CHUNK = 1 << 16
_TOKEN_MOST = 8 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_DAMAGED = "the workbook is damaged or cut off; drop it again, whole"
_BREAKS = (
    BadZipFile, NotImplementedError, RuntimeError, ValueError, OverflowError, EOFError,
    struct.error, zlib.error,
)  # fmt: skip


class Parts:
    """The parts of a workbook by name; names are compared without case, as Windows does."""

    def __init__(self, path: Path) -> None:
        """Raises BrokenFileError when the file is no workbook; its message says what it is."""
        try:
            self._zip = ZipFile(path)
        except (*_BREAKS, OSError) as error:
            _let_through(error)
            raise BrokenFileError(_instead(path)) from error
        # some exporters write the names with backslashes
        self._parts = {i.filename.replace("\\", "/").lower(): i for i in self._zip.infolist()}

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._parts

    def chunks(self, name: str, *, most: int) -> Iterator[bytes]:
        """The bytes of a part; raises BrokenFileError where they end too soon or are too many."""
        part = self._parts.get(name.lower())
        if part is None or part.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BrokenFileError(f"is no workbook that can be read ({name}); save it as .xlsx")
        if part.flag_bits & 1:
            raise BrokenFileError("is protected by a password; save it without one")
        # no more than the stated size is ever unpacked: ZipExtFile stops there
        ratio = part.file_size // max(part.compress_size, 1)
        if part.file_size > most or (part.file_size > _RATIO_FREE and ratio > RATIO_MOST):
            raise BrokenFileError(
                f"{name} unpacks to {part.file_size >> 20} MB, {ratio} times its size (at most "
                f"{most >> 20} MB, {RATIO_MOST} times); a zip bomb? Else export it in smaller parts"
            )
        try:
            with self._zip.open(part) as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
        except (*_BREAKS, OSError) as error:
            _let_through(error)
            raise BrokenFileError(f"{_DAMAGED} ({name}: {error})") from error


def fed(parser: expat.XMLParserType, chunks: Iterator[bytes]) -> Iterator[None]:
    """Feed a parser; yields after each chunk. Raises BrokenFileError for what is not sound XML."""
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse  # entities are how small XML becomes large
    given = 0
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            given += len(chunk)
            if given - parser.CurrentByteIndex > _TOKEN_MOST:
                raise ValueError("an element without an end")
            yield
        parser.Parse(b"", True)
        yield
    except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: an encoding
        raise BrokenFileError(f"{_DAMAGED} ({error})") from error


def elements(chunks: Iterator[bytes]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every element's name, without its prefix, and attributes, in order."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, about: found.append((local(name), about))
    for _ in fed(parser, chunks):
        yield from found
        found.clear()


def local(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2] if ":" in name else name


def _let_through(error: Exception) -> None:
    """Raise what is wrong with the disk and not with the file, whose offsets may lead nowhere."""
    if isinstance(error, OSError) and error.errno != EINVAL:
        raise error


def _refuse(*_: object) -> None:
    raise ValueError("it declares a document type")


def _instead(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.read(4096)
        if start.startswith(_OLE):
            if _holds(stream, _ENCRYPTED):
                return "is protected by a password; save it without one and drop it again"
            return "is an .xls workbook, whatever its name says; save it as .xlsx"
    if start.startswith(b"PK"):
        return _DAMAGED
    if b"<html" in start.lower() or b"<table" in start.lower():
        return "is a web page, not a workbook; open it in Excel and save it as .xlsx"
    return "is no Excel workbook; if it is text, name it .csv, .tsv or .jsonl"


def _holds(stream: BinaryIO, wanted: bytes) -> bool:
    before = b""
    while chunk := stream.read(1 << 20):
        if wanted in before + chunk:
            return True
        before = chunk[-len(wanted) :]
    return False
