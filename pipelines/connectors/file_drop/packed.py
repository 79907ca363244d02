"""Text files, as they are or packed by gzip: opening them, and telling their encoding."""

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, cast

BREAKS = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a packed file raises where it is cut off or damaged."""

_SNIFF_BYTES = 1 << 20


def open_text(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked."""
    if path.suffix.lower() == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def encoding_of(path: Path, configured: str) -> str:
    """The configured encoding; for ``auto``, the one that fits."""
    return detect_encoding(path) if configured == "auto" else configured


def detect_encoding(path: Path) -> str:
    """UTF-8 when the first megabyte is valid UTF-8, else GB 18030, as in older Chinese exports."""
    with open_text(path) as stream:
        try:
            sample = stream.read(_SNIFF_BYTES)
        except BREAKS:
            return "utf-8"
    cut = sample.rfind(b"\n") + 1 or len(sample)
    for encoding in ("utf-8", "gb18030"):
        try:
            sample[:cut].decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "utf-8"
