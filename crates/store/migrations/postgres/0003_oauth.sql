-- OAuth: what a client registered, signing keys, codes, pushed requests, consent. Times are milliseconds since 1970.

-- RFC 7591 metadata that has no column of its own: redirect URIs, authentication method, keys, bindings.
ALTER TABLE oauth_client ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
-- What a renewed token inherits: audience, key binding, time and ways of the sign-in.
ALTER TABLE refresh_token ADD COLUMN details TEXT NOT NULL DEFAULT '{}';

-- sealed is the private key under the vault's keyring; NULL for the key of a file, of which only the public half is known.
CREATE TABLE signing_key (
    kid TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    algorithm TEXT NOT NULL,
    sealed TEXT,
    public_jwk TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    verifies_until BIGINT
);
CREATE INDEX signing_key_tenant ON signing_key (tenant_id, signs_from);

-- An authorization request that waits: pushed by the client (RFC 9126), or for the person to sign in and consent.
CREATE TABLE authorization_request (
    hash BYTEA PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES oauth_client (client_id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    request TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX authorization_request_end ON authorization_request (expires_at);

-- user_id may name a user of a directory, so it refers to no table.
CREATE TABLE authorization_code (
    hash BYTEA PRIMARY KEY,
    family TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES oauth_client (client_id) ON DELETE CASCADE,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    user_id TEXT NOT NULL,
    details TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    access_token_id TEXT,
    access_expires_at BIGINT
);
CREATE INDEX authorization_code_end ON authorization_code (expires_at);

CREATE TABLE device_code (
    hash BYTEA PRIMARY KEY,
    user_code_hash BYTEA NOT NULL UNIQUE,
    client_id TEXT NOT NULL REFERENCES oauth_client (client_id) ON DELETE CASCADE,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    tenant_id BIGINT,
    user_id TEXT,
    details TEXT NOT NULL,
    interval_seconds BIGINT NOT NULL,
    polled_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX device_code_end ON device_code (expires_at);

CREATE TABLE consent (
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES oauth_client (client_id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, client_id)
);

-- Proofs and assertions that work once: the hash of who made it and its id.
CREATE TABLE used_proof (
    hash BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_proof_end ON used_proof (expires_at);

-- Issuers outside whose assertions count at the token endpoint (WSO2: trusted identity providers).
CREATE TABLE trusted_issuer (
    id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    issuer TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name),
    UNIQUE (tenant_id, issuer)
);
