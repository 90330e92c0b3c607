//! Traffic rules of an endpoint: WSO2's advanced endpoint configuration, and our own property `traffic`.
//!
//! WSO2 writes numbers as text and leaves what was not filled in empty; `traffic` is ours and read strictly.

use model::snapshot::{
    Affinity, Algorithm, Breaker, Canary, EndpointStrategy, HashKey, HealthCheck, Mirror, Retries, TargetRules,
    Traffic, UpstreamProtocol,
};
use serde::Deserialize;
use serde_json::Value;

/// Synapse suspends a member of a group for this long when nothing else is said, milliseconds.
const GROUP_SUSPENSION_MS: u32 = 30_000;
/// Longest suspension and timeout that is accepted, milliseconds: a day.
const LONGEST_MS: u64 = 86_400_000;
/// WSO2's codes of transport failures.
const CODES: std::ops::RangeInclusive<u32> = 101_000..=101_599;

/// The rules of one side of an endpoint configuration; `members` are its targets as they are configured. `None` where
/// nothing goes beyond calling one target.
pub(super) fn compile(
    config: &Value,
    strategy: EndpointStrategy,
    members: &[&Value],
    production: bool,
) -> Result<Option<Box<Traffic>>, String> {
    let mut traffic = match config.get("traffic") {
        None | Some(Value::Null) => Traffic::default(),
        Some(own) => {
            let raw: RawTraffic =
                serde_json::from_value(own.clone()).map_err(|fault| format!("endpointConfig.traffic: {fault}"))?;
            raw.parse(production).map_err(|fault| format!("endpointConfig.traffic.{fault}"))?
        }
    };
    let group = strategy != EndpointStrategy::Single;
    match strategy {
        EndpointStrategy::Single => {}
        EndpointStrategy::Failover => traffic.try_others = true,
        EndpointStrategy::RoundRobin => {
            traffic.try_others = !text(config.get("failOver")).eq_ignore_ascii_case("false");
            if traffic.algorithm == Algorithm::InOrder {
                traffic.algorithm = algorithm(config)?;
            }
            if traffic.affinity.is_none() {
                traffic.affinity = affinity(config)?;
            }
        }
    }
    traffic.rules = members.iter().map(|member| rules(member, group)).collect::<Result<_, _>>()?;
    let plain = TargetRules::default();
    if traffic.rules.iter().all(|rules| *rules == plain) {
        traffic.rules.clear();
    }
    Ok(if traffic == Traffic::default() { None } else { Some(Box::new(traffic)) })
}

/// WSO2's `algoCombo` or `algoClassName`.
fn algorithm(config: &Value) -> Result<Algorithm, String> {
    let names = ["algoClassName", "algoCombo"].map(|field| text(config.get(field)));
    let name = names.into_iter().find(|name| !name.is_empty() && name != "other").unwrap_or_default();
    match name.rsplit('.').next().unwrap_or_default() {
        "" | "RoundRobin" | "WeightedRoundRobin" => Ok(Algorithm::RoundRobin),
        "LeastConnections" | "WeightedLeastConnections" => Ok(Algorithm::LeastRequest),
        _ => Err(format!(
            "the load balancing class {name} is not supported; use RoundRobin, or an algorithm in endpointConfig.traffic"
        )),
    }
}

/// WSO2's `sessionManagement` and `sessionTimeOut` (milliseconds).
fn affinity(config: &Value) -> Result<Option<Affinity>, String> {
    match text(config.get("sessionManagement")).as_str() {
        "" | "none" => Ok(None),
        "http" | "transport" => {
            let millis = number(config.get("sessionTimeOut"), "sessionTimeOut")?.unwrap_or(0);
            Ok(Some(Affinity { seconds: millis.div_ceil(1000) }))
        }
        other => Err(format!("session management \"{other}\" is not supported; use http, which binds by a cookie")),
    }
}

