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
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from pipelines.model.clock import CLOCKS

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
    Column("about", String),
    Column("device", Text),
    Column("alarm_ms", BigInteger),
    Column("facts", Text, nullable=False),
    Index("report_by_receipt", "recorded_ms"),
)
"""One row a record as received, with what it says. Never changed.

``facts`` is a JSON list of ``[milestone, ms or null, precision in seconds, method]``, with latitude
and longitude behind them where it is known from where the fact was entered. Rows of their own, in
a table that is ordered by digests, would take as long to write as all the rest.
"""

context = Table(
    "context",
    metadata,
    Column("context_id", LargeBinary(16), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""What many records need to be read again: a CSV header. A reference table."""

views = MetaData()

fact = Table(
    "fact",
    views,
    Column("incident_id", String(32), primary_key=True),
    Column("report_id", LargeBinary(16), primary_key=True),
    Column("milestone", String(12), primary_key=True),
    Column("at_ms", BigInteger),
    Column("precision_s", Integer, nullable=False),
    Column("method", String(12), nullable=False),
    Column("lat", Float),
    Column("lon", Float),
)
"""One row a milestone of a report. A view: read only, for questions across many reports."""

VIEWS = {
    "sqlite": """
    CREATE VIEW IF NOT EXISTS fact AS
    SELECT incident_id, report_id, said.value ->> 0 AS milestone, said.value ->> 1 AS at_ms,
           said.value ->> 2 AS precision_s, said.value ->> 3 AS method,
           said.value ->> 4 AS lat, said.value ->> 5 AS lon
    FROM report, json_each(report.facts) AS said
    """,
    "postgresql": """
    CREATE OR REPLACE VIEW fact AS
    SELECT incident_id, report_id, (said ->> 0)::varchar(12) AS milestone,
           (said ->> 1)::bigint AS at_ms, (said ->> 2)::integer AS precision_s,
           (said ->> 3)::varchar(12) AS method,
           (said ->> 4)::float AS lat, (said ->> 5)::float AS lon
    FROM report, json_array_elements(report.facts::json) AS said
    """,
}
"""What makes the view, by database."""

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
    Column("settles_ms", BigInteger, nullable=False),
    Column("unsettled_bits", Integer, nullable=False),
    Column("coarse", Text),
    Column("lat", Float),
    Column("lon", Float),
    Column("address", Text),
    Column("title", Text),
    Column("units", Integer, nullable=False),
    Column("flagged", Integer, nullable=False),
    Column("returned_ms", BigInteger),
    Index("incident_by_start", "t0_ms"),
    Index("incident_by_settling", "unsettled_bits", "t0_ms"),
    Index("incident_by_closing", "closed_ms"),
)
"""The fold of an incident's reports; can be rebuilt from them at any time.

``settles_ms`` is when its verdicts stop changing by time alone, and ``unsettled_bits`` how many
binary digits the milliseconds until then have: who was unsettled at a moment is found among those
of so many digits that began no longer ago than that.
``coarse`` lists the stamps that are not to the second, as ``milestone:precision:method``.
"""

rollup = Table(
    "rollup",
    metadata,
    Column("per", Integer, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("grid", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("incidents", BigInteger, nullable=False),
    Column("few", LargeBinary, nullable=False),
    *(Column(f"clock_{i}", LargeBinary, nullable=False) for i in range(len(CLOCKS))),
)
"""What settled incidents add up to, by ten days, month and year of their start.

``per`` says by which of grid (1), kind (2) and source (4); the others are empty texts. ``few``
lists what each incident counts for while there are few; for many, there is one column a clock, in
the order of ``CLOCKS``, with the sums.
"""

sheet = Table(
    "sheet",
    metadata,
    Column("hour_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("begin_s", Integer, primary_key=True, autoincrement=False),
    Column("span_s", Integer, primary_key=True, autoincrement=False),
    Column("incidents", BigInteger, nullable=False),
    Column("lines", LargeBinary, nullable=False),
)
"""The settled incidents of each hour, 40 bytes each; of a long hour by the minute or second.

A row without lines was parted: they stand in the rows of narrower spans within its own.
"""

volume = Table(
    "volume",
    metadata,
    Column("day_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
"""The sheets of UTC days once more, a row a column of them; a day may be missing at any time."""

stratum = Table(
    "stratum",
    metadata,
    Column("cut", Integer, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("per", Integer, primary_key=True),
    Column("stratum", Integer, primary_key=True),
    Column("grid", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("incidents", BigInteger, nullable=False),
    Column("few", LargeBinary, nullable=False),
    *(Column(f"clock_{i}", LargeBinary, nullable=False) for i in range(len(CLOCKS))),
)
"""What settled incidents add up to where they are told apart by more than grid, kind and source:
``cut`` says by what, ``stratum`` which part. The rest is as in ``rollup``.

A row counts only while its span stands in ``stratified``.
"""

stratified = Table(
    "stratified",
    metadata,
    Column("cut", Integer, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("told_by", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""The spans whose rows in ``stratum`` are right, and what they were told apart by, such as when
shifts begin; a span may be missing at any time."""

slot = Table(
    "slot",
    metadata,
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("grid", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
)
"""What the lines of a sheet call a combination of grid, kind and source. A reference table."""

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
    Column("ordinal", BigInteger),
    Column("occasion_ms", BigInteger),
    Column("ended", Boolean),
    Index("quarantine_by_receipt", "received_ms"),
)
"""Records that made no sense, with where they were, why, and their bytes."""

alarm = Table(
    "alarm",
    metadata,
    Column("source", String, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("first_ms", BigInteger, nullable=False),
    Index("alarm_by_episode", "source", "device", "first_ms"),
    sqlite_with_rowid=False,
)
"""One row a moment at which a device raised the alarm; ``first_ms`` names its episode."""

device = Table(
    "device",
    metadata,
    Column("source", String, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("first_seen_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),
    Column("rhythm_ms", BigInteger),
    Column("conditions", Text, nullable=False),
    Column("measured", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What each device's signals add up to: ``conditions`` and ``measured`` are JSON objects."""

signal = Table(
    "signal",
    metadata,
    Column("source", String, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("signal_id", LargeBinary(16), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("begun", Text, nullable=False),
    Column("ended", Text, nullable=False),
    Column("measured", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("context_id", LargeBinary(16), nullable=False),
    Index("signal_by_receipt", "recorded_ms"),
)
"""One row a signal that says more than that its device is there, as received. Append-only."""

remark = Table(
    "remark",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("remark_id", LargeBinary(16), primary_key=True),
    Column("source", String, nullable=False),
    Column("act", String(16), nullable=False),
    Column("person", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Index("remark_by_time", "at_ms"),
    Index("remark_by_act", "act", "at_ms"),
)
"""One row a thing that a person said about an incident or a shift. Append-only, in no figure.

``subject`` is an incident's id, or ``shift/`` and when the shift began.
"""

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

arrival = Table(
    "arrival",
    metadata,
    Column("source", String, primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True),
    Column("records", BigInteger, nullable=False),
    Column("occasions", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How much each source delivered about each hour, by the records' own time where they have one.

``occasions`` counts the minutes in which that was: ten records of one moment are one occasion.
"""

delay = Table(
    "delay",
    metadata,
    Column("source", String, primary_key=True),
    Column("samples", Text, nullable=False),
)
"""How long a source's latest records took to reach us: a short list, as JSON, one row a source."""

unmapped = Table(
    "unmapped",
    metadata,
    Column("source", String, primary_key=True),
    Column("column_name", String, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("records", BigInteger, nullable=False),
    Column("last_recorded_ms", BigInteger, nullable=False),
)
"""The codes that no mapping names, with how many records had them."""

frozen = Table(
    "frozen",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("frozen_ms", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""One row a frozen month (``2026-10``), never changed: ``content`` is compressed JSON, and
``hash`` the SHA-256 of that JSON.
"""

heard = Table(
    "heard",
    metadata,
    Column("source", String, primary_key=True),
    Column("up_since_ms", BigInteger),
    Column("success_ms", BigInteger),
    Column("down_since_ms", BigInteger),
    Column("problem", Text),
    Column("last_problem", Text),
    Column("problem_ms", BigInteger),
)
"""How asking or hearing each source goes, as the process that takes it in said last."""

canary = Table(
    "canary",
    metadata,
    Column("source", String, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("took_ms", Float, nullable=False),
    Column("problem", Text),
    Column("was_sent", Boolean, nullable=False),
)
"""What became of the last canary of each source."""

lease = Table(
    "lease",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
"""Who alone does what: takes a source in, looks after the store, is a worker of this name.

``token`` grows each time it goes to somebody else; ``holder`` is empty when it was let go.
"""

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts about the store itself, such as the rules its rollups were made with."""

MONTHLY = {"report": "recorded_ms", "signal": "recorded_ms"}
"""The tables that only grow, and what they are cut by, month by month, where a database can."""


def on_postgresql() -> MetaData:
    """The same tables as PostgreSQL keeps them.

    Texts are sorted by code point, as Python and SQLite do. What only grows is cut by month, and
    PostgreSQL wants the month's column in the primary key; it is unique without it all the same,
    see :mod:`pipelines.store.backends.postgresql`.
    """
    copies = MetaData()
    for table in metadata.tables.values():
        cut_by = MONTHLY.get(table.name)
        copy = table.to_metadata(copies)
        for column in copy.c:
            if isinstance(column.type, String):
                column.type = column.type.copy()
                column.type.collation = "C"
        if cut_by is not None:
            keys = [column.name for column in table.primary_key]
            copy.c[cut_by].primary_key = True
            copy.append_constraint(PrimaryKeyConstraint(*(copy.c[key] for key in (*keys, cut_by))))
            copy.dialect_options["postgresql"]["partition_by"] = f"RANGE ({cut_by})"
    return copies
