"""What a store asks of its database; nothing above the store knows which one it is."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Table

from pipelines.store.migrating import Progress, Step

Row = tuple[Any, ...]


class Bucket(NamedTuple):
    """A span that sums are kept of, and whether they are added (1) or taken away (-1)."""

    sign: int
    level: int
    start_ms: int


class Strata(NamedTuple):
    """Some strata of a cut: see ``schema.stratum``."""

    cut: int
    strata: Sequence[int]


class WantedSums(NamedTuple):
    """Which rollup rows are asked for: of which combination, buckets, and codes; None is any.

    ``clocks`` are indices into ``CLOCKS``. What the combination is not by has the code ``""``.
    With ``strata`` it is their rows, whose buckets all have to stand in ``stratified``.
    """

    per: int
    clocks: tuple[int, ...]
    buckets: Sequence[Bucket]
    grids: Sequence[str] | None
    kinds: Sequence[str] | None
    sources: Sequence[str] | None
    strata: Strata | None = None


class Backend(ABC):
    """One database, opened: an engine to write with, one to read with, and what differs.

    A transaction of ``writer`` sees what is committed when it asks; one of ``reader`` sees one
    state throughout and cannot write.
    """

    writer: Engine
    reader: Engine
    chunk: ClassVar[int] = 500
    """How many ids are asked for at once."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what is not there; raises StoreBehindError when only a person may mend it."""

    def index_words(self) -> None:
        """Make what a search needs beside the tables, where this database keeps such a thing."""
        return

    @abstractmethod
    def upgrade(self, progress: Progress) -> list[Step]:
        """Bring the tables to the newest form, in one transaction; return what was done."""

    @abstractmethod
    def version(self) -> int:
        """A number that changes with every commit of any process; costs microseconds."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""

    @abstractmethod
    def begun_alone(self, connection: Connection) -> None:
        """Wait, when a transaction begins, until no other one writes; none does beside it."""

    @abstractmethod
    def begun_beside(self, connection: Connection) -> None:
        """Wait, when a transaction begins, until none writes that must be alone."""

    @abstractmethod
    def claim(self, connection: Connection, names: Iterable[str]) -> None:
        """Keep other transactions from what these names stand for, to the end of this one."""

    @abstractmethod
    def await_turn(self, connection: Connection) -> None:
        """Be the only one from here to the end that reads and writes the rows all share."""

    @abstractmethod
    def take_time(self, connection: Connection) -> None:
        """Bear long silences of this transaction."""

    @abstractmethod
    def ending(self, connection: Connection) -> None:
        """Say, when a transaction is about to be committed, that the store has changed."""

    @abstractmethod
    def is_conflict(self, error: Exception) -> bool:
        """Whether a transaction failed only because of another one, and may be tried again."""

    @abstractmethod
    def among(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a column is one of the values that are given as parameter ``ids``, a list."""

    def given(self, ids: Sequence[Any]) -> list[Any]:
        """These values as ``among`` takes them, at most ``chunk``."""
        return list(ids)

    @abstractmethod
    def by_key(self, connection: Connection, table: Table, keys: Iterable[Row]) -> Iterator[Any]:
        """The row of each key, in the order of the keys; None where there is none."""

    @abstractmethod
    def unsettled(
        self, connection: Connection, moment_ms: int, begin_ms: int, end_ms: int
    ) -> Iterator[Row]:
        """The incidents that began in [begin, end) and had not settled at a moment.

        Asked class by class of ``unsettled_bits``: one of that many digits began no longer ago
        than that.
        """

    @abstractmethod
    def sums(self, connection: Connection, wanted: WantedSums) -> Iterator[Row]:
        """Rollup rows, all in one question.

        Of each its sign, stratum (0 where none is wanted), codes, incidents, few, and the clocks
        wanted.
        """

    @abstractmethod
    def add(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows that are not there, each with its columns in the table's order."""

    @abstractmethod
    def adding(
        self, connection: Connection, table: Table, rows: Sequence[Row]
    ) -> AbstractContextManager[None]:
        """The same while the block goes on, in which nothing else is asked of the connection."""

    @abstractmethod
    def add_new(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, passing over those whose key is there."""

    @abstractmethod
    def put(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, replacing those whose key is there."""

    @abstractmethod
    def remove(self, connection: Connection, table: Table, keys: Sequence[Row]) -> None:
        """Delete the rows with these keys."""

    @abstractmethod
    def forget_months(self, connection: Connection, table: Table, before_ms: int) -> int:
        """Delete the rows of whole UTC months that ended by a moment; return how many.

        Of a table that is cut by month: see ``schema.MONTHLY``.
        """
