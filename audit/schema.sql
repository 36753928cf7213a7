-- The tables of an audit log. They live in the database of the party whose acts they record, so that an act and
-- its entry are kept or lost together.

-- Who the log is, and how many entries it has: the one row that is ever updated.
CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    origin TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size >= 0)
);

-- The signed note for every size at which an append ended.
CREATE TABLE audit_checkpoints (
    size INTEGER PRIMARY KEY,
    note BLOB NOT NULL
);

-- The entries. hashes holds the leaf hash and those of the subtrees that the entry finishes, 32 bytes each. The
-- columns for searching are read out of the body, so that they cannot say anything else than it. A body that was deleted
-- when its time was over has audit/deletions.py's mark in its place, and no salt.
CREATE TABLE audit_entries (
    idx INTEGER PRIMARY KEY CHECK (idx >= 0),
    salt BLOB NOT NULL CHECK (length(salt) = 16),
    hashes BLOB NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0),
    body BLOB NOT NULL,
    event TEXT AS (CASE WHEN json_valid(CAST(body AS TEXT)) THEN CAST(body AS TEXT) END),
    at TEXT AS (json_extract(event, '$.at')),
    action TEXT AS (json_extract(event, '$.action')),
    actor TEXT AS (json_extract(event, '$.actor')),
    subject TEXT AS (json_extract(event, '$.subject')),
    reference TEXT AS (json_extract(event, '$.reference'))
);

CREATE INDEX audit_entries_by_actor ON audit_entries (actor);
CREATE INDEX audit_entries_by_subject ON audit_entries (subject);
CREATE INDEX audit_entries_by_reference ON audit_entries (reference);
CREATE INDEX audit_entries_by_at ON audit_entries (at);
CREATE INDEX audit_entries_by_action ON audit_entries (action);
