-- Calls by API, application and plan, added up by the hour (width 3600000) and, when they are old, by the day (86400000).
-- start_at: begin of the hour or day, UTC. application and plan are empty where there was none. Rows outlive what they name.
-- d0 to d9: answers by duration, see model::USAGE_BOUNDS.

CREATE TABLE api_usage (
    tenant BIGINT NOT NULL,
    api TEXT NOT NULL,
    application TEXT NOT NULL,
    plan TEXT NOT NULL,
    width BIGINT NOT NULL,
    start_at BIGINT NOT NULL,
    succeeded BIGINT NOT NULL,
    redirected BIGINT NOT NULL,
    client_errors BIGINT NOT NULL,
    server_errors BIGINT NOT NULL,
    micros BIGINT NOT NULL,
    bytes_in BIGINT NOT NULL,
    bytes_out BIGINT NOT NULL,
    d0 BIGINT NOT NULL,
    d1 BIGINT NOT NULL,
    d2 BIGINT NOT NULL,
    d3 BIGINT NOT NULL,
    d4 BIGINT NOT NULL,
    d5 BIGINT NOT NULL,
    d6 BIGINT NOT NULL,
    d7 BIGINT NOT NULL,
    d8 BIGINT NOT NULL,
    d9 BIGINT NOT NULL,
    PRIMARY KEY (tenant, api, start_at, application, plan, width)
);
CREATE INDEX api_usage_start ON api_usage (tenant, start_at);
CREATE INDEX api_usage_application ON api_usage (application, start_at);
CREATE INDEX api_usage_width ON api_usage (width, start_at);
