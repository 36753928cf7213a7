-- Every change of every child's tracking record. Entries stay, and none is changed. A child is known here by the row
-- token of the snapshots, whose meaning is in the vault alone.
CREATE TABLE IF NOT EXISTS tracking_entries (
    child TEXT NOT NULL,
    version INTEGER NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    role TEXT NOT NULL,
    reason TEXT NOT NULL,
    kind TEXT NOT NULL,
    fact TEXT NOT NULL,
    PRIMARY KEY (child, version)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tracking_entries_by_time ON tracking_entries (at);
-- When each of the node's people last looked at what had changed, and since when they were told of changes then.
CREATE TABLE IF NOT EXISTS tracking_sittings (
    person TEXT PRIMARY KEY,
    looked_at TEXT NOT NULL,
    told_since TEXT NOT NULL
);
-- Which snapshot they saw then, and beside which one its children were told of.
CREATE TABLE IF NOT EXISTS tracking_seen (
    person TEXT PRIMARY KEY,
    snapshot TEXT NOT NULL,
    told_beside TEXT NOT NULL
);
-- Of an entry that another authority handed over: which one, and when it was set down there.
CREATE TABLE IF NOT EXISTS tracking_told (
    child TEXT NOT NULL,
    version INTEGER NOT NULL,
    told_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    PRIMARY KEY (child, version)
) WITHOUT ROWID;
-- Children who came into our care after the last load, as our own people entered them: each until a load has them.
CREATE TABLE IF NOT EXISTS tracking_newcomers (
    child TEXT PRIMARY KEY,
    entered_at TEXT NOT NULL,
    entered_by TEXT NOT NULL,
    newcomer BLOB NOT NULL
);
-- Files that somebody has sent in, for half an hour.
CREATE TABLE IF NOT EXISTS tracking_uploads (
    upload_id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    kept_at TEXT NOT NULL,
    files BLOB NOT NULL
)
