"""What records mean, one format a file; adding one is a file and a line in ``DECODERS``."""

from pipelines.decoders.record_types import RecordTypesDecoder
from pipelines.decoders.table import TableDecoder

DECODERS: dict[str, type[TableDecoder] | type[RecordTypesDecoder]] = {
    "table": TableDecoder,
    "record_types": RecordTypesDecoder,
}
"""Every decoder by the name a config block uses. Each has ``options``, its block's model."""
