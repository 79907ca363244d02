"""What became of the records of a batch, in numbers and in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

PROBLEMS_KEPT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What was wrong with one record or one of its fields, and where it stood."""

    file: str
    line: int
    column: str
    value: str
    rule: str
    kept: bool

    def __str__(self) -> str:
        what = "flagged" if self.kept else "quarantined"
        where = f"{self.file}:{self.line}"
        return f"{where}: {what}: column {self.column!r}, value {self.value!r}: {self.rule}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What became of the records of a batch: ``read == stored + duplicate + quarantined``.

    A record of a device may say several things, or only that the device is there: ``stored`` and
    ``duplicate`` count what was said about incidents, ``signals`` what was said about devices.
    ``unlocated`` and ``flagged`` are counts of stored records. ``problems`` holds the first
    ``PROBLEMS_KEPT``; all of them are in the store.
    """

    read: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    unlocated: int = 0
    flagged: int = 0
    signals: int = 0
    problems: tuple[Problem, ...] = field(default=())

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            read=self.read + other.read,
            stored=self.stored + other.stored,
            duplicate=self.duplicate + other.duplicate,
            quarantined=self.quarantined + other.quarantined,
            unlocated=self.unlocated + other.unlocated,
            flagged=self.flagged + other.flagged,
            signals=self.signals + other.signals,
            problems=(self.problems + other.problems)[:PROBLEMS_KEPT],
        )


def in_words(line: Mapping[str, Any]) -> Iterator[str]:
    """What came of importing one source, in lines: the counts, every problem, and why it ended."""
    numbers = ("read", "stored", "duplicate", "quarantined", "unlocated", "flagged")
    yield f"{line['source']}: " + ", ".join(f"{name} {line[name]}" for name in numbers)
    yield from (f"  {Problem(**problem)}" for problem in line["problems"])
    if "error" in line:
        yield f"  {line['error']}"
