-- What the rules of governance say of each API, and what is to be judged. document: verdicts by ruleset. target: id of an
-- API, or * for all of the tenant; token: changes with every request, so that a verdict does not end a request that came
-- while it was made.

CREATE TABLE governance_result (
    tenant BIGINT NOT NULL,
    api TEXT NOT NULL REFERENCES api (id) ON DELETE CASCADE,
    document TEXT NOT NULL,
    evaluated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, api)
);

CREATE TABLE governance_job (
    tenant BIGINT NOT NULL,
    target TEXT NOT NULL,
    token TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, target)
);
CREATE INDEX governance_job_age ON governance_job (requested_at, tenant, target);
CREATE INDEX governance_result_api ON governance_result (api);
