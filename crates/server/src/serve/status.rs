//! The status listener: `/livez`, `/readyz`, `/metrics`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::StatusCode;
use model::{Clock, Timestamp};
use web::{Answer, Operation, RestError, RouteTable};

use super::SharedLogCounters;
use super::data_plane::DataPlane;

/// What the status listener shows.
pub(super) struct Status {
    data_plane: Arc<DataPlane>,
    logs: SharedLogCounters,
    clock: Arc<dyn Clock>,
    started: Timestamp,
}

impl Status {
    pub(super) fn new(data_plane: Arc<DataPlane>, logs: SharedLogCounters, clock: Arc<dyn Clock>) -> Self {
        let started = clock.now();
        Self { data_plane, logs, clock, started }
    }
}

const REASON: &str = "for probes on a listener of its own; shows counts, never data";

/// Its operations.
pub(super) fn routes() -> RouteTable<Status> {
    RouteTable::new()
        .public(Operation::new("status.live", "GET", "/livez", "Whether the process runs"), REASON, live)
        .public(Operation::new("status.ready", "GET", "/readyz", "Whether calls are served"), REASON, ready)
        .public(Operation::new("status.metrics", "GET", "/metrics", "Counters in OpenMetrics text"), REASON, metrics)
}

async fn live(_: Arc<Status>, _: web::Call) -> Result<Answer, RestError> {
    Ok(web::text(StatusCode::OK, "text/plain; charset=utf-8", "live\n"))
}

async fn ready(status: Arc<Status>, _: web::Call) -> Result<Answer, RestError> {
    let (code, text) = if status.data_plane.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: the gateway has no snapshot yet, or the server is stopping\n")
    };
    Ok(web::text(code, "text/plain; charset=utf-8", text))
}

async fn metrics(status: Arc<Status>, _: web::Call) -> Result<Answer, RestError> {
    let mut page = Page::default();
    gateway_counters(&mut page, &status.data_plane.metrics());
    api_counters(&mut page.text, &status.data_plane.series());
    page.counter("log_records", "Log records written.", status.logs.written.load(Ordering::Relaxed));
    page.counter(
        "log_records_dropped",
        "Log records lost: queue or disk full.",
        status.logs.dropped.load(Ordering::Relaxed),
    );
    page.gauge("ready", "1 when calls are served.", f64::from(u8::from(status.data_plane.is_ready())));
    page.gauge("uptime_seconds", "Since the start.", status.clock.now().since(status.started).as_secs_f64());
    if let Some(process) = Process::read() {
        page.gauge("process_resident_memory_bytes", "Memory in use.", process.resident_bytes);
        page.gauge("process_open_fds", "Open file descriptors.", process.open_files);
        page.gauge("process_threads", "Threads.", process.threads);
    }
    page.text.push_str("# EOF\n");
    Ok(web::text(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", page.text))
}

/// A page of OpenMetrics text.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        let _ = writeln!(self.text, "# TYPE {name} counter\n# HELP {name} {help}\n{name}_total {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        let _ = writeln!(self.text, "# TYPE {name} gauge\n# HELP {name} {help}\n{name} {value}");
    }
}

/// A label's value: OpenMetrics escapes three characters.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Calls by API, if the configuration counts them apart.
fn api_counters(text: &mut String, series: &gateway::Series) {
    let nothing = series.apis.is_empty() && series.others == gateway::ApiSeries::default();
    if nothing {
        return;
    }
    let named = series.apis.iter().map(|((tenant, api, version), counts)| {
        (format!("tenant=\"{}\",api=\"{}\",version=\"{}\"", label(tenant), label(api), label(version)), *counts)
    });
    let all: Vec<_> = named.chain([("tenant=\"\",api=\"\",version=\"\"".to_owned(), series.others)]).collect();
    let _ = writeln!(
        text,
        "# TYPE gateway_api_answers counter\n# HELP gateway_api_answers Answers by API; without a name: all further APIs."
    );
    for (labels, counts) in &all {
        for (class, value) in ["2xx", "3xx", "4xx", "5xx"].iter().zip(counts.answers) {
            let _ = writeln!(text, "gateway_api_answers_total{{{labels},class=\"{class}\"}} {value}");
        }
    }
    let _ = writeln!(
        text,
        "# TYPE gateway_api_seconds counter\n# HELP gateway_api_seconds Sum of the durations of answers by API."
    );
    for (labels, counts) in &all {
        let seconds = std::time::Duration::from_micros(counts.micros).as_secs_f64();
        let _ = writeln!(text, "gateway_api_seconds_total{{{labels}}} {seconds}");
    }
}

