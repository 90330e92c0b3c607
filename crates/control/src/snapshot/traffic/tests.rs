use super::compile;
use model::snapshot::{Affinity, Algorithm, EndpointStrategy, HashKey, TargetRules, Traffic, UpstreamProtocol};
use serde_json::{Value, json};

fn side(config: &Value, strategy: EndpointStrategy) -> Result<Option<Box<Traffic>>, String> {
    let members = match config.get("production_endpoints") {
        Some(Value::Array(items)) => items.iter().collect(),
        other => other.into_iter().collect::<Vec<_>>(),
    };
    compile(config, strategy, &members, true)
}

fn single(config: &Value) -> Result<Option<Box<Traffic>>, String> {
    side(config, EndpointStrategy::Single)
}

#[test]
fn a_plain_endpoint_has_no_rules() {
    for config in [
        json!({"endpoint_type": "http", "production_endpoints": {"url": "http://a"}}),
        json!({"production_endpoints": {"url": "http://a", "config": null}, "traffic": null}),
        json!({"production_endpoints": {"url": "http://a", "config": {"suspendDuration": "", "factor": "", "retryErroCode": []}}}),
        json!({"production_endpoints": {"url": "http://a"}, "traffic": {}}),
        json!({"production_endpoints": {"url": "http://a", "config": {"actionDuration": "30000"}}}),
    ] {
        assert_eq!(single(&config), Ok(None), "{config}");
    }
}

#[test]
fn the_advanced_configuration_of_wso2_is_read_as_its_pages_write_it() {
    let config = json!({"production_endpoints": {"url": "http://a", "config": {
        "actionSelect": "fault", "actionDuration": "30000", "suspendErrorCode": ["101503", "101504"],
        "suspendDuration": "1000", "suspendMaxDuration": 60000, "factor": "1.5",
        "retryErroCode": "101505, 101506", "retryTimeOut": "2", "retryDelay": "50"}}});
    let traffic = single(&config).unwrap().unwrap();
    let expected = TargetRules {
        weight: 1,
        timeout_ms: 0,
        suspend_codes: vec![101_503, 101_504],
        suspend_ms: 1000,
        suspend_max_ms: 60_000,
        factor_milli: 1500,
        retry_codes: vec![101_505, 101_506],
        retries_before_suspension: 2,
        retry_delay_ms: 50,
    };
    assert_eq!((traffic.rules, traffic.try_others), (vec![expected], false));
}

#[test]
fn groups_suspend_and_try_others() {
    let config = json!({"algoCombo": "org.apache.synapse.endpoints.algorithms.RoundRobin", "failOver": "True",
        "sessionManagement": "http", "sessionTimeOut": "300000",
        "production_endpoints": [{"url": "http://a", "weight": 3}, {"url": "http://b"}]});
    let traffic = side(&config, EndpointStrategy::RoundRobin).unwrap().unwrap();
    assert_eq!(traffic.algorithm, Algorithm::RoundRobin);
    assert_eq!((traffic.try_others, traffic.affinity), (true, Some(Affinity { seconds: 300 })));
    let rules: Vec<_> = traffic.rules.iter().map(|r| (r.weight, r.suspend_ms)).collect();
    assert_eq!(rules, [(3, 30_000), (1, 30_000)]);
    let alone = json!({"failOver": false, "production_endpoints": [{"url": "http://a"}]});
    assert!(!side(&alone, EndpointStrategy::RoundRobin).unwrap().unwrap().try_others);
    let failover = side(&json!({"production_endpoints": {"url": "http://a"}}), EndpointStrategy::Failover);
    let failover = failover.unwrap().unwrap();
    assert_eq!((failover.try_others, failover.algorithm), (true, Algorithm::InOrder));
}

#[test]
fn our_own_rules_are_read() {
    let config = json!({"production_endpoints": {"url": "http://a"}, "traffic": {
        "algorithm": "consistent_hash", "hashOn": {"header": "X-User"},
        "retries": {"attempts": 2, "statuses": [503]}, "breaker": {"errorPercent": 50},
        "healthCheck": {"path": "/health"}, "canary": {"endpoints": ["http://b"], "percent": 5, "header": {"name": "X-C", "value": "1"}},
        "mirror": {"endpoint": "http://c", "percent": 100}, "connectTimeoutMs": 500, "protocol": "http2"}});
    let traffic = single(&config).unwrap().unwrap();
    assert_eq!(traffic.algorithm, Algorithm::ConsistentHash(HashKey::Header("X-User".into())));
    assert_eq!(traffic.retries.as_ref().map(|r| (r.attempts, r.budget_percent)), Some((2, 20)));
    assert_eq!(traffic.breaker.map(|b| (b.minimum_calls, b.open_ms)), Some((20, 30_000)));
    assert_eq!(traffic.health.as_ref().map(|h| (h.interval_seconds, h.timeout_ms)), Some((10, 2000)));
    assert_eq!((traffic.connect_timeout_ms, traffic.protocol), (500, UpstreamProtocol::Http2));
    assert_eq!(traffic.canary.as_ref().map(|c| c.percent), Some(5));
    let sandbox = compile(&config, EndpointStrategy::Single, &[], false).unwrap().unwrap();
    assert_eq!((sandbox.canary, sandbox.mirror), (None, None), "canary and mirror are for production");
    let on_client = json!({"traffic": {"algorithm": "consistent_hash", "hashOn": "client"}});
    assert_eq!(single(&on_client).unwrap().unwrap().algorithm, Algorithm::ConsistentHash(HashKey::Client));
}

#[test]
fn what_is_wrong_is_named() {
    for (config, word) in [
        (json!({"traffic": {"retrys": {}}}), "retrys"),
        (json!({"traffic": {"retries": {"attempts": 9}}}), "retries.attempts"),
        (json!({"traffic": {"retries": {"attempts": 1, "statuses": [200]}}}), "retries.statuses"),
        (json!({"traffic": {"canary": {"endpoints": [], "percent": 1}}}), "canary.endpoints"),
        (json!({"traffic": {"mirror": {"endpoint": "http://a", "percent": 101}}}), "mirror.percent"),
        (json!({"traffic": {"hashOn": "client"}}), "hashOn"),
        (json!({"traffic": {"algorithm": "fastest"}}), "fastest"),
        (json!({"traffic": 7}), "traffic"),
        (json!({"production_endpoints": {"config": {"suspendDuration": "soon"}}}), "suspendDuration"),
        (json!({"production_endpoints": {"config": {"factor": "0.5"}}}), "factor"),
        (json!({"production_endpoints": {"config": {"suspendErrorCode": ["500"]}}}), "suspendErrorCode"),
        (json!({"production_endpoints": {"weight": 0}}), "weight"),
    ] {
        let fault = single(&config).unwrap_err();
        assert!(fault.contains(word), "{config}: {fault}");
    }
    for config in [json!({"algoClassName": "com.example.Mine"}), json!({"sessionManagement": "soap"})] {
        assert!(side(&config, EndpointStrategy::RoundRobin).is_err(), "{config}");
    }
}
