-- Lookups that wait for one of our own officers, each once however often it is asked. Whom they seek goes with the row.
CREATE TABLE IF NOT EXISTS held_lookups (
    question TEXT PRIMARY KEY,
    held_id TEXT NOT NULL UNIQUE,
    sender TEXT NOT NULL,
    request BLOB NOT NULL,
    held_at TEXT NOT NULL,
    decided_at TEXT NOT NULL DEFAULT '',
    decided_by TEXT NOT NULL DEFAULT '',
    answered INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    withheld TEXT NOT NULL DEFAULT ''
);
-- Emergencies by day: of another authority here, and of our own elsewhere.
CREATE TABLE IF NOT EXISTS emergencies (
    authority TEXT NOT NULL,
    day TEXT NOT NULL,
    made INTEGER NOT NULL,
    PRIMARY KEY (authority, day)
);
-- Emergency requests that wait some minutes for their passkey, as the exact bytes that it signs.
CREATE TABLE IF NOT EXISTS emergency_drafts (
    draft_id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    request BLOB NOT NULL,
    made_at TEXT NOT NULL
);
-- How often another authority sought one child here, by day.
CREATE TABLE IF NOT EXISTS searches (
    authority TEXT NOT NULL,
    day TEXT NOT NULL,
    searches INTEGER NOT NULL,
    PRIMARY KEY (authority, day)
);
-- How often one of our own people looked something up, by hour.
CREATE TABLE IF NOT EXISTS looked_up (
    person TEXT NOT NULL,
    hour TEXT NOT NULL,
    lookups INTEGER NOT NULL,
    PRIMARY KEY (person, hour)
);
-- What our own officers have to look at: each notice until it has been reviewed, and for as long as the log after that.
CREATE TABLE IF NOT EXISTS notices (
    notice_id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    authority TEXT NOT NULL,
    text TEXT NOT NULL,
    reviewed_at TEXT NOT NULL DEFAULT '',
    reviewed_by TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT ''
);
-- Proofs that came with other nodes' answers to us: that their logs have an entry of each.
CREATE TABLE IF NOT EXISTS lookup_proofs (
    lookup_id TEXT NOT NULL,
    authority TEXT NOT NULL,
    proof TEXT NOT NULL,
    kept_at TEXT NOT NULL,
    PRIMARY KEY (lookup_id, authority)
);
-- Our children whom we named to somebody: a draft until it is signed, and then as signed. One that was revoked stays, and
-- gives nothing. `told` is what the receiving node has heard last: given, revoked, or what it said against either.
CREATE TABLE IF NOT EXISTS delegations (
    delegation_id TEXT PRIMARY KEY,
    authority TEXT NOT NULL,
    envelope BLOB NOT NULL,
    given_at TEXT NOT NULL,
    signed INTEGER NOT NULL DEFAULT 0,
    revoked_at TEXT NOT NULL DEFAULT '',
    revoked_by TEXT NOT NULL DEFAULT '',
    told TEXT NOT NULL DEFAULT ''
);
-- Children of others whom their homes named to our people, as the homes told us.
CREATE TABLE IF NOT EXISTS delegations_come (
    sender TEXT NOT NULL,
    delegation_id TEXT NOT NULL,
    envelope BLOB NOT NULL,
    come_at TEXT NOT NULL,
    revoked_at TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (sender, delegation_id)
);
-- Records of ours that are offered to another authority, each with its pack until it is over.
CREATE TABLE IF NOT EXISTS handovers_given (
    handover_id TEXT PRIMARY KEY,
    child TEXT NOT NULL,
    offer BLOB NOT NULL,
    pack BLOB,
    state TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    changed_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
-- Records that another authority offers us. Of an accepted one a copy is kept for a while, to be read.
CREATE TABLE IF NOT EXISTS handovers_come (
    handover_id TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    offer BLOB NOT NULL,
    pack BLOB,
    state TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    changed_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '',
    child TEXT NOT NULL DEFAULT '',
    told INTEGER NOT NULL DEFAULT 0
)
