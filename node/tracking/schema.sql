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
-- When each of the node's people last looked at what had changed.
CREATE TABLE IF NOT EXISTS tracking_looks (
    person TEXT PRIMARY KEY,
    looked_at TEXT NOT NULL
)
