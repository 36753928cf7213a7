CREATE TABLE IF NOT EXISTS manifests (
    digest TEXT PRIMARY KEY,
    query_id TEXT NOT NULL,
    nonce TEXT NOT NULL UNIQUE,
    plan_id TEXT NOT NULL,
    preset TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    reserved_at TEXT NOT NULL,
    reply BLOB,
    acknowledged INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS manifests_by_snapshot ON manifests (snapshot, plan_id);
CREATE TABLE IF NOT EXISTS lookups_seen (
    lookup_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (lookup_id, sender)
)
