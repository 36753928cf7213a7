CREATE TABLE IF NOT EXISTS manifests (
    digest TEXT PRIMARY KEY,
    query_id TEXT NOT NULL,
    nonce TEXT NOT NULL UNIQUE,
    plan_id TEXT NOT NULL,
    preset TEXT NOT NULL,
    subject TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    reserved_at TEXT NOT NULL,
    reply BLOB,
    acknowledged INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS rows_asked (
    digest TEXT PRIMARY KEY,
    sql TEXT NOT NULL,
    implied TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS manifests_by_subject ON manifests (subject, plan_id);
CREATE INDEX IF NOT EXISTS manifests_answered ON manifests (subject, snapshot, plan_id, reserved_at, digest)
    WHERE reply IS NOT NULL;
-- What each manifest cost each academic year that it touched, as exact fractions. Entries stay, and none is changed.
CREATE TABLE IF NOT EXISTS privacy_losses (
    digest TEXT NOT NULL,
    academic_year INTEGER NOT NULL,
    project TEXT NOT NULL,
    epsilon TEXT NOT NULL,
    rho TEXT NOT NULL,
    reserved_at TEXT NOT NULL,
    PRIMARY KEY (digest, academic_year)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS privacy_losses_by_age ON privacy_losses (reserved_at);
CREATE TABLE IF NOT EXISTS cell_key_answers (
    subject TEXT NOT NULL,
    academic_year TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    scope TEXT NOT NULL,
    answers INTEGER NOT NULL,
    PRIMARY KEY (subject, academic_year, plan_id, snapshot, scope)
);
CREATE TABLE IF NOT EXISTS unapproved (
    hour TEXT PRIMARY KEY,
    deliveries INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS lookups_seen (
    lookup_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (lookup_id, sender)
);
CREATE INDEX IF NOT EXISTS lookups_seen_by_age ON lookups_seen (seen_at);
CREATE TABLE IF NOT EXISTS sealed_answers (
    lookup_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    digest TEXT NOT NULL,
    pages BLOB NOT NULL,
    kept_at TEXT NOT NULL,
    PRIMARY KEY (lookup_id, sender, digest)
);
CREATE INDEX IF NOT EXISTS sealed_answers_by_age ON sealed_answers (kept_at);
CREATE TABLE IF NOT EXISTS sealing_keys (
    member TEXT PRIMARY KEY,
    envelope BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS claims_made (
    child TEXT NOT NULL,
    term TEXT NOT NULL,
    host TEXT NOT NULL,
    lookup_id TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (child, term)
);
CREATE TABLE IF NOT EXISTS claims_received (
    authority TEXT NOT NULL,
    day TEXT NOT NULL,
    about TEXT NOT NULL,
    claims INTEGER NOT NULL,
    matched INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (authority, day, about)
);
CREATE TABLE IF NOT EXISTS claims_matched (
    authority TEXT NOT NULL,
    about TEXT NOT NULL,
    child TEXT NOT NULL,
    day TEXT NOT NULL,
    PRIMARY KEY (authority, about, child)
);
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
-- The text of every access policy that was adopted, by the digest that its entry of the log has.
CREATE TABLE IF NOT EXISTS adopted_policies (
    digest TEXT PRIMARY KEY,
    text BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS refused_pages (
    day TEXT NOT NULL,
    member TEXT NOT NULL,
    page TEXT NOT NULL,
    PRIMARY KEY (day, member, page)
);
CREATE TABLE IF NOT EXISTS used_tickets (
    ticket TEXT PRIMARY KEY,
    expires_at TEXT NOT NULL
);
-- Passkeys of the authority's own people, by which they sign in at its pages.
CREATE TABLE IF NOT EXISTS passkeys (
    credential TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    handle TEXT NOT NULL,
    sign_count INTEGER NOT NULL,
    backup_eligible INTEGER NOT NULL,
    backed_up INTEGER NOT NULL,
    enrolled_at TEXT NOT NULL,
    used_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS passkeys_by_person ON passkeys (person);
