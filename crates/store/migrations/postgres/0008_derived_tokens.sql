-- Access tokens that were issued for another token, or for the statement of a trusted issuer. origin: jti of that token, or
-- 'issuer:' and the id of the issuer; what ends it ends these too. client_id: the client that had that token.

CREATE TABLE derived_token (
    token_id TEXT PRIMARY KEY,
    origin TEXT NOT NULL,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    client_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX derived_token_origin ON derived_token (origin);
CREATE INDEX derived_token_client ON derived_token (client_id);
CREATE INDEX derived_token_end ON derived_token (expires_at);
