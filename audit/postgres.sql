-- The tables of an audit log in PostgreSQL. As in schema.sql, they live beside what the log records.

-- Reads what an entry says of itself out of its body, for the columns by which entries are searched.
CREATE FUNCTION audit_member(body BYTEA, name TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT
RETURN convert_from(body, 'UTF8')::json ->> name;

-- Who the log is, and how many entries it has: the one row that is ever updated.
CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    origin TEXT NOT NULL,
    size BIGINT NOT NULL CHECK (size >= 0)
);

-- The signed note for every size at which an append ended.
CREATE TABLE audit_checkpoints (
    size BIGINT PRIMARY KEY,
    note BYTEA NOT NULL
);

-- The entries. hashes holds the leaf hash and those of the subtrees that the entry finishes, 32 bytes each. A body that
-- was deleted when its time was over has audit/deletions.py's mark in its place, and no salt.
CREATE TABLE audit_entries (
    idx BIGINT PRIMARY KEY CHECK (idx >= 0),
    salt BYTEA NOT NULL CHECK (length(salt) = 16),
    hashes BYTEA NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0),
    body BYTEA NOT NULL,
    at TEXT GENERATED ALWAYS AS (audit_member(body, 'at')) STORED,
    action TEXT GENERATED ALWAYS AS (audit_member(body, 'action')) STORED,
    actor TEXT GENERATED ALWAYS AS (audit_member(body, 'actor')) STORED,
    subject TEXT GENERATED ALWAYS AS (audit_member(body, 'subject')) STORED,
    reference TEXT GENERATED ALWAYS AS (audit_member(body, 'reference')) STORED
);

CREATE INDEX audit_entries_by_actor ON audit_entries (actor);
CREATE INDEX audit_entries_by_subject ON audit_entries (subject);
CREATE INDEX audit_entries_by_reference ON audit_entries (reference);
CREATE INDEX audit_entries_by_at ON audit_entries (at);
CREATE INDEX audit_entries_by_action ON audit_entries (action);
