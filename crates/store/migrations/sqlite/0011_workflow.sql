-- Requests that wait for an administrator, and what became of them. tenant is the tenant whose administrators decide.
-- application and api name what a request goes away with; they are empty where there is none. subject is what is asked about:
-- the id of an application, subscription, API or revision. document: what the administrator is shown and what was asked.

CREATE TABLE workflow_request (
    id TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    kind TEXT NOT NULL,
    application TEXT NOT NULL,
    api TEXT NOT NULL,
    subject TEXT NOT NULL,
    requester TEXT NOT NULL,
    status TEXT NOT NULL,
    document TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX workflow_request_waiting ON workflow_request (tenant, status, created_at);
CREATE INDEX workflow_request_application ON workflow_request (application, status);
CREATE INDEX workflow_request_api ON workflow_request (api, status);
CREATE INDEX workflow_request_subject ON workflow_request (subject, kind);
