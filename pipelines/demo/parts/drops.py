"""What arrives as files: workbooks that are dropped, and tables that grow."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.demo.model.case import Message
from pipelines.demo.parts.workbook import workbook

_DROPPED_AT = (8, 11, 14, 17, 20)
"""Hours of the day at which somebody exports a workbook."""
_MARKET_COLUMNS = (
    *("id", "reported", "category", "subcategory", "address"),
    *("accepted", "resolved", "deadline", "unit", "state"),
)
_TITLES = (("96315 消费投诉登记表",), ("导出范围：四季青街道",))
_HEADER = (
    ("登记编号", "登记时间", "投诉分类", "", "地址", "办理", "", "期限", "承办单位", "状态"),
    ("", "", "大类", "小类", "", "受理时间", "办结时间", "", "", ""),
)
_MERGED = ("A1:J1", "A2:J2", "A3:A4", "B3:B4", "C3:D3", "E3:E4", "F3:G3", "H3:H4", "I3:I4", "J3:J4")
_DISPUTE_COLUMNS = (
    *("id", "reported", "category", "title", "grid", "address", "lon", "lat", "unit"),
    *("state", "resolved"),
)


class MarketWorkbooks:
    """Drops a workbook of what has changed since the last, a few times a day."""

    def __init__(self, folder: Path, *, zone: ZoneInfo) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._zone = zone
        self._changed: dict[str, Mapping[str, Any]] = {}
        self._last: datetime | None = None
        self._is_open = False
        self._number = 0

    @property
    def waiting(self) -> int:
        """How many complaints the next workbook will hold."""
        return len(self._changed)

    def open(self) -> None:
        """Drop what is due from now on."""
        self._is_open = True

    def close(self) -> None:
        """Drop nothing."""
        self._is_open = False

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Remember what has changed, and drop it when its time has come."""
        for message in messages:
            self._changed[message.body["id"]] = message.body
        if self._is_open and (self._last is None or self._is_due(self._last, now)):
            self._drop(now)

    def finish(self) -> None:
        """Drop what is left."""
        if self._last is not None:
            self._drop(self._last)

    def _is_due(self, last: datetime, now: datetime) -> bool:
        return self._round(last) != self._round(now)

    def _round(self, moment: datetime) -> tuple[object, int]:
        """Which export of which day was the last one at a moment."""
        local = moment.astimezone(self._zone)
        return local.date(), sum(hour <= local.hour for hour in _DROPPED_AT)

    def _drop(self, now: datetime) -> None:
        self._last = now
        if not self._changed:
            return
        self._number += 1
        rows = [[row.get(name, "") for name in _MARKET_COLUMNS] for row in self._changed.values()]
        total = [("合计", str(len(rows)))]
        name = f"96315-{now.astimezone(self._zone):%Y%m%d-%H%M}-{self._number:04d}.xlsx"
        content = workbook([*_TITLES, *_HEADER, *rows, *total], merged=_MERGED)
        _put(self._folder / name, content)
        self._changed = {}


class GrowingFile:
    """Adds lines to one file, whole lines at once."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._kept: list[Message] = []
        self._is_open = False

    @property
    def waiting(self) -> int:
        """How many lines are not written yet."""
        return len(self._kept)

    def open(self) -> None:
        """Write from now on."""
        self._is_open = True

    def close(self) -> None:
        """Write nothing."""
        self._is_open = False

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Write the messages, and those that were kept before them."""
        self._kept.extend(messages)
        if self._is_open and self._kept:
            self._add(self._lines([message.body for message in self._kept]))
            self._kept = []

    def finish(self) -> None:
        """Nothing waits that may be written."""

    def _lines(self, rows: Sequence[Mapping[str, Any]]) -> str:
        raise NotImplementedError

    def _add(self, text: str) -> None:
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


class LabourLines(GrowingFile):
    """Labour complaints as JSON lines."""

    def _lines(self, rows: Sequence[Mapping[str, Any]]) -> str:
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class DisputeTable(GrowingFile):
    """Disputes as a table; it has its header from the beginning."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self._add(",".join(_DISPUTE_COLUMNS) + "\n")

    def _lines(self, rows: Sequence[Mapping[str, Any]]) -> str:
        stream = io.StringIO()
        writer = csv.DictWriter(stream, _DISPUTE_COLUMNS, restval="", lineterminator="\n")
        writer.writerows(rows)
        return stream.getvalue()


def _put(file: Path, content: bytes) -> None:
    """A file that is there whole or not at all."""
    beside = file.with_name(f".{file.name}.part")
    beside.write_bytes(content)
    beside.replace(file)
