CREATE TABLE IF NOT EXISTS alarm (
    source VARCHAR COLLATE "C" NOT NULL,
    device TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    PRIMARY KEY (source, device, at_ms)
);
CREATE INDEX IF NOT EXISTS alarm_by_episode ON alarm (source, device, first_ms);
CREATE TABLE IF NOT EXISTS arrival (
    source VARCHAR COLLATE "C" NOT NULL,
    hour_ms BIGINT NOT NULL,
    records BIGINT NOT NULL,
    occasions BIGINT NOT NULL,
    PRIMARY KEY (source, hour_ms)
);
CREATE TABLE IF NOT EXISTS context (
    context_id BYTEA NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (context_id)
);
CREATE TABLE IF NOT EXISTS delay (
    source VARCHAR COLLATE "C" NOT NULL,
    samples TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (source)
);
CREATE TABLE IF NOT EXISTS device (
    source VARCHAR COLLATE "C" NOT NULL,
    device TEXT COLLATE "C" NOT NULL,
    first_seen_ms BIGINT NOT NULL,
    last_seen_ms BIGINT NOT NULL,
    rhythm_ms BIGINT,
    conditions TEXT COLLATE "C" NOT NULL,
    measured TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (source, device)
);
CREATE TABLE IF NOT EXISTS frozen (
    month VARCHAR(7) COLLATE "C" NOT NULL,
    frozen_ms BIGINT NOT NULL,
    hash VARCHAR(64) COLLATE "C" NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (month)
);
CREATE TABLE IF NOT EXISTS incident (
    id VARCHAR(32) COLLATE "C" NOT NULL,
    source VARCHAR COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C",
    kind_at_dispatch TEXT COLLATE "C",
    severity INTEGER,
    excluded TEXT COLLATE "C",
    grid TEXT COLLATE "C" NOT NULL,
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
    coarse TEXT COLLATE "C",
    lat FLOAT,
    lon FLOAT,
    address TEXT COLLATE "C",
    title TEXT COLLATE "C",
    units INTEGER NOT NULL,
    flagged INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS incident_by_closing ON incident (closed_ms);
CREATE INDEX IF NOT EXISTS incident_by_settling ON incident (unsettled_bits, t0_ms);
CREATE INDEX IF NOT EXISTS incident_by_start ON incident (t0_ms);
CREATE TABLE IF NOT EXISTS lease (
    name VARCHAR COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    token BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE IF NOT EXISTS meta (
    key VARCHAR COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (key)
);
CREATE TABLE IF NOT EXISTS position (
    source VARCHAR COLLATE "C" NOT NULL,
    part TEXT COLLATE "C" NOT NULL,
    position TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (source, part)
);
CREATE TABLE IF NOT EXISTS quarantine (
    source VARCHAR COLLATE "C" NOT NULL,
    content BYTEA NOT NULL,
    received_ms BIGINT NOT NULL,
    part TEXT COLLATE "C" NOT NULL,
    line BIGINT NOT NULL,
    column_name TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    raw BYTEA NOT NULL,
    context_id BYTEA NOT NULL,
    ordinal BIGINT,
    occasion_ms BIGINT,
    ended BOOLEAN,
    PRIMARY KEY (source, content)
);
CREATE INDEX IF NOT EXISTS quarantine_by_receipt ON quarantine (received_ms);
CREATE TABLE IF NOT EXISTS report (
    incident_id VARCHAR(32) COLLATE "C" NOT NULL,
    report_id BYTEA NOT NULL,
    source VARCHAR COLLATE "C" NOT NULL,
    incident_key TEXT COLLATE "C" NOT NULL,
    record_id TEXT COLLATE "C" NOT NULL,
    recorded_ms BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    part TEXT COLLATE "C" NOT NULL,
    line BIGINT NOT NULL,
    raw BYTEA NOT NULL,
    context_id BYTEA NOT NULL,
    unit TEXT COLLATE "C",
    qualifies BOOLEAN NOT NULL,
    kind TEXT COLLATE "C",
    severity INTEGER,
    excluded TEXT COLLATE "C",
    lat FLOAT,
    lon FLOAT,
    address TEXT COLLATE "C",
    own_grid TEXT COLLATE "C",
    title TEXT COLLATE "C",
    flags TEXT COLLATE "C",
    about VARCHAR COLLATE "C",
    device TEXT COLLATE "C",
    alarm_ms BIGINT,
    facts TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (incident_id, report_id, recorded_ms)
)
 PARTITION BY RANGE (recorded_ms);
CREATE INDEX IF NOT EXISTS report_by_receipt ON report (recorded_ms);
CREATE TABLE IF NOT EXISTS rollup (
    per INTEGER NOT NULL,
    level INTEGER NOT NULL,
    start_ms BIGINT NOT NULL,
    grid TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    incidents BIGINT NOT NULL,
    few BYTEA NOT NULL,
    clock_0 BYTEA NOT NULL,
    clock_1 BYTEA NOT NULL,
    clock_2 BYTEA NOT NULL,
    clock_3 BYTEA NOT NULL,
    clock_4 BYTEA NOT NULL,
    clock_5 BYTEA NOT NULL,
    clock_6 BYTEA NOT NULL,
    PRIMARY KEY (per, level, start_ms, grid, kind, source)
);
CREATE TABLE IF NOT EXISTS sheet (
    hour_ms BIGINT NOT NULL,
    lines BYTEA NOT NULL,
    PRIMARY KEY (hour_ms)
);
CREATE TABLE IF NOT EXISTS signal (
    source VARCHAR COLLATE "C" NOT NULL,
    device TEXT COLLATE "C" NOT NULL,
    signal_id BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    begun TEXT COLLATE "C" NOT NULL,
    ended TEXT COLLATE "C" NOT NULL,
    measured TEXT COLLATE "C" NOT NULL,
    raw BYTEA NOT NULL,
    context_id BYTEA NOT NULL,
    PRIMARY KEY (source, device, signal_id, recorded_ms)
)
 PARTITION BY RANGE (recorded_ms);
CREATE INDEX IF NOT EXISTS signal_by_receipt ON signal (recorded_ms);
CREATE TABLE IF NOT EXISTS slot (
    slot BIGINT NOT NULL,
    grid TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (slot)
);
CREATE TABLE IF NOT EXISTS source (
    source VARCHAR COLLATE "C" NOT NULL,
    reports BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    flagged BIGINT NOT NULL,
    last_recorded_ms BIGINT,
    last_stamp_ms BIGINT,
    PRIMARY KEY (source)
);
CREATE TABLE IF NOT EXISTS unmapped (
    source VARCHAR COLLATE "C" NOT NULL,
    column_name VARCHAR COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    records BIGINT NOT NULL,
    last_recorded_ms BIGINT NOT NULL,
    PRIMARY KEY (source, column_name, value)
);
CREATE OR REPLACE VIEW fact AS
SELECT incident_id, report_id, (said ->> 0)::varchar(12) AS milestone,
       (said ->> 1)::bigint AS at_ms, (said ->> 2)::integer AS precision_s,
       (said ->> 3)::varchar(12) AS method
FROM report, json_array_elements(report.facts::json) AS said;
