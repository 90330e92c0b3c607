-- People who sign in at an identity provider outside: which subject of which provider an account belongs to. A name or a
-- mail address never links anybody. Times are milliseconds since 1970.

CREATE TABLE federated_account (
    provider_id TEXT NOT NULL REFERENCES trusted_issuer (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    user_id TEXT NOT NULL UNIQUE REFERENCES user_account (id) ON DELETE CASCADE,
    linked_at BIGINT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    PRIMARY KEY (provider_id, subject)
);
