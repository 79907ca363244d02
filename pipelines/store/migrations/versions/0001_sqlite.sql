CREATE TABLE IF NOT EXISTS alarm (
    source VARCHAR NOT NULL,
    device TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    PRIMARY KEY (source, device, at_ms)
)
 WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alarm_by_episode ON alarm (source, device, first_ms);
CREATE TABLE IF NOT EXISTS arrival (
    source VARCHAR NOT NULL,
    hour_ms BIGINT NOT NULL,
    records BIGINT NOT NULL,
    occasions BIGINT NOT NULL,
    PRIMARY KEY (source, hour_ms)
)
 WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS context (
    context_id BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (context_id)
);
CREATE TABLE IF NOT EXISTS delay (
    source VARCHAR NOT NULL,
    samples TEXT NOT NULL,
    PRIMARY KEY (source)
);
CREATE TABLE IF NOT EXISTS device (
    source VARCHAR NOT NULL,
    device TEXT NOT NULL,
    first_seen_ms BIGINT NOT NULL,
    last_seen_ms BIGINT NOT NULL,
    rhythm_ms BIGINT,
    conditions TEXT NOT NULL,
    measured TEXT NOT NULL,
    PRIMARY KEY (source, device)
)
 WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS frozen (
    month VARCHAR(7) NOT NULL,
    frozen_ms BIGINT NOT NULL,
    hash VARCHAR(64) NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (month)
);
CREATE TABLE IF NOT EXISTS incident (
    id VARCHAR(32) NOT NULL,
    source VARCHAR NOT NULL,
    "key" TEXT NOT NULL,
    kind TEXT,
    kind_at_dispatch TEXT,
    severity INTEGER,
    excluded TEXT,
    grid TEXT NOT NULL,
    t0_ms BIGINT NOT NULL,
    reported_ms BIGINT,
    received_ms BIGINT NOT NULL,
    accepted_ms BIGINT,
    dispatched_ms BIGINT,
    en_route_ms BIGINT,
    arrived_ms BIGINT,
    resolved_ms BIGINT,
    cancelled_ms BIGINT,
    closed_ms BIGINT,
    settles_ms BIGINT NOT NULL,
    unsettled_bits INTEGER NOT NULL,
    coarse TEXT,
    lat FLOAT,
    lon FLOAT,
    address TEXT,
    title TEXT,
    units INTEGER NOT NULL,
    flagged INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS incident_by_closing ON incident (closed_ms);
CREATE INDEX IF NOT EXISTS incident_by_settling ON incident (unsettled_bits, t0_ms);
CREATE INDEX IF NOT EXISTS incident_by_start ON incident (t0_ms);
CREATE TABLE IF NOT EXISTS lease (
    name VARCHAR NOT NULL,
    holder TEXT NOT NULL,
    token BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE IF NOT EXISTS meta (
    "key" VARCHAR NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY ("key")
);
CREATE TABLE IF NOT EXISTS position (
    source VARCHAR NOT NULL,
    part TEXT NOT NULL,
    position TEXT NOT NULL,
    PRIMARY KEY (source, part)
);
CREATE TABLE IF NOT EXISTS quarantine (
    source VARCHAR NOT NULL,
    content BLOB NOT NULL,
    received_ms BIGINT NOT NULL,
    part TEXT NOT NULL,
    line BIGINT NOT NULL,
    column_name TEXT NOT NULL,
    value TEXT NOT NULL,
    rule TEXT NOT NULL,
    raw BLOB NOT NULL,
    context_id BLOB NOT NULL,
    ordinal BIGINT,
    occasion_ms BIGINT,
    ended BOOLEAN,
    PRIMARY KEY (source, content)
);
CREATE INDEX IF NOT EXISTS quarantine_by_receipt ON quarantine (received_ms);
CREATE TABLE IF NOT EXISTS report (
    incident_id VARCHAR(32) NOT NULL,
    report_id BLOB NOT NULL,
    source VARCHAR NOT NULL,
    incident_key TEXT NOT NULL,
    record_id TEXT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    part TEXT NOT NULL,
    line BIGINT NOT NULL,
    raw BLOB NOT NULL,
    context_id BLOB NOT NULL,
    unit TEXT,
    qualifies BOOLEAN NOT NULL,
    kind TEXT,
    severity INTEGER,
    excluded TEXT,
    lat FLOAT,
    lon FLOAT,
    address TEXT,
    own_grid TEXT,
    title TEXT,
    flags TEXT,
    about VARCHAR,
    device TEXT,
    alarm_ms BIGINT,
    facts TEXT NOT NULL,
    PRIMARY KEY (incident_id, report_id)
);
CREATE INDEX IF NOT EXISTS report_by_receipt ON report (recorded_ms);
CREATE TABLE IF NOT EXISTS rollup (
    per INTEGER NOT NULL,
    level INTEGER NOT NULL,
    start_ms BIGINT NOT NULL,
    grid TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    incidents BIGINT NOT NULL,
    few BLOB NOT NULL,
    clock_0 BLOB NOT NULL,
    clock_1 BLOB NOT NULL,
    clock_2 BLOB NOT NULL,
    clock_3 BLOB NOT NULL,
    clock_4 BLOB NOT NULL,
    clock_5 BLOB NOT NULL,
    clock_6 BLOB NOT NULL,
    PRIMARY KEY (per, level, start_ms, grid, kind, source)
)
 WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sheet (
    hour_ms BIGINT NOT NULL,
    lines BLOB NOT NULL,
    PRIMARY KEY (hour_ms)
);
CREATE TABLE IF NOT EXISTS signal (
    source VARCHAR NOT NULL,
    device TEXT NOT NULL,
    signal_id BLOB NOT NULL,
    at_ms BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    begun TEXT NOT NULL,
    ended TEXT NOT NULL,
    measured TEXT NOT NULL,
    raw BLOB NOT NULL,
    context_id BLOB NOT NULL,
    PRIMARY KEY (source, device, signal_id)
);
CREATE INDEX IF NOT EXISTS signal_by_receipt ON signal (recorded_ms);
CREATE TABLE IF NOT EXISTS slot (
    slot BIGINT NOT NULL,
    grid TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (slot)
);
CREATE TABLE IF NOT EXISTS source (
    source VARCHAR NOT NULL,
    reports BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    flagged BIGINT NOT NULL,
    last_recorded_ms BIGINT,
    last_stamp_ms BIGINT,
    PRIMARY KEY (source)
);
CREATE TABLE IF NOT EXISTS unmapped (
    source VARCHAR NOT NULL,
    column_name VARCHAR NOT NULL,
    value TEXT NOT NULL,
    records BIGINT NOT NULL,
    last_recorded_ms BIGINT NOT NULL,
    PRIMARY KEY (source, column_name, value)
);
CREATE VIEW IF NOT EXISTS fact AS
SELECT incident_id, report_id, said.value ->> 0 AS milestone, said.value ->> 1 AS at_ms,
       said.value ->> 2 AS precision_s, said.value ->> 3 AS method
FROM report, json_each(report.facts) AS said;
