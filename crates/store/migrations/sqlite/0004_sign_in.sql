-- Sign-in of people: sessions, second factors, recovery, self-registration. Times are milliseconds since 1970.

-- A browser's session; only the hash of its cookie. user_id may name a user of a directory, so it refers to no table.
CREATE TABLE login_session (
    hash BLOB PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    user_id TEXT NOT NULL,
    factors TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
);
CREATE INDEX login_session_user ON login_session (tenant_id, user_id);
CREATE INDEX login_session_end ON login_session (ends_at);

-- A sign-in whose password was right and that waits for the second factor, or for setting one up.
CREATE TABLE sign_in_step (
    hash BLOB PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    target TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_step_end ON sign_in_step (expires_at);

-- An authenticator app. The secret is sealed by the vault's keyring; a code of a time step up to last_step is used up.
CREATE TABLE second_factor (
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    user_id TEXT NOT NULL,
    secret TEXT NOT NULL,
    confirmed_at BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    failed_attempts BIGINT NOT NULL,
    lock_count BIGINT NOT NULL,
    locked_until BIGINT,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE recovery_code (
    tenant_id BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant_id, user_id, hash)
);

-- Addresses that failed too often, kept so that a restart does not forget them.
CREATE TABLE address_lock (
    network TEXT PRIMARY KEY,
    ends_at BIGINT NOT NULL
);
CREATE INDEX address_lock_end ON address_lock (ends_at);

-- A link that lets its holder choose a new password: one to an account, bound to the mail address it was sent to.
CREATE TABLE recovery_token (
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    user_id TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    callback TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX recovery_token_end ON recovery_token (expires_at);

-- Somebody who wants an account: 'unconfirmed' until the link in the mail was opened, then 'awaiting_approval'.
CREATE TABLE sign_up (
    id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    email TEXT NOT NULL,
    callback TEXT NOT NULL,
    attributes TEXT NOT NULL,
    state TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_up_tenant ON sign_up (tenant_id, state, created_at);
CREATE INDEX sign_up_end ON sign_up (expires_at);
