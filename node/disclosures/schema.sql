-- Requests of subjects that wait some minutes for the officer's signature: the mandate, and whose record it is to be.
CREATE TABLE IF NOT EXISTS subject_drafts (
    draft_id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    mandate BLOB NOT NULL,
    child BLOB NOT NULL,
    made_at TEXT NOT NULL
);
-- Records of disclosures that were gathered, until they have been reviewed and given out, and for three months at most.
CREATE TABLE IF NOT EXISTS subject_records (
    record_id TEXT PRIMARY KEY,
    made_at TEXT NOT NULL,
    record BLOB NOT NULL
)
