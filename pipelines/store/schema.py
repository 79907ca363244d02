"""The tables, the same on every database.

Every primary key holds the row's distribution key (``incident_id`` for reports and facts, ``id``
for incidents, ``grid`` for rollups) and nothing refers from one group to the other, so that the
database can be sharded without change. Times are UTC milliseconds since 1970.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

report = Table(
    "report",
    metadata,
    Column("incident_id", String(32), primary_key=True),
    Column("report_id", LargeBinary(16), primary_key=True),
    Column("source", String, nullable=False),
    Column("incident_key", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("ordinal", BigInteger, nullable=False),
    Column("part", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("context_id", LargeBinary(16), nullable=False),
    Column("unit", Text),
    Column("qualifies", Boolean, nullable=False),
    Column("kind", Text),
    Column("severity", Integer),
    Column("excluded", Text),
    Column("lat", Float),
    Column("lon", Float),
    Column("address", Text),
    Column("own_grid", Text),
    Column("title", Text),
    Column("flags", Text),
    Index("report_by_receipt", "recorded_ms"),
)
"""One row a record as received, with what it says apart from milestones. Never changed."""

context = Table(
    "context",
    metadata,
    Column("context_id", LargeBinary(16), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""What many records need to be read again: a CSV header. A reference table."""

fact = Table(
    "fact",
    metadata,
    Column("incident_id", String(32), primary_key=True),
    Column("report_id", LargeBinary(16), primary_key=True),
    Column("milestone", String(12), primary_key=True),
    Column("at_ms", BigInteger),
    Column("precision_s", Integer, nullable=False),
    Column("method", String(12), nullable=False),
    sqlite_with_rowid=False,
)
"""One row a milestone of a report. Append-only."""

incident = Table(
    "incident",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("source", String, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text),
    Column("kind_at_dispatch", Text),
    Column("severity", Integer),
    Column("excluded", Text),
    Column("grid", Text, nullable=False),
    Column("t0_ms", BigInteger, nullable=False),
    Column("reported_ms", BigInteger),
    Column("received_ms", BigInteger, nullable=False),
    Column("accepted_ms", BigInteger),
    Column("dispatched_ms", BigInteger),
    Column("en_route_ms", BigInteger),
    Column("arrived_ms", BigInteger),
    Column("resolved_ms", BigInteger),
    Column("cancelled_ms", BigInteger),
    Column("closed_ms", BigInteger),
    Column("settles_ms", BigInteger),
    Column("coarse", Text),
    Column("lat", Float),
    Column("lon", Float),
    Column("address", Text),
    Column("title", Text),
    Column("units", Integer, nullable=False),
    Column("flagged", Integer, nullable=False),
    Index("incident_by_start", "t0_ms"),
    Index("incident_by_settling", "settles_ms"),
    Index("incident_by_closing", "closed_ms"),
)
"""The fold of an incident's reports; can be rebuilt from them at any time.

``settles_ms`` is when its verdicts stop changing by time alone, NULL while that is not known.
``coarse`` lists the stamps that are not to the second, as ``milestone:precision:method``.
"""

rollup = Table(
    "rollup",
    metadata,
    Column("cell", Text, primary_key=True),
    Column("grid", Text, primary_key=True),
    Column("level", Integer, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("tally", LargeBinary, nullable=False),
    Index("rollup_by_start", "level", "start_ms"),
)
"""The final tallies of settled incidents, by hour, day and month of their start."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("source", String, primary_key=True),
    Column("content", LargeBinary(16), primary_key=True),
    Column("received_ms", BigInteger, nullable=False),
    Column("part", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("column_name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("context_id", LargeBinary(16), nullable=False),
)
"""Records that made no sense, with where they were, why, and their bytes."""

position = Table(
    "position",
    metadata,
    Column("source", String, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("position", Text, nullable=False),
)
"""How far each source has been read, as its connector puts it."""

source = Table(
    "source",
    metadata,
    Column("source", String, primary_key=True),
    Column("reports", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("flagged", BigInteger, nullable=False),
    Column("last_recorded_ms", BigInteger),
    Column("last_stamp_ms", BigInteger),
)
"""One row a source: what it has delivered, and when last."""

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts about the store itself, such as the rules its rollups were made with."""
