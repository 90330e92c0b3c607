-- Accounts whose password a directory keeps, and the roles they have because of its groups. The account itself is a row of
-- user_account without a password. store: domain of the user store, empty for the one without. entry_id: what stays when
-- the entry is renamed (entryUUID, objectGUID). checked_at: when the directory last confirmed the account.

CREATE TABLE directory_account (
    user_id TEXT PRIMARY KEY REFERENCES user_account (id) ON DELETE CASCADE,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    store TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    gone BIGINT NOT NULL
);
CREATE INDEX directory_account_checked ON directory_account (checked_at);

CREATE TABLE directory_role (
    user_id TEXT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX directory_role_role ON directory_role (role_id);

-- Clean-up finds what has expired by these, without a look at every row (guideline O08).
CREATE INDEX client_secret_expiry ON client_secret (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX subject_epoch_time ON subject_epoch (not_before);
