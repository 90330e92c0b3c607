-- APIs, revisions, applications, subscriptions, policies.

-- Part A: audit and change logs, APIs.
CREATE TABLE audit_head (id BIGINT PRIMARY KEY, sequence BIGINT NOT NULL, hash TEXT NOT NULL);
INSERT INTO audit_head (id, sequence, hash) VALUES (1, 0, '');
CREATE TABLE audit_log (
    sequence BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    principal TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, sequence);

CREATE TABLE change_head (id BIGINT PRIMARY KEY, sequence BIGINT NOT NULL);
INSERT INTO change_head (id, sequence) VALUES (1, 0);
CREATE TABLE change_log (
    sequence BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL
);

CREATE TABLE api (
    id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    version TEXT NOT NULL,
    context TEXT NOT NULL,
    context_key TEXT NOT NULL,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    lifecycle TEXT NOT NULL,
    is_default BIGINT NOT NULL,
    document TEXT NOT NULL,
    last_revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    UNIQUE (tenant_id, name_key, version)
);
CREATE INDEX api_context ON api (tenant_id, context_key);

-- Definitions, thumbnails and other files of an API or of a revision of it.
CREATE TABLE artifact (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (owner, name)
);

CREATE TABLE revision (
    id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    api_id TEXT NOT NULL REFERENCES api (id),
    number BIGINT NOT NULL,
    description TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (api_id, number)
);

CREATE TABLE deployment (
    api_id TEXT NOT NULL REFERENCES api (id),
    environment TEXT NOT NULL,
    revision_id TEXT NOT NULL REFERENCES revision (id),
    vhost TEXT NOT NULL,
    display_on_devportal BIGINT NOT NULL,
    deployed_at BIGINT NOT NULL,
    PRIMARY KEY (api_id, environment)
);
CREATE INDEX deployment_revision ON deployment (revision_id);

CREATE TABLE lifecycle_event (
    id TEXT PRIMARY KEY,
    api_id TEXT NOT NULL REFERENCES api (id),
    previous TEXT,
    next TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX lifecycle_event_api ON lifecycle_event (api_id, at);

CREATE TABLE api_document (
    id TEXT PRIMARY KEY,
    api_id TEXT NOT NULL REFERENCES api (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (api_id, name)
);

CREATE TABLE shared_scope (
    id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (tenant_id, name)
);

CREATE TABLE operation_policy (
    id TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    api_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (tenant_id, api_id, name, version)
);

CREATE TABLE certificate (
    tenant_id BIGINT NOT NULL,
    alias TEXT NOT NULL,
    api_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (tenant_id, kind, alias, api_id)
);
-- Part B: applications, subscriptions, throttling, key managers, environments. Append below this line.
CREATE TABLE throttle_policy (
    id TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    level TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant, level, name)
);

CREATE TABLE deny_policy (
    id TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    active BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant, kind, value)
);

-- Gateway environments, key managers, API categories, organizations, AI providers.
CREATE TABLE catalogue_item (
    id TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant, kind, name)
);

CREATE TABLE tenant_setting (
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- Who has used the Developer Portal.
CREATE TABLE subscriber (
    tenant BIGINT NOT NULL,
    user_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_name)
);

CREATE TABLE application (
    id TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    policy TEXT NOT NULL,
    description TEXT NOT NULL,
    token_type TEXT NOT NULL,
    status TEXT NOT NULL,
    visibility TEXT NOT NULL,
    groups TEXT NOT NULL,
    attributes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant, owner, name)
);

CREATE TABLE application_key (
    id TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    application TEXT NOT NULL REFERENCES application (id) ON DELETE CASCADE,
    key_type TEXT NOT NULL,
    key_manager TEXT NOT NULL,
    consumer_key TEXT NOT NULL UNIQUE,
    mode TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (application, key_type, key_manager)
);

-- Only the SHA-256 of a key is kept.
CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    application TEXT NOT NULL REFERENCES application (id) ON DELETE CASCADE,
    key_type TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    permitted_ips TEXT NOT NULL,
    permitted_referrers TEXT NOT NULL
);

CREATE INDEX api_key_of_application ON api_key (application);

CREATE TABLE subscription (
    id TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    application TEXT NOT NULL REFERENCES application (id) ON DELETE CASCADE,
    api TEXT NOT NULL REFERENCES api (id),
    plan TEXT NOT NULL,
    requested_plan TEXT NOT NULL,
    status TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (application, api)
);

CREATE INDEX subscription_of_api ON subscription (api);

CREATE TABLE api_comment (
    id TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    api TEXT NOT NULL REFERENCES api (id) ON DELETE CASCADE,
    parent TEXT REFERENCES api_comment (id) ON DELETE CASCADE,
    author TEXT NOT NULL,
    entry_point TEXT NOT NULL,
    category TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT
);

CREATE INDEX api_comment_of_api ON api_comment (api, parent);

CREATE TABLE api_rating (
    id TEXT PRIMARY KEY,
    api TEXT NOT NULL REFERENCES api (id) ON DELETE CASCADE,
    user_name TEXT NOT NULL,
    rating BIGINT NOT NULL,
    UNIQUE (api, user_name)
);
