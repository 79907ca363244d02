"""The police's shared database (前置库): three tables that are written, three views to read."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pipelines.demo.model.case import Message

_COLUMNS = {
    "jjd": (
        *("JJDBH", "GLZJJDBH", "JQLYFS", "GXDWDM", "WXBS", "JQLBDM", "JQDJDM", "JQDZ", "BJNR"),
        *("FXDWJD", "FXDWWD", "BJSJ", "JJSJ", "JASJ", "RKSJ", "GXSJ"),
    ),
    "pjd": ("PJDBH", "JJDBH", "PJSJ", "TDSJ", "SCBS", "RKSJ", "GXSJ"),
    "fkd": ("FKDBH", "JJDBH", "CLJGDM", "SJCJSJ", "DDXCSJ", "CLWBSJ", "SCBS", "RKSJ", "GXSJ"),
}
"""By table; the first column is its key."""


class PoliceDatabase:
    """Writes police records; while it is closed, the views are gone."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        for table, columns in _COLUMNS.items():
            key, *rest = columns
            self._connection.execute(
                f"CREATE TABLE {table} ({key} TEXT PRIMARY KEY, {' TEXT, '.join(rest)} TEXT)"
            )
            self._connection.execute(f"CREATE INDEX {table}_gxsj ON {table} (GXSJ)")

    @property
    def waiting(self) -> int:
        """Nothing: what is written is there to be read."""
        return 0

    def open(self) -> None:
        """Grant the views."""
        for table in _COLUMNS:
            self._connection.execute(
                f"CREATE VIEW IF NOT EXISTS V_{table} AS SELECT * FROM {table}"  # noqa: S608 - our own names
            )

    def close(self) -> None:
        """Take the views away."""
        for table in _COLUMNS:
            self._connection.execute(f"DROP VIEW IF EXISTS V_{table}")

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Write rows; each has all of its columns."""
        if not messages:
            return
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for message in messages:
                self._write(dict(message.body))

    def finish(self) -> None:
        """Nothing waits."""

    def _write(self, row: dict[str, str]) -> None:
        table = row.pop("table")
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        key = _COLUMNS[table][0]
        changed = ", ".join(f"{name} = excluded.{name}" for name in row if name != key)
        self._connection.execute(
            f"INSERT INTO {table} ({names}, RKSJ) VALUES ({marks}, ?)"  # noqa: S608 - our own names
            f" ON CONFLICT ({key}) DO UPDATE SET {changed}",
            (*row.values(), row["GXSJ"]),
        )