fn gateway_counters(page: &mut Page, metrics: &gateway::Metrics) {
    let plain = [
        ("gateway_connections", "Connections accepted.", metrics.connections),
        ("gateway_connections_closed", "Connections closed.", metrics.connections_closed),
        ("gateway_connections_refused", "Connections refused because a worker was full.", metrics.connections_refused),
        ("gateway_connections_cut", "Connections cut because a timeout passed.", metrics.connections_cut),
        ("gateway_handshakes_failed", "TLS handshakes that failed.", metrics.handshakes_failed),
        ("gateway_requests", "Answers.", metrics.requests),
        ("gateway_request_bytes", "Bytes of request bodies.", metrics.bytes_in),
        ("gateway_response_bytes", "Bytes of answer bodies.", metrics.bytes_out),
        ("gateway_tokens_verified", "Tokens whose signature was checked.", metrics.tokens_verified),
        ("gateway_tokens_refused", "Tokens that verification refused.", metrics.tokens_refused),
        ("gateway_token_cache_hits", "Calls whose token was known already.", metrics.token_cache_hits),
        ("gateway_upstream_connections", "Connections opened to upstreams.", metrics.upstream_connections),
        ("gateway_upstream_reuses", "Calls over an idle upstream connection.", metrics.upstream_reuses),
        ("gateway_upstream_retries", "Calls repeated on a fresh connection.", metrics.upstream_retries),
        ("gateway_upstream_failures", "Calls that failed at the upstream.", metrics.upstream_failures),
        ("gateway_log_records_dropped", "Access log records lost.", metrics.log_records_lost),
    ];
    for (name, help, value) in plain {
        page.counter(name, help, value);
    }
    let text = &mut page.text;
    let _ = writeln!(text, "# TYPE gateway_answers counter\n# HELP gateway_answers Answers by class of status.");
    let classes = [
        ("2xx", metrics.status_2xx),
        ("3xx", metrics.status_3xx),
        ("4xx", metrics.status_4xx),
        ("5xx", metrics.status_5xx),
    ];
    for (class, value) in classes {
        let _ = writeln!(text, "gateway_answers_total{{class=\"{class}\"}} {value}");
    }
    let _ =
        writeln!(text, "# TYPE gateway_faults counter\n# HELP gateway_faults Answers of the gateway itself by code.");
    for (code, value) in &metrics.faults {
        let _ = writeln!(text, "gateway_faults_total{{code=\"{code}\"}} {value}");
    }
    let _ = writeln!(
        text,
        "# TYPE gateway_duration_seconds histogram\n# HELP gateway_duration_seconds From the head of a request to the end of its answer."
    );
    let mut sum = 0_u64;
    for (bound, count) in &metrics.duration_buckets {
        sum = sum.saturating_add(*count);
        let bound = bound.map_or_else(|| "+Inf".to_owned(), |b| b.as_secs_f64().to_string());
        let _ = writeln!(text, "gateway_duration_seconds_bucket{{le=\"{bound}\"}} {sum}");
    }
    let total = metrics.duration_sum.as_secs_f64();
    let _ = writeln!(text, "gateway_duration_seconds_count {sum}\ngateway_duration_seconds_sum {total}");
}

/// Facts of this process from /proc.
struct Process {
    resident_bytes: f64,
    open_files: f64,
    threads: f64,
}

impl Process {
    fn read() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let field = |name: &str| -> Option<u32> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
        Some(Self {
            resident_bytes: f64::from(field("VmRSS:")?) * 1024.0,
            open_files: f64::from(u32::try_from(open).unwrap_or(u32::MAX)),
            threads: f64::from(field("Threads:")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, Process, gateway_counters};

    #[test]
    fn every_family_is_declared_once_and_has_a_help_line() {
        let mut page = Page::default();
        gateway_counters(&mut page, &gateway::Metrics::default());
        let mut names: Vec<&str> = page.text.lines().filter_map(|l| l.strip_prefix("# TYPE ")).collect();
        assert_eq!(page.text.matches("# HELP ").count(), names.len());
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn facts_of_the_process_are_plausible() {
        let process = Process::read().unwrap();
        assert!(process.resident_bytes > 100_000.0 && process.open_files >= 3.0 && process.threads >= 1.0);
    }
}
