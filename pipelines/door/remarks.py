"""Reading what people said at the console."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from pipelines.model.remark import Act
from pipelines.privacy.masking import masked
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader

_PINS = (Act.PINNED.value, Act.UNPINNED.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemarkLine:
    """One remark as it is shown: its text masked."""

    subject: str
    act: Act
    person: str
    at: datetime
    text: str


def remarks_about(reader: Reader, subject: str) -> tuple[RemarkLine, ...]:
    """What was said about an incident or a shift, in order."""
    table = schema.remark
    query = select(table).where(table.c.subject == subject)
    rows = reader.rows(query.order_by(table.c.at_ms, table.c.remark_id))
    return tuple(map(_line, rows))


def notes_between(reader: Reader, begin: datetime, end: datetime) -> tuple[RemarkLine, ...]:
    """Every note that was written in [begin, end), in order."""
    table = schema.remark
    query = select(table).where(
        table.c.at_ms >= to_ms(begin), table.c.at_ms < to_ms(end), table.c.act == Act.NOTED.value
    )
    return tuple(map(_line, reader.rows(query.order_by(table.c.at_ms, table.c.remark_id))))


def pinned(reader: Reader, now: datetime) -> dict[str, RemarkLine]:
    """The incidents that are pinned at a moment, by id, and who pinned each; the last counts."""
    table = schema.remark
    query = select(table).where(table.c.act.in_(_PINS), table.c.at_ms <= to_ms(now))
    last: dict[str, RemarkLine] = {}
    for row in reader.rows(query.order_by(table.c.at_ms, table.c.remark_id)):
        last[row.subject] = _line(row)
    return {subject: line for subject, line in last.items() if line.act is Act.PINNED}


def is_pinned(remarks: Iterable[RemarkLine]) -> bool:
    """Whether the last word about an incident is that it is pinned."""
    said = [line.act for line in remarks if line.act.value in _PINS]
    return bool(said) and said[-1] is Act.PINNED


def _line(row: Any) -> RemarkLine:
    return RemarkLine(
        subject=row.subject,
        act=Act(row.act),
        person=row.person,
        at=from_ms(row.at_ms),
        text=masked(row.text),
    )