fn rules(member: &Value, group: bool) -> Result<TargetRules, String> {
    let plain = TargetRules { suspend_ms: if group { GROUP_SUSPENSION_MS } else { 0 }, ..TargetRules::default() };
    let weight = number(member.get("weight"), "weight")?.unwrap_or(1);
    if !(1..=1000).contains(&weight) {
        return Err(format!("the weight {weight} of an endpoint is not between 1 and 1000"));
    }
    let Some(config) = member.get("config").filter(|config| config.is_object()) else {
        return Ok(TargetRules { weight, ..plain });
    };
    let get = |field: &str| number(config.get(field), field);
    let factor = match text(config.get("factor")).as_str() {
        "" => plain.factor_milli,
        text => match text.parse::<f64>() {
            Ok(factor) if (1.0..=100.0).contains(&factor) => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1000 and 100000")]
                let milli = (factor * 1000.0) as u32;
                milli
            }
            _ => return Err(format!("the factor \"{text}\" of an endpoint is not between 1 and 100")),
        },
    };
    let suspend_ms = get("suspendDuration")?.unwrap_or(plain.suspend_ms);
    let retry_codes = codes(config.get("retryErroCode").or_else(|| config.get("retryErrorCode")), "retryErroCode")?;
    let suspend_codes = codes(config.get("suspendErrorCode"), "suspendErrorCode")?;
    Ok(TargetRules {
        weight,
        // That of a single target is the endpoint's own.
        timeout_ms: get("actionDuration")?.filter(|_| group).unwrap_or(0),
        suspend_ms,
        suspend_max_ms: get("suspendMaxDuration")?.unwrap_or(plain.suspend_max_ms).max(suspend_ms),
        factor_milli: factor,
        suspend_codes,
        retries_before_suspension: get("retryTimeOut")?.unwrap_or(0),
        retry_delay_ms: get("retryDelay")?.unwrap_or(0),
        retry_codes,
    })
}

/// Text or number, as WSO2's pages and tools write it.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

fn number(value: Option<&Value>, field: &str) -> Result<Option<u32>, String> {
    let text = text(value);
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse::<u64>().ok().filter(|n| *n <= LONGEST_MS).and_then(|n| u32::try_from(n).ok());
    number.map(Some).ok_or_else(|| format!("{field} \"{text}\" is not a whole number up to {LONGEST_MS}"))
}

