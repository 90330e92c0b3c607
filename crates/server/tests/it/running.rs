//! A server that runs, is killed, or gets new certificates.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::installation::{Installation, pause};

#[test]
fn a_kill_in_the_middle_of_writes_loses_nothing_acknowledged() {
    let there = Installation::new("");
    let server = there.serve();
    let killed = AtomicBool::new(false);
    let acknowledged = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (there, killed) = (&there, &killed);
                scope.spawn(move || {
                    let mut done = Vec::new();
                    for number in 0..10_000 {
                        let name = format!("app-{writer}-{number}");
                        let body = format!("{{\"name\":\"{name}\",\"throttlingPolicy\":\"Unlimited\"}}");
                        let answer = there.local("POST", "/api/am/devportal/v3/applications", &body);
                        if answer.starts_with("HTTP/1.1 201") {
                            done.push(name);
                        } else {
                            assert!(killed.load(Ordering::SeqCst), "{answer}");
                            break;
                        }
                    }
                    done
                })
            })
            .collect();
        while there.local("GET", "/api/am/devportal/v3/applications?query=app-0-12", "").contains("\"count\":0") {
            pause();
        }
        killed.store(true, Ordering::SeqCst);
        server.signal("KILL");
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(acknowledged.len() > 10, "{}", acknowledged.len());
    drop(server);
    let server = there.serve();
    let listed = there.local("GET", "/api/am/devportal/v3/applications?limit=100000", "");
    for name in &acknowledged {
        assert!(listed.contains(&format!("\"{name}\"")), "{name} was acknowledged and is lost");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_new_certificate_is_served_without_dropping_a_connection() {
    let there = Installation::new("");
    let server = there.serve();
    let request = format!("GET /setup HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", 9443 + there.offset);
    let mut open = there.connect(9443);
    let before = open.certificate();
    assert!(open.exchange(&request).starts_with("HTTP/1.1 200"));
    there.run(&["keystore", "generate"]).succeeded();
    server.signal("HUP");
    for port in [9443, 8243, 9201] {
        let mut tries = 0;
        while there.connect(port).certificate() == before {
            tries += 1;
            assert!(tries < 1000, "port {port} keeps the former certificate");
            pause();
        }
    }
    assert!(open.exchange(&request).starts_with("HTTP/1.1 200"), "the open connection goes on");
    // A faulty one is refused, and the present one stays.
    let present = there.connect(9443).certificate();
    std::fs::write(there.home.join("security/tls.pem"), "nonsense").unwrap();
    server.signal("HUP");
    while !there.said().contains("the new TLS certificate is not used") {
        pause();
    }
    assert_eq!(there.connect(9443).certificate(), present);
}

#[test]
fn no_answer_names_a_product() {
    let there = Installation::new("");
    let _server = there.serve();
    for (port, path) in [(9443, "/"), (9443, "/setup"), (9443, "/nothing"), (9443, "/scim2/Users"), (9201, "/metrics")]
    {
        let answer = there.get(port, path);
        let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
        for word in ["server:", "x-powered-by", "portcullis", "hyper", "axum", "rust", "carbon"] {
            assert!(!head.contains(word), "{path}: {head}");
        }
        assert!(head.contains("strict-transport-security: max-age=31536000"), "{path}: {head}");
    }
    let gateway = there.get(8243, "/nothing").to_lowercase();
    assert!(!gateway.contains("server:") && !gateway.contains("portcullis"), "{gateway}");
}

#[test]
fn logs_cannot_be_forged_by_requests() {
    let there = Installation::new("[logging]\nfile = \"logs/server.log\"\nlevel = \"debug\"\n");
    let server = there.serve();
    let name = "x\\n2026-11-21T00:00:00.000Z INFO forged tenant=-1234";
    let body = format!("{{\"name\":\"{name}\",\"throttlingPolicy\":\"Unlimited\"}}");
    there.local("POST", "/api/am/devportal/v3/applications", &body);
    there.get(8243, "/a%0A2026-11-21T00:00:00.000Z%20INFO%20forged");
    server.stop();
    for log in ["server.log", "access.log"] {
        let text = std::fs::read_to_string(there.home.join("logs").join(log)).unwrap();
        assert!(!text.is_empty());
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{log}: {e}: {line}"));
            let id: uuid::Uuid = record["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(id.get_version_num(), 7, "{log}");
            assert!(record["tenant"].is_string(), "{log}: {line}");
        }
    }
}

#[test]
fn metrics_count_calls() {
    let there = Installation::new("");
    let _server = there.serve();
    for _ in 0..3 {
        there.get(8243, "/nothing/1.0.0/x");
    }
    let page = there.get(9201, "/metrics");
    assert!(
        page.contains("gateway_requests_total 3") && page.contains("gateway_answers_total{class=\"4xx\"} 3"),
        "{page}"
    );
    assert!(page.ends_with("# EOF\n"));
}
