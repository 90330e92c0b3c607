//! New snapshots while calls run, refused parts, starting and stopping.

use crate::platform::*;
use gateway::{ChangeError, Gateway, StartError};
use model::snapshot::*;
use model::{ApiId, Timestamp};
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn changes_under_load_fail_no_call() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (address, value) = (stack.address(), bearer().1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                let request =
                    format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {value}\r\n\r\n");
                while !stop.load(Ordering::Relaxed) {
                    stream.write_all(request.as_bytes()).unwrap();
                    let reply = read_reply(&mut stream).expect("an answer");
                    assert_eq!(reply.status, 200, "{}", reply.text());
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut n = 0;
        // A busy machine serves few calls in the time of 200 changes: go on until both are many.
        while n < 200 || calls.load(Ordering::Relaxed) < 200 && n < 20_000 {
            n += 1_u128;
            stack.publish(|s| {
                s.apis.truncate(1);
                s.apis.push(Arc::new(api(100 + n, &format!("/other{n}"), "http://127.0.0.1:1")));
                s.issuers[0].consumer_key_claim = (n % 2 == 0).then(|| "azp".into());
            });
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(calls.load(Ordering::Relaxed) >= 200 && stack.handle.snapshot_version() > 200, "{calls:?}");
}

/// A change of one API to what the snapshot would say.
fn delta(stack: &Stack, id: ApiId, deployed: Vec<DeployedApi>) -> Delta {
    let subscriptions = stack.snapshot.subscriptions.iter().filter(|s| s.api == id).cloned().collect();
    let change = ApiChange { api: id, deployed: deployed.into_iter().map(Arc::new).collect(), subscriptions };
    let from = stack.handle.snapshot_version();
    Delta { from, to: from + 1, apis: vec![change] }
}

#[test]
fn a_change_of_one_api_leaves_the_others_as_they_are() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let target = format!("http://{}/base", upstream.address);
    let (auth, other) = (bearer().1, ApiId::new(id(7)));
    let status = |path: &str| stack.get(path, &[("Authorization", &auth)]).status;
    stack.handle.change(&delta(&stack, other, vec![api(7, "/other", &target)])).unwrap();
    assert_eq!((status("/pizza/1.0.0/menu"), status("/other/1.0.0/open")), (200, 200));
    // Nobody subscribed to the new one.
    assert_eq!(status("/other/1.0.0/menu"), 403);
    let mut subscribed = delta(&stack, other, vec![api(7, "/other", &target)]);
    let mut subscription = stack.snapshot.subscriptions[0].clone();
    subscription.api = other;
    subscribed.apis[0].subscriptions.push(subscription);
    stack.handle.change(&subscribed).unwrap();
    assert_eq!((status("/pizza/1.0.0/menu"), status("/other/1.0.0/menu")), (200, 200));
    stack.handle.change(&delta(&stack, other, vec![])).unwrap();
    assert_eq!((status("/pizza/1.0.0/menu"), status("/other/1.0.0/open")), (200, 404));
}

#[test]
fn a_change_of_another_version_changes_nothing() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let own = stack.snapshot.apis[0].id;
    for from in [stack.handle.snapshot_version() + 1, 0] {
        let late = Delta { from, ..delta(&stack, own, vec![]) };
        let refused = stack.handle.change(&late);
        if from == stack.handle.snapshot_version() {
            continue;
        }
        assert!(matches!(refused, Err(ChangeError::Version(_))), "{refused:?}");
        assert_eq!(stack.get("/pizza/1.0.0/open", &[]).status, 200);
    }
}

#[test]
fn a_faulty_change_is_named_and_closes_only_its_api() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let target = format!("http://{}/base", upstream.address);
    // The context is taken: the earlier id keeps it, whichever came first.
    let refused = stack.handle.change(&delta(&stack, ApiId::new(id(7)), vec![api(7, "/pizza", &target)]));
    let Err(ChangeError::Refused(faults)) = refused else { panic!("{refused:?}") };
    assert!(faults.len() == 1 && faults[0].to_string().contains("has this context"), "{faults:?}");
    assert_eq!(stack.get("/pizza/1.0.0/open", &[]).status, 200);
    // With the one that had it gone, the other has it.
    stack.handle.change(&delta(&stack, stack.snapshot.apis[0].id, vec![])).unwrap();
    assert_eq!(stack.get("/pizza/1.0.0/open", &[]).status, 200);
    let mut broken = api(7, "/pizza", &target);
    broken.limit = Some("gone".into());
    assert!(stack.handle.change(&delta(&stack, ApiId::new(id(7)), vec![broken])).is_err());
    assert_eq!(stack.get("/pizza/1.0.0/open", &[]).status, 404, "not served in its earlier form");
}

