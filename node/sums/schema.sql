-- Secrets of an epoch: prekey, roots of pairs, own slots, shares of others' slots. They go when it is over.
CREATE TABLE IF NOT EXISTS sum_own_prekeys (
    epoch TEXT PRIMARY KEY,
    document BLOB NOT NULL,
    x25519_seed BLOB NOT NULL,
    ml_kem_seed BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS sum_prekeys (
    epoch TEXT NOT NULL,
    node TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (epoch, node)
);
CREATE TABLE IF NOT EXISTS sum_roots (
    epoch TEXT NOT NULL,
    peer TEXT NOT NULL,
    root BLOB NOT NULL,
    pairing BLOB,
    PRIMARY KEY (epoch, peer)
);
CREATE TABLE IF NOT EXISTS sum_rosters (
    digest TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    document BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS sum_own_slots (
    roster_digest TEXT NOT NULL,
    slot INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seed BLOB,
    slot_keys BLOB,
    bundle BLOB NOT NULL,
    PRIMARY KEY (roster_digest, slot)
);
CREATE INDEX IF NOT EXISTS sum_own_slots_by_epoch ON sum_own_slots (epoch);
CREATE TABLE IF NOT EXISTS sum_parcels (
    roster_digest TEXT NOT NULL,
    slot INTEGER NOT NULL,
    dealer TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seed_share BLOB NOT NULL,
    unlock_share BLOB NOT NULL,
    PRIMARY KEY (roster_digest, slot, dealer)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sum_parcels_by_epoch ON sum_parcels (epoch);
CREATE TABLE IF NOT EXISTS sum_figures (
    manifest_digest TEXT PRIMARY KEY,
    expires_at TEXT NOT NULL,
    noised BLOB NOT NULL
);
-- Records: what was used, signed, revealed and given up. They stay.
CREATE TABLE IF NOT EXISTS sum_slots_used (
    roster_digest TEXT NOT NULL,
    slot INTEGER NOT NULL,
    manifest_digest TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (roster_digest, slot),
    UNIQUE (manifest_digest, attempt)
);
CREATE TABLE IF NOT EXISTS sum_attempts (
    manifest_digest TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    query BLOB NOT NULL,
    snapshot TEXT NOT NULL DEFAULT '',
    contribution BLOB,
    masked BLOB,
    consent BLOB,
    PRIMARY KEY (manifest_digest, attempt)
);
CREATE TABLE IF NOT EXISTS sum_survivors (
    manifest_digest TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    survivors_digest TEXT NOT NULL,
    PRIMARY KEY (manifest_digest, attempt)
);
CREATE TABLE IF NOT EXISTS sum_aborts (
    manifest_digest TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (manifest_digest, attempt)
);
CREATE TABLE IF NOT EXISTS sum_reveals (
    manifest_digest TEXT PRIMARY KEY,
    claim BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS sum_shares_given (
    roster_digest TEXT NOT NULL,
    slot INTEGER NOT NULL,
    dealer TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (roster_digest, slot, dealer)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sum_exact_locks (
    term TEXT PRIMARY KEY,
    document BLOB NOT NULL
);
-- Which path each question took, by what it measures, and what sums have cost.
CREATE TABLE IF NOT EXISTS paths_taken (
    measure TEXT NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (measure, path, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums_asked (
    digest TEXT PRIMARY KEY,
    template TEXT NOT NULL,
    academic_year TEXT NOT NULL,
    epsilon TEXT NOT NULL
)
