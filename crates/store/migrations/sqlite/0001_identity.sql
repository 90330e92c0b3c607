-- Tenants, users, roles, clients, tokens. Times are milliseconds since the Unix epoch, truth values 0 and 1.

CREATE TABLE tenant (
    id BIGINT PRIMARY KEY,
    domain TEXT NOT NULL UNIQUE,
    active BIGINT NOT NULL,
    owner TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE user_store (
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    type_id TEXT NOT NULL,
    description TEXT NOT NULL,
    properties TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- name_key is the name in lower case: user and role names are unique whatever their case.
CREATE TABLE user_account (
    id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    locked BIGINT NOT NULL,
    locked_until BIGINT,
    lock_count BIGINT NOT NULL,
    failed_attempts BIGINT NOT NULL,
    attributes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name_key)
);

CREATE TABLE role (
    id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    built_in BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name_key)
);

CREATE TABLE role_member (
    role_id TEXT NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, user_id)
);
CREATE INDEX role_member_user ON role_member (user_id);

-- roles is a JSON list. origin: 'system' for the scopes of the management APIs, 'api' for scopes that APIs define.
CREATE TABLE scope_binding (
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    scope TEXT NOT NULL,
    origin TEXT NOT NULL,
    roles TEXT NOT NULL,
    PRIMARY KEY (tenant_id, scope)
);

CREATE TABLE oauth_client (
    client_id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    owner_key TEXT NOT NULL,
    name TEXT NOT NULL,
    grants TEXT NOT NULL,
    callback TEXT NOT NULL,
    token_type TEXT NOT NULL,
    saas BIGINT NOT NULL,
    active BIGINT NOT NULL,
    access_seconds BIGINT,
    refresh_seconds BIGINT,
    extra TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX oauth_client_service ON oauth_client (tenant_id, owner_key, name) WHERE kind = 'service';

CREATE TABLE client_secret (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES oauth_client (client_id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX client_secret_client ON client_secret (client_id, created_at);

CREATE TABLE revoked_token (
    token_id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);
CREATE INDEX revoked_token_time ON revoked_token (revoked_at);
CREATE INDEX revoked_token_expiry ON revoked_token (expires_at);

-- Survives the account, so that a new account of the same name does not inherit the old one's tokens.
CREATE TABLE subject_epoch (
    tenant_id BIGINT NOT NULL,
    subject TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, subject)
);

CREATE TABLE refresh_token (
    hash BLOB PRIMARY KEY,
    family TEXT NOT NULL,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    client_id TEXT NOT NULL REFERENCES oauth_client (client_id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    access_token_id TEXT NOT NULL,
    access_expires_at BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX refresh_token_family ON refresh_token (family);
CREATE INDEX refresh_token_access ON refresh_token (access_token_id);
CREATE INDEX refresh_token_expiry ON refresh_token (expires_at);
CREATE INDEX refresh_token_client ON refresh_token (client_id);
CREATE INDEX refresh_token_user ON refresh_token (user_id);

-- One row at most: a new link replaces the older one.
CREATE TABLE setup_link (
    id BIGINT PRIMARY KEY,
    hash BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
