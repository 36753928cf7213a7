CREATE TABLE IF NOT EXISTS projects (
    project TEXT PRIMARY KEY,
    document BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS queries (
    query_id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    project TEXT NOT NULL REFERENCES projects,
    asker TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    cells INTEGER NOT NULL,
    roster_size INTEGER NOT NULL,
    drafted_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    envelope BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS queries_by_state ON queries (state, expires_at);
CREATE INDEX IF NOT EXISTS queries_by_age ON queries (drafted_at DESC, query_id);
CREATE TABLE IF NOT EXISTS replies (
    digest TEXT NOT NULL REFERENCES queries (digest),
    node TEXT NOT NULL,
    authority TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    text TEXT NOT NULL,
    received_at TEXT NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (digest, node)
);
CREATE TABLE IF NOT EXISTS held_at_nodes (
    digest TEXT NOT NULL REFERENCES queries (digest),
    node TEXT NOT NULL,
    authority TEXT NOT NULL,
    text TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (digest, node)
);
CREATE TABLE IF NOT EXISTS releases (
    query_id TEXT PRIMARY KEY REFERENCES queries,
    release_id TEXT NOT NULL UNIQUE,
    document BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS cell_key_answers (
    node TEXT NOT NULL,
    subject TEXT NOT NULL,
    academic_year TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    term TEXT NOT NULL,
    scope TEXT NOT NULL,
    answers INTEGER NOT NULL,
    PRIMARY KEY (node, subject, academic_year, plan_id, term, scope)
);
CREATE TABLE IF NOT EXISTS checks (
    query_id TEXT PRIMARY KEY REFERENCES queries,
    words TEXT NOT NULL,
    told TEXT NOT NULL,
    beside TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS held_totals (
    query_id TEXT PRIMARY KEY REFERENCES queries,
    document BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS sightings (
    node TEXT PRIMARY KEY,
    seen_at TEXT NOT NULL,
    version TEXT NOT NULL,
    register TEXT NOT NULL,
    snapshot TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS announced_snapshots (
    node TEXT PRIMARY KEY,
    snapshot TEXT NOT NULL,
    since TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS endings (
    query_id TEXT PRIMARY KEY REFERENCES queries,
    member TEXT NOT NULL,
    reason TEXT NOT NULL,
    ended_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id INTEGER PRIMARY KEY AUTOINCREMENT,
    receiver TEXT NOT NULL,
    kind TEXT NOT NULL,
    lookup_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_by_receiver ON deliveries (receiver, delivery_id, expires_at);
CREATE INDEX IF NOT EXISTS deliveries_by_expiry ON deliveries (expires_at);
CREATE INDEX IF NOT EXISTS deliveries_by_lookup ON deliveries (lookup_id);
CREATE TABLE IF NOT EXISTS lookups (
    lookup_id TEXT PRIMARY KEY,
    asker TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS lookup_answers (
    lookup_id TEXT NOT NULL REFERENCES lookups ON DELETE CASCADE,
    node TEXT NOT NULL,
    number INTEGER,
    pages BLOB,
    PRIMARY KEY (lookup_id, node)
);
CREATE TABLE IF NOT EXISTS sealing_keys (
    member TEXT PRIMARY KEY,
    valid_to TEXT NOT NULL,
    envelope BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS budget_statements (
    node TEXT PRIMARY KEY,
    stated_at TEXT NOT NULL,
    envelope BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS budget_reservations (
    digest TEXT PRIMARY KEY REFERENCES queries (digest),
    reserved_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS budget_reservations_by_age ON budget_reservations (reserved_at);
CREATE TABLE IF NOT EXISTS sign_in_codes (
    code_hash TEXT PRIMARY KEY,
    member TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS begun_sessions (
    session TEXT PRIMARY KEY,
    over_at TEXT NOT NULL,
    member TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS ended_sessions (
    session TEXT PRIMARY KEY,
    over_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS refused_pages (
    day TEXT NOT NULL,
    member TEXT NOT NULL,
    page TEXT NOT NULL,
    PRIMARY KEY (day, member, page)
);
CREATE TABLE IF NOT EXISTS templates (
    digest TEXT PRIMARY KEY,
    template_id TEXT NOT NULL,
    envelope BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS template_runs (
    query_id TEXT PRIMARY KEY,
    template TEXT NOT NULL,
    choices TEXT NOT NULL,
    term TEXT NOT NULL,
    recurring INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS template_runs_once ON template_runs (template, choices, term) WHERE recurring = 1;
CREATE INDEX IF NOT EXISTS template_runs_by_template ON template_runs (template, choices, term);
CREATE TABLE IF NOT EXISTS sum_prekeys (
    epoch TEXT NOT NULL,
    node TEXT NOT NULL,
    received_at TEXT NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (epoch, node)
);
CREATE TABLE IF NOT EXISTS sum_prekeys_asked (
    epoch TEXT NOT NULL,
    node TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    PRIMARY KEY (epoch, node)
);
CREATE TABLE IF NOT EXISTS sum_pairings (
    epoch TEXT NOT NULL,
    sender TEXT NOT NULL,
    receiver TEXT NOT NULL,
    offered INTEGER NOT NULL DEFAULT 0,
    envelope BLOB NOT NULL,
    PRIMARY KEY (epoch, receiver, sender)
);
CREATE INDEX IF NOT EXISTS sum_pairings_waiting ON sum_pairings (epoch) WHERE offered = 0;
CREATE TABLE IF NOT EXISTS sum_rosters (
    roster TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    name TEXT NOT NULL,
    turn INTEGER NOT NULL,
    formed_at TEXT NOT NULL,
    document BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS sum_slots (
    roster TEXT NOT NULL REFERENCES sum_rosters ON DELETE CASCADE,
    slot INTEGER NOT NULL,
    state TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (roster, slot)
);
CREATE TABLE IF NOT EXISTS sum_dealings (
    roster TEXT NOT NULL,
    slot INTEGER NOT NULL,
    dealer TEXT NOT NULL,
    bundle BLOB NOT NULL,
    PRIMARY KEY (roster, slot, dealer),
    FOREIGN KEY (roster, slot) REFERENCES sum_slots ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS sum_silences (
    epoch TEXT NOT NULL,
    node TEXT NOT NULL,
    PRIMARY KEY (epoch, node)
);
CREATE TABLE IF NOT EXISTS sum_complaints (
    epoch TEXT NOT NULL,
    node TEXT NOT NULL,
    about TEXT NOT NULL,
    PRIMARY KEY (epoch, node, about)
);
CREATE TABLE IF NOT EXISTS sum_attempts (
    digest TEXT NOT NULL REFERENCES queries (digest),
    number INTEGER NOT NULL,
    roster TEXT NOT NULL,
    slot INTEGER NOT NULL,
    state TEXT NOT NULL,
    started_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    attempt BLOB NOT NULL,
    survivors BLOB,
    PRIMARY KEY (digest, number)
);
CREATE TABLE IF NOT EXISTS sum_arrivals (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL,
    number INTEGER NOT NULL,
    node TEXT NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (digest, number, node, kind)
);
CREATE TABLE IF NOT EXISTS sum_certificates (
    term TEXT PRIMARY KEY,
    document BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS witnessing (
    origin TEXT NOT NULL,
    witness TEXT NOT NULL,
    size INTEGER NOT NULL DEFAULT 0,
    cosignature TEXT NOT NULL DEFAULT '',
    offer TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (origin, witness)
)
