"""Reading an owner's register: a CSV file with a row a thing, checked as it is read."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pipelines.errors import SettingsError

Row = Mapping[str, str]
T = TypeVar("T")
N = TypeVar("N", int, float)


def read_register(
    file: Path, columns: Sequence[str], fields: Sequence[str], entry: Callable[[Row, str], T]
) -> list[T]:
    """Every row as ``entry`` makes it of its ``fields``, stripped, and of where it stands.

    A field without a column is empty, unless it is one of ``columns``. Raises SettingsError naming
    file, line, column, value and rule.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
            if missing:
                needed = ", ".join(columns)
                raise SettingsError(f"{file}: no column {missing[0]!r}; a register needs {needed}")
            return [
                entry({f: (row.get(f) or "").strip() for f in fields}, f"{file}:{reader.line_num}")
                for row in reader
            ]
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def number(row: Row, column: str, where: str, kind: type[N]) -> N:
    """The number in a column; raises SettingsError naming place, column and value."""
    try:
        return kind(row[column])
    except ValueError as error:
        raise SettingsError(
            f"{where}: column {column!r}, value {row[column]!r}: must be a number"
        ) from error
