"""The decoder for sources that send several types of record about one incident.

A police call is a 接警单 (call), a 派警单 a unit (dispatch), and a 反馈单 a unit (feedback). Each
type has a table mapping of its own; what they say adds up because all name the same incident.
"""

from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from pipelines.connectors.record import Record
from pipelines.decoders.table import TableDecoder
from pipelines.decoders.table_options import ColumnMap, TableOptions
from pipelines.errors import BadRecordError
from pipelines.model.fact import Statement
from pipelines.reading.options import Options


class RecordTypeOptions(TableOptions):
    """What one type of record means; the keys of `table`, but `kind` may be left away."""

    kind: ColumnMap | str | None = Field(
        default=None, description="A kind, or a column with its mapping; none says nothing of it."
    )


class RecordTypesOptions(Options):
    """Which column tells the types of record apart, and what each type means."""

    column: str = Field(
        default="(query)", description="The column; `sql_view` puts the query's name there."
    )
    types: dict[str, RecordTypeOptions] = Field(
        min_length=1, description="The mapping of each type, by its value in that column."
    )

    @property
    def kind(self) -> ColumnMap:
        """Every kind that any type may name."""
        named: set[str | None] = set()
        for kind in (options.kind for options in self.types.values()):
            named |= {*kind.map.values(), kind.default} if isinstance(kind, ColumnMap) else {kind}
        return ColumnMap(column=self.column, map={kind: kind for kind in named if kind is not None})

    @model_validator(mode="after")
    def _somebody_says_the_kind(self) -> Self:
        if not any(options.kind is not None for options in self.types.values()):
            raise ValueError("one of the types must say the kind")
        return self


class RecordTypesDecoder:
    """Reads each record with the mapping of its type."""

    options = RecordTypesOptions

    def __init__(self, options: RecordTypesOptions, *, zone: ZoneInfo) -> None:
        self._column = options.column
        self._types = {
            name: TableDecoder(mapping, zone=zone) for name, mapping in options.types.items()
        }

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Statement:
        """Say what one record means; see :class:`~pipelines.decoders.decoder.Decoder`."""
        if record.problem is not None:
            raise BadRecordError(*record.problem)
        name = (record.fields or {}).get(self._column, "")
        if name not in self._types:
            known = ", ".join(self._types)
            raise BadRecordError(self._column, name, f"is no known type of record; use {known}")
        statement = self._types[name].decode(record, source=source, received_at=received_at)
        # a dispatch and a feedback with one number are two records, not two revisions of one
        return statement._replace(record_id=f"{name}\x1f{statement.record_id}")
