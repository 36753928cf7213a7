-- What a party keeps as a witness of others' logs, and of its own log's witnesses.

-- The last checkpoint of each log that this party has cosigned, with its cosignature: kept before it leaves.
CREATE TABLE IF NOT EXISTS audit_witnessed (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    note BLOB NOT NULL,
    cosignature BLOB NOT NULL
);

-- Two notes of one log, of which the second was not signed.
CREATE TABLE IF NOT EXISTS audit_evidence (
    origin TEXT NOT NULL,
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    kept BLOB NOT NULL,
    offered BLOB NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (origin, digest)
);

-- Checkpoints of the party's own log that were offered to witnesses, with the cosignatures that came back.
CREATE TABLE IF NOT EXISTS audit_cosigned (
    size INTEGER PRIMARY KEY,
    note BLOB NOT NULL,
    cosignatures INTEGER NOT NULL,
    offered_at TEXT NOT NULL
)
