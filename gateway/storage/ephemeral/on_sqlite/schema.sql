-- One table per kind. Times are seconds since the epoch; digests are SHA-256 in hexadecimal. A row whose end is at or
-- before the caller's clock does not exist; purge removes it later.

CREATE TABLE transactions (
    digest TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    expires_at REAL NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX transactions_by_end ON transactions (expires_at);

CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    last_used_at REAL NOT NULL,
    idle_seconds INTEGER NOT NULL,
    absolute_end REAL NOT NULL,
    ends_at REAL NOT NULL GENERATED ALWAYS AS (min(last_used_at + idle_seconds, absolute_end)) VIRTUAL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_end ON sessions (absolute_end);

CREATE TABLE codes (
    digest TEXT PRIMARY KEY,
    session_digest TEXT NOT NULL,
    spent INTEGER NOT NULL DEFAULT 0,
    grant_digest TEXT,
    kept_until REAL NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX codes_by_session ON codes (session_digest);
CREATE INDEX codes_by_end ON codes (kept_until);

CREATE TABLE grants (
    digest TEXT PRIMARY KEY,
    session_digest TEXT NOT NULL,
    expires_at REAL NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX grants_by_session ON grants (session_digest);
CREATE INDEX grants_by_end ON grants (expires_at);

-- The refresh tokens of a grant: the live one, and what is kept of the one before.
CREATE TABLE refreshes (
    grant_digest TEXT PRIMARY KEY REFERENCES grants (digest) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    digest TEXT NOT NULL,
    ends_at REAL NOT NULL,
    spent_digest TEXT,
    spent_at REAL,
    spent_by TEXT,
    spent_answer BLOB
) STRICT;

-- Access tokens that died before their time, by the digest of their jti.
CREATE TABLE silenced (
    digest TEXT PRIMARY KEY,
    ends_at REAL NOT NULL
) STRICT;
CREATE INDEX silenced_by_end ON silenced (ends_at);

CREATE TABLE pushed_requests (
    digest TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    expires_at REAL NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX pushed_requests_by_end ON pushed_requests (expires_at);

-- Assertions and DPoP proofs serve once: the digest names one's kind, holder and jti.
CREATE TABLE used_proofs (
    digest TEXT PRIMARY KEY,
    ends_at REAL NOT NULL
) STRICT;
CREATE INDEX used_proofs_by_end ON used_proofs (ends_at);

-- What an authenticator is asked to sign, once, and for what.
CREATE TABLE passkey_challenges (
    digest TEXT PRIMARY KEY,
    bound_to TEXT NOT NULL,
    expires_at REAL NOT NULL
) STRICT;
CREATE INDEX passkey_challenges_by_end ON passkey_challenges (expires_at);

CREATE TABLE challenges (
    digest TEXT PRIMARY KEY,
    begun_at REAL NOT NULL,
    send_number INTEGER NOT NULL,
    sent_at REAL NOT NULL,
    mac BLOB NOT NULL,
    expires_at REAL NOT NULL,
    attempts_left INTEGER NOT NULL,
    undelivered INTEGER NOT NULL DEFAULT 0,
    kept_until REAL NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX challenges_by_end ON challenges (kept_until);

CREATE TABLE failures (
    key TEXT PRIMARY KEY,
    consecutive INTEGER NOT NULL,
    last_at REAL NOT NULL,
    recent TEXT NOT NULL,
    expires_at REAL NOT NULL
) STRICT;
CREATE INDEX failures_by_end ON failures (expires_at);

CREATE TABLE windows (
    key TEXT PRIMARY KEY,
    counted INTEGER NOT NULL,
    ends_at REAL NOT NULL
) STRICT;
CREATE INDEX windows_by_end ON windows (ends_at);

-- Which identifiers failed lately from which address, both as keyed hashes.
CREATE TABLE failed_identifiers (
    origin TEXT NOT NULL,
    identifier TEXT NOT NULL,
    failed_at REAL NOT NULL,
    ends_at REAL NOT NULL,
    PRIMARY KEY (origin, identifier)
) STRICT;
CREATE INDEX failed_identifiers_by_instant ON failed_identifiers (origin, failed_at);
CREATE INDEX failed_identifiers_by_end ON failed_identifiers (ends_at);

-- The last turn given to an address where too many failed, and until when that is told.
CREATE TABLE spray_origins (
    origin TEXT PRIMARY KEY,
    turn_at REAL NOT NULL,
    told_until REAL NOT NULL,
    ends_at REAL NOT NULL
) STRICT;
CREATE INDEX spray_origins_by_end ON spray_origins (ends_at);

-- The text messages of each scope, by country and by block of numbers, and whether their codes were typed.
CREATE TABLE sms_sends (
    scope TEXT NOT NULL,
    send TEXT NOT NULL,
    sent_at REAL NOT NULL,
    verified INTEGER NOT NULL,
    ends_at REAL NOT NULL,
    PRIMARY KEY (scope, send)
) STRICT;
CREATE INDEX sms_sends_by_instant ON sms_sends (scope, sent_at);
CREATE INDEX sms_sends_by_end ON sms_sends (ends_at);

-- Scopes that take no text message until somebody opens them again: these never expire.
CREATE TABLE sms_stops (
    scope TEXT PRIMARY KEY,
    stopped_at REAL NOT NULL
) STRICT;

-- The tag makes an identifier unique among all stores, even when an older copy of this file is put back.
CREATE TABLE spooled_events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    tag TEXT NOT NULL,
    event TEXT NOT NULL
) STRICT;

CREATE TABLE spooled_outgoing (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    tag TEXT NOT NULL,
    item TEXT NOT NULL,
    due_at REAL NOT NULL DEFAULT 0,
    taken INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX spooled_outgoing_by_due ON spooled_outgoing (due_at, sequence);