/// A list, or text with commas.
fn codes(value: Option<&Value>, field: &str) -> Result<Vec<u32>, String> {
    let texts: Vec<String> = match value {
        Some(Value::Array(items)) => items.iter().map(|item| text(Some(item))).collect(),
        other => text(other).split(',').map(|part| part.trim().to_owned()).collect(),
    };
    let code = |text: &String| {
        let code = text.parse().ok().filter(|code| CODES.contains(code));
        code.ok_or_else(|| format!("{field} \"{text}\" is not a code of a transport failure, as 101503 is"))
    };
    texts.iter().filter(|text| !text.is_empty()).map(code).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawTraffic {
    algorithm: Option<RawAlgorithm>,
    hash_on: Option<RawHash>,
    session_seconds: Option<u32>,
    retries: Option<RawRetries>,
    breaker: Option<RawBreaker>,
    health_check: Option<RawHealth>,
    canary: Option<RawCanary>,
    mirror: Option<RawMirror>,
    connect_timeout_ms: Option<u32>,
    idle_timeout_ms: Option<u32>,
    protocol: Option<RawProtocol>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawAlgorithm {
    RoundRobin,
    LeastRequest,
    ConsistentHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum RawHash {
    Client,
    Path,
    Header(String),
    Cookie(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawRetries {
    attempts: u32,
    #[serde(default)]
    statuses: Vec<u16>,
    budget_percent: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawBreaker {
    max_in_flight: Option<u32>,
    error_percent: Option<u32>,
    minimum_calls: Option<u32>,
    window_seconds: Option<u32>,
    open_seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawHealth {
    path: String,
    interval_seconds: Option<u32>,
    timeout_ms: Option<u32>,
    unhealthy_after: Option<u32>,
    healthy_after: Option<u32>,
    #[serde(default)]
    statuses: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawCanary {
    endpoints: Vec<String>,
    percent: u32,
    header: Option<RawHeader>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeader {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMirror {
    endpoint: String,
    percent: u32,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawProtocol {
    Auto,
    Http2,
}

impl RawTraffic {
    fn parse(self, production: bool) -> Result<Traffic, String> {
        let between = |name: &str, value: Option<u32>, usual: u32, (least, most): (u32, u32)| match value {
            None => Ok(usual),
            Some(value) if (least..=most).contains(&value) => Ok(value),
            Some(value) => Err(format!("{name}: {value} is not between {least} and {most}")),
        };
        let percent = |name: &str, value: u32| between(name, Some(value), 0, (0, 100));
        let algorithm = match (self.algorithm, self.hash_on) {
            (None, None) => Algorithm::InOrder,
            (Some(RawAlgorithm::RoundRobin), None) => Algorithm::RoundRobin,
            (Some(RawAlgorithm::LeastRequest), None) => Algorithm::LeastRequest,
            (Some(RawAlgorithm::ConsistentHash), hash) => Algorithm::ConsistentHash(match hash {
                None | Some(RawHash::Client) => HashKey::Client,
                Some(RawHash::Path) => HashKey::Path,
                Some(RawHash::Header(name)) => HashKey::Header(name),
                Some(RawHash::Cookie(name)) => HashKey::Cookie(name),
            }),
            (_, Some(_)) => return Err("hashOn: only with the algorithm consistent_hash".to_owned()),
        };
        let retries = match self.retries {
            None => None,
            Some(raw) => Some(Retries {
                attempts: between("retries.attempts", Some(raw.attempts), 1, (1, 5))?,
                statuses: statuses("retries.statuses", raw.statuses, 500)?,
                budget_percent: between("retries.budgetPercent", raw.budget_percent, 20, (1, 100))?,
            }),
        };
        let breaker = match self.breaker {
            None => None,
            Some(raw) => Some(Breaker {
                max_in_flight: between("breaker.maxInFlight", raw.max_in_flight, 0, (1, 100_000))?,
                error_percent: between("breaker.errorPercent", raw.error_percent, 0, (1, 100))?,
                minimum_calls: between("breaker.minimumCalls", raw.minimum_calls, 20, (1, 10_000))?,
                window_seconds: between("breaker.windowSeconds", raw.window_seconds, 10, (1, 3600))?,
                open_ms: between("breaker.openSeconds", raw.open_seconds, 30, (1, 3600))? * 1000,
            }),
        };
        let health = match self.health_check {
            None => None,
            Some(raw) => Some(HealthCheck {
                path: raw.path,
                interval_seconds: between("healthCheck.intervalSeconds", raw.interval_seconds, 10, (1, 3600))?,
                timeout_ms: between("healthCheck.timeoutMs", raw.timeout_ms, 2000, (1, 60_000))?,
                unhealthy_after: between("healthCheck.unhealthyAfter", raw.unhealthy_after, 3, (1, 100))?,
                healthy_after: between("healthCheck.healthyAfter", raw.healthy_after, 2, (1, 100))?,
                statuses: statuses("healthCheck.statuses", raw.statuses, 200)?,
            }),
        };
        let canary = match self.canary.filter(|_| production) {
            None => None,
            Some(raw) if raw.endpoints.is_empty() => return Err("canary.endpoints: at least one".to_owned()),
            Some(raw) => Some(Canary {
                targets: raw.endpoints,
                percent: percent("canary.percent", raw.percent)?,
                header: raw.header.map(|header| (header.name, header.value)),
            }),
        };
        let mirror = match self.mirror.filter(|_| production) {
            None => None,
            Some(raw) => Some(Mirror { target: raw.endpoint, percent: percent("mirror.percent", raw.percent)? }),
        };
        Ok(Traffic {
            algorithm,
            try_others: false,
            rules: Vec::new(),
            affinity: self.session_seconds.map(|seconds| Affinity { seconds }),
            retries,
            breaker,
            health,
            canary,
            mirror,
            connect_timeout_ms: between("connectTimeoutMs", self.connect_timeout_ms, 0, (1, 60_000))?,
            idle_timeout_ms: between("idleTimeoutMs", self.idle_timeout_ms, 0, (1, 3_600_000))?,
            protocol: match self.protocol {
                None | Some(RawProtocol::Auto) => UpstreamProtocol::Automatic,
                Some(RawProtocol::Http2) => UpstreamProtocol::Http2,
            },
        })
    }
}

fn statuses(name: &str, statuses: Vec<u16>, least: u16) -> Result<Vec<u16>, String> {
    match statuses.iter().find(|status| !(least..600).contains(status)) {
        None => Ok(statuses),
        Some(status) => Err(format!("{name}: {status} is not a status between {least} and 599")),
    }
}

#[cfg(test)]
mod tests;