#[test]
fn a_faulty_api_is_named_and_the_rest_is_served() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    type Break = fn(&mut DeployedApi);
    let breaks: [(&str, Break); 14] = [
        ("/carbon", |a| a.versioned_context = "/carbon/1.0.0".into()),
        ("reserved", |a| a.versioned_context = "/Services/1.0.0".into()),
        ("tenant", |a| a.versioned_context = "/t/other.com/x/1.0.0".into()),
        ("canonical", |a| a.versioned_context = "/a/../b".into()),
        ("canonical", |a| a.versioned_context = "relative".into()),
        ("has this context", |a| a.versioned_context = "/pizza/1.0.0".into()),
        ("X07", |a| {
            a.cors = Some(Cors {
                allow_origins: vec!["*".into()],
                allow_credentials: true,
                allow_headers: vec![],
                allow_methods: vec![],
                expose_headers: vec![],
            })
        }),
        ("not an http", |a| a.production.as_mut().unwrap().targets = vec!["ftp://x".into()]),
        ("targets", |a| a.production.as_mut().unwrap().targets.clear()),
        ("user name", |a| a.production.as_mut().unwrap().targets = vec!["http://u:secret@h/".into()]),
        ("\"gone\"", |a| a.limit = Some("gone".into())),
        ("noSuchPolicy", |a| {
            a.policies.request.push(PolicyUse {
                name: "noSuchPolicy".into(),
                version: "v1".into(),
                parameters: Default::default(),
            })
        }),
        ("limit policy", |a| {
            a.security.mutual_tls = true;
            a.client_certificates = vec![ClientCertificate {
                alias: "c".into(),
                der: vec![1],
                tier: "gone".into(),
                key_type: KeyType::Production,
                not_before: Timestamp::from_seconds(0),
                not_after: Timestamp::from_seconds(NOW * 2),
            }];
        }),
        ("malformed parameter", |a| a.resources[0].template = "/{x".into()),
    ];
    for (reason, change) in breaks {
        stack.snapshot.apis.truncate(1);
        let mut broken = api(2, "/broken", "http://127.0.0.1:1");
        change(&mut broken);
        stack.snapshot.apis.push(Arc::new(broken));
        let faults = stack.handle.publish(&stack.snapshot).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        let text = faults[0].to_string();
        assert!(text.contains("API Pizza:1.0.0") && text.contains(reason) && !text.contains("secret"), "{text}");
        assert_eq!(stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)]).status, 200);
        assert_eq!(stack.get("/broken/1.0.0/open", &[]).status, 404);
    }
}

#[test]
fn an_api_that_breaks_is_not_served_in_its_earlier_form() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    assert_eq!(stack.get("/pizza/1.0.0/open", &[]).status, 200);
    edit(&mut stack.snapshot, |api| api.limit = Some("gone".into()));
    assert!(stack.handle.publish(&stack.snapshot).is_err());
    assert_eq!(stack.get("/pizza/1.0.0/open", &[]).status, 404);
}

#[test]
fn stopping_drains() {
    let upstream = Upstream::start(|_| Act::Late(Duration::from_millis(700), ok(b"late", "")));
    let stack = Stack::start(upstream.address);
    let (address, value) = (stack.address(), bearer().1);
    let client = std::thread::spawn(move || {
        let request = format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {value}\r\n\r\n");
        send(address, request.as_bytes())
    });
    while upstream.heard() == 0 {
        std::thread::yield_now();
    }
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    assert_eq!(client.join().unwrap().unwrap().text(), "late");
    assert_eq!(log.records().len(), 1, "the log is complete after a stop");
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_taken_port_and_an_empty_configuration_are_refused() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let address = stack.address();
    let settings = |listeners| gateway::GatewaySettings {
        listeners,
        workers: 1,
        caps: gateway::Caps::default(),
        upstream_tls: gateway::upstream_tls(Vec::new()).unwrap(),
        egress: model::EgressRules::default(),
        realm: String::new(),
        default_cors: None,
        socket_origins: None,
        only_keys: None,
        authorization_header: String::new(),
        api_series: 2,
        usage: true,
        judge: None,
        basic_seconds: 60,
        introspection_seconds: 60,
        token_client: None,
        backend_token: None,
        client_certificate_chains: false,
        client_certificate_header: None,
        forward_authorization: false,
        proxies: gateway::Proxies::default(),
    };
    let listener = gateway::Listener { address, tls: None };
    let again = Gateway::start(settings(vec![listener]), stack.clock.clone(), stack.log.clone());
    assert!(matches!(again, Err(StartError::Listen { address: a, .. }) if a == address));
    let nothing = Gateway::start(settings(Vec::new()), stack.clock.clone(), stack.log.clone());
    assert!(matches!(nothing, Err(StartError::Nothing)));

    let listener = gateway::Listener { address: "127.0.0.1:0".parse().unwrap(), tls: None };
    let empty = Gateway::start(settings(vec![listener]), stack.clock.clone(), stack.log.clone()).unwrap();
    let request = b"GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert!(!empty.is_ready());
    assert_eq!(send(empty.addresses()[0], request).unwrap().status, 503, "not ready before the first snapshot");
    empty.publish(&stack.snapshot).unwrap();
    assert!(empty.is_ready());
    assert_eq!(send(empty.addresses()[0], request).unwrap().status, 401);
}
