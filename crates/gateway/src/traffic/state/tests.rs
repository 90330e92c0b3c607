use super::{InFlight, TargetState, code};
use model::Timestamp;
use model::snapshot::{Breaker, HealthCheck, TargetRules};
use std::sync::Arc;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + millis)
}

#[test]
fn suspensions_grow_to_their_maximum_and_end_with_a_success() {
    let rules = TargetRules { suspend_ms: 1000, suspend_max_ms: 3000, factor_milli: 2000, ..TargetRules::default() };
    let state = TargetState::default();
    let mut now = 0;
    for expected in [1000, 2000, 3000, 3000] {
        state.failed(code::CONNECTION_FAILED, &rules, None, at(now));
        assert!(!state.may_be_called(at(now + expected - 1)), "{expected}");
        assert!(state.may_be_called(at(now + expected)), "{expected}");
        now += expected;
        assert!(state.begin(at(now)));
    }
    state.answered(false, None, at(now));
    assert!(state.may_be_called(at(now)));
    state.failed(code::CONNECTION_FAILED, &rules, None, at(now));
    assert!(state.may_be_called(at(now + 1000)), "the first again");
}

#[test]
fn after_a_suspension_one_call_tries() {
    let rules = TargetRules { suspend_ms: 100, ..TargetRules::default() };
    let state = TargetState::default();
    state.failed(code::CLOSED, &rules, None, at(0));
    assert!(state.may_be_called(at(100)));
    assert!(state.begin(at(100)));
    assert!(!state.begin(at(101)) && !state.may_be_called(at(101)), "somebody tries");
    assert!(state.may_be_called(at(5100)), "the trial never ended");
}

#[test]
fn only_named_codes_suspend_and_marked_ones_must_repeat() {
    let rules = TargetRules {
        suspend_codes: vec![code::CONNECTION_FAILED],
        suspend_ms: 1000,
        retry_codes: vec![code::TIMEOUT],
        retries_before_suspension: 2,
        ..TargetRules::default()
    };
    let state = TargetState::default();
    for _ in 0..10 {
        state.failed(code::PROTOCOL, &rules, None, at(0));
    }
    assert!(state.may_be_called(at(0)));
    state.failed(code::TIMEOUT, &rules, None, at(0));
    state.failed(code::TIMEOUT, &rules, None, at(0));
    assert!(state.may_be_called(at(0)));
    state.answered(false, None, at(0));
    for _ in 0..2 {
        state.failed(code::TIMEOUT, &rules, None, at(0));
    }
    assert!(state.may_be_called(at(0)), "a success starts the count again");
    state.failed(code::TIMEOUT, &rules, None, at(0));
    assert!(!state.may_be_called(at(999)));
}

#[test]
fn the_breaker_counts_errors_in_its_window() {
    let breaker = Breaker { max_in_flight: 2, error_percent: 50, minimum_calls: 4, window_seconds: 10, open_ms: 2000 };
    let state = Arc::new(TargetState::default());
    for failed in [true, false, true] {
        state.answered(failed, Some(&breaker), at(0));
    }
    assert!(state.may_be_called(at(0)), "too few calls to judge");
    state.answered(true, Some(&breaker), at(0));
    assert!(!state.may_be_called(at(1999)));
    assert!(state.may_be_called(at(2000)) && state.begin(at(2000)));
    state.answered(true, Some(&breaker), at(2000));
    assert!(!state.may_be_called(at(3999)), "the trial failed");
    assert!(state.begin(at(4000)));
    state.answered(false, Some(&breaker), at(4000));
    assert!(state.may_be_called(at(4000)));
    let first = InFlight::begin(&state, 2);
    let second = InFlight::begin(&state, 2);
    assert!(first.is_some() && second.is_some() && InFlight::begin(&state, 2).is_none());
    drop(first);
    assert!(InFlight::begin(&state, 2).is_some());
}

#[test]
fn health_changes_after_answers_in_a_row() {
    let check = HealthCheck {
        path: "/".into(),
        interval_seconds: 1,
        timeout_ms: 1000,
        unhealthy_after: 2,
        healthy_after: 3,
        statuses: Vec::new(),
    };
    let state = TargetState::default();
    for good in [false, true, false] {
        state.heard(good, &check);
        assert!(state.may_be_called(at(0)));
    }
    state.heard(false, &check);
    assert!(!state.may_be_called(at(0)));
    state.heard(true, &check);
    state.heard(true, &check);
    assert!(!state.may_be_called(at(0)));
    state.heard(true, &check);
    assert!(state.may_be_called(at(0)));
}
