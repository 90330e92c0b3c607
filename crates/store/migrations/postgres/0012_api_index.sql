-- What APIs are searched by, read out of their documents whenever one is written. indexed: form of the index that the row
-- has; the program brings rows with a smaller one up to date when it starts.

ALTER TABLE api ADD COLUMN restricted BIGINT NOT NULL DEFAULT 1;
ALTER TABLE api ADD COLUMN visible BIGINT NOT NULL DEFAULT 2;
ALTER TABLE api ADD COLUMN path_key TEXT NOT NULL DEFAULT '';
ALTER TABLE api ADD COLUMN indexed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX api_created ON api (tenant_id, created_at DESC, id);
CREATE INDEX api_updated ON api (tenant_id, updated_at DESC, id);
CREATE INDEX api_lifecycle ON api (tenant_id, lifecycle, id);
CREATE INDEX api_kind ON api (tenant_id, kind, created_at DESC, id);
CREATE INDEX api_path ON api (tenant_id, path_key);
CREATE INDEX api_indexed ON api (indexed);

CREATE TABLE api_facet (
    tenant_id BIGINT NOT NULL,
    field TEXT NOT NULL,
    api_id TEXT NOT NULL REFERENCES api (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant_id, field, api_id, position)
);
CREATE INDEX api_facet_api ON api_facet (api_id);

ALTER TABLE api_document ADD COLUMN tenant_id BIGINT NOT NULL DEFAULT 0;
UPDATE api_document SET tenant_id = (SELECT tenant_id FROM api WHERE api.id = api_document.api_id);
CREATE INDEX api_document_tenant ON api_document (tenant_id, audience);

CREATE INDEX deployment_environment ON deployment (environment, api_id);

-- Lists of applications and subscriptions, cut by the database. api_tenant: the tenant of the API; tenant is that of the
-- application.
ALTER TABLE application ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE application SET name_key = lower(name);
CREATE INDEX application_name ON application (tenant, name, owner);
CREATE INDEX application_policy ON application (tenant, policy);
ALTER TABLE subscription ADD COLUMN api_tenant BIGINT NOT NULL DEFAULT 0;
UPDATE subscription SET api_tenant = (SELECT tenant_id FROM api WHERE api.id = subscription.api);
DROP INDEX subscription_of_api;
CREATE INDEX subscription_of_api ON subscription (api, created_at, id);
CREATE INDEX subscription_of_application ON subscription (application, created_at, id);
CREATE INDEX subscription_of_tenant ON subscription (api_tenant, created_at, id);
CREATE INDEX subscription_plan ON subscription (api_tenant, plan);

-- What else was looked for by reading a whole table.
CREATE INDEX api_comment_parent ON api_comment (parent);
CREATE INDEX api_key_end ON api_key (expires_at);
CREATE INDEX api_usage_time ON api_usage (start_at);
CREATE INDEX application_key_manager ON application_key (tenant, key_manager);
CREATE INDEX catalogue_item_kind ON catalogue_item (kind, tenant);
CREATE INDEX certificate_api ON certificate (api_id);
CREATE INDEX operation_policy_api ON operation_policy (api_id);
CREATE INDEX oauth_client_owner ON oauth_client (tenant_id, owner_key);
CREATE INDEX sign_in_step_user ON sign_in_step (tenant_id, user_id);
CREATE INDEX user_account_locked ON user_account (locked);

-- Sorted by character, as SQLite does, whatever the language of the database.
ALTER TABLE api ALTER COLUMN name_key TYPE TEXT COLLATE "C";
ALTER TABLE api ALTER COLUMN context_key TYPE TEXT COLLATE "C";
ALTER TABLE application ALTER COLUMN name TYPE TEXT COLLATE "C";
