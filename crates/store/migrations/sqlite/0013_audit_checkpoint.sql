-- What the end of the audit log was at some times, sealed by the vault: whoever can only write to the database cannot make one.

CREATE TABLE audit_checkpoint (
    number BIGINT PRIMARY KEY,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    sealed TEXT NOT NULL
);
