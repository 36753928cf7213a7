-- Queries that came here with every approval, in their exact bytes, and why they were refused, if they were.
CREATE TABLE IF NOT EXISTS queries_come (
    digest TEXT PRIMARY KEY,
    query_id TEXT NOT NULL,
    came_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL DEFAULT '',
    envelope BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS queries_come_by_age ON queries_come (came_at);
CREATE INDEX IF NOT EXISTS queries_come_by_id ON queries_come (query_id);
-- Queries that our rules hold for one of our own officers, and what they decided, some before the query has come.
CREATE TABLE IF NOT EXISTS held_queries (
    digest TEXT PRIMARY KEY,
    query_id TEXT NOT NULL,
    path TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    held_at TEXT NOT NULL,
    decided_at TEXT NOT NULL DEFAULT '',
    decided_by TEXT NOT NULL DEFAULT '',
    let_through INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0
)
