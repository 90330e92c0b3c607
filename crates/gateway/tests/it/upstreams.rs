//! Upstreams that die, stall, lie or hide, and the connections to them.

use crate::platform::*;
use model::snapshot::{EndpointSecurity, EndpointStrategy};
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

fn menu(stack: &Stack) -> Reply {
    stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)])
}

fn dead_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn connections_are_reused() {
    let upstream =
        Upstream::start(|heard| Act::Answer(ok(format!("{} {}", heard.connection, heard.turn).as_bytes(), "")));
    let stack = Stack::with(upstream.address, |s| s.workers = 1, |_| ());
    for turn in 0..20 {
        assert_eq!(menu(&stack).text(), format!("0 {turn}"));
    }
    assert_eq!(stack.handle.metrics().upstream_connections, 1);
}

#[test]
fn a_connection_closed_while_idle_costs_the_client_nothing() {
    let upstream = Upstream::start(|heard| match heard.turn {
        0 => Act::Answer(ok(b"first", "")),
        _ => Act::Close,
    });
    let stack = Stack::with(upstream.address, |s| s.workers = 1, |_| ());
    for _ in 0..10 {
        assert_eq!(menu(&stack).status, 200);
    }
    // A POST may have had its effect: it is not repeated.
    let post = stack.call("POST", "/pizza/1.0.0/order", &[("Authorization", &bearer().1)], b"x");
    assert_eq!((post.status, post.code().as_str()), (502, "101503"));
}

#[test]
fn failures_have_codes() {
    let upstream = Upstream::start(|heard| {
        let garbage = |text: &str| Act::AnswerAndClose(text.as_bytes().to_vec());
        match heard.head.split(' ').nth(1).unwrap() {
            "/base/any/close" => Act::Close,
            "/base/any/garbage" => garbage("not HTTP at all\r\n\r\n"),
            "/base/any/late" => Act::Late(Duration::from_millis(1500), ok(b"late", "")),
            "/base/any/two-lengths" => garbage("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
            "/base/any/upgrade" => {
                garbage("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
            }
            "/base/any/huge-head" => garbage(&format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(1 << 20))),
            "/base/any/early" => {
                garbage("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
            }
            _ => garbage("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
        }
    });
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            edit(s, |api| {
                api.production.as_mut().unwrap().timeout_ms = 500;
            })
        },
    );
    let call = |path: &str| stack.get(&format!("/pizza/1.0.0/any/{path}"), &[("Authorization", &bearer().1)]);
    for (path, status, code) in [
        ("close", 502, "101503"),
        ("garbage", 502, "101503"),
        ("late", 504, "101504"),
        ("two-lengths", 502, "101503"),
        ("upgrade", 502, "101503"),
        ("huge-head", 502, "101503"),
        ("early", 204, ""),
        ("to-the-end", 200, ""),
    ] {
        let reply = call(path);
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        if !code.is_empty() {
            assert_eq!(reply.code(), code, "{path}");
        }
    }
    assert_eq!(call("to-the-end").text(), "until the end");
    let metrics = stack.handle.metrics();
    assert_eq!(metrics.faults.get(&101_504), Some(&1));
}

#[test]
fn an_answer_that_breaks_off_is_not_passed_as_whole() {
    let upstream =
        Upstream::start(|_| Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this".to_vec()));
    let stack = Stack::start(upstream.address);
    let request = format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", bearer().1);
    assert!(send(stack.address(), request.as_bytes()).is_none(), "the connection breaks off too");
    let log = std::sync::Arc::clone(&stack.log);
    stack.handle.stop();
    assert_eq!(log.records()[0]["complete"], false);
}

#[test]
fn nobody_there_is_502_and_failover_goes_on() {
    let dead = dead_port();
    let upstream = Upstream::echo();
    let mut stack = Stack::start(dead);
    assert_eq!((menu(&stack).status, menu(&stack).code().as_str()), (502, "101503"));
    let live = upstream.address;
    stack.publish(|s| {
        edit(s, |api| {
            let endpoint = api.production.as_mut().unwrap();
            endpoint.strategy = EndpointStrategy::Failover;
            endpoint.targets = vec![format!("http://{dead}"), format!("http://{live}")];
        })
    });
    assert_eq!(menu(&stack).status, 200);
    let post = stack.call("POST", "/pizza/1.0.0/order", &[("Authorization", &bearer().1)], b"body");
    assert!(post.status == 200 && post.text().ends_with("body"), "an unsent body goes to the next target");
}

#[test]
fn round_robin_visits_all() {
    let upstreams: Vec<Upstream> =
        (1..=3).map(|n| Upstream::start(move |_| Act::Answer(ok(format!("File {n}").as_bytes(), "")))).collect();
    let targets = upstreams.iter().map(|u| format!("http://{}", u.address)).collect::<Vec<_>>();
    let stack = Stack::with(
        upstreams[0].address,
        |_| (),
        |s| {
            edit(s, |api| {
                let endpoint = api.production.as_mut().unwrap();
                endpoint.strategy = EndpointStrategy::RoundRobin;
                endpoint.targets = targets;
            })
        },
    );
    for _ in 0..9 {
        assert_eq!(menu(&stack).status, 200);
    }
    assert!(
        upstreams.iter().all(|u| u.heard() == 3),
        "{:?}",
        upstreams.iter().map(Upstream::heard).collect::<Vec<_>>()
    );
}

#[test]
fn the_gateway_proves_itself() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    let mut secure = |security| {
        stack.publish(|s| edit(s, |api| api.production.as_mut().unwrap().security = Some(security)));
        menu(&stack).text()
    };
    let basic = secure(EndpointSecurity::Basic { username: "prodUser".into(), password: "prodPass".into() });
    assert!(basic.contains("authorization: Basic cHJvZFVzZXI6cHJvZFBhc3M="), "{basic}");
    let header = secure(EndpointSecurity::ApiKey { name: "X-Key".into(), value: "v".into(), in_query: false });
    assert!(header.contains("x-key: v"), "{header}");
    let query = secure(EndpointSecurity::ApiKey { name: "k".into(), value: "a b".into(), in_query: true });
    assert!(query.starts_with("GET /base/menu?k=a%20b "), "{query}");
}

#[test]
fn endpoints_may_use_variables_of_the_template() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    let mut first_line = |endpoint: &str, template: &str, path: &str| {
        let (targets, template) = (vec![format!("http://{}{endpoint}", upstream.address)], template.to_owned());
        stack.publish(|s| {
            edit(s, |api| {
                api.production.as_mut().unwrap().targets = targets;
                api.resources = vec![resource("GET", &template)];
            });
        });
        let reply = stack.get(&format!("/pizza/1.0.0{path}"), &[("Authorization", &bearer().1)]);
        if reply.status == 200 { reply.text().lines().next().unwrap().to_owned() } else { reply.code() }
    };
    assert_eq!(first_line("/echo/sub{uri.var.v}", "/{v}", "/seg"), "GET /echo/subseg/seg HTTP/1.1");
    assert_eq!(first_line("/echo/sub{uri.var.v}", "/{v}", "/a%2815%29"), "GET /echo/suba%2815%29/a%2815%29 HTTP/1.1");
    let query = |mark: &str| format!("/sub?p={{{mark}uri.var.v}}");
    assert_eq!(first_line(&query(""), "/q?p={+v}", "/q?p=A:B"), "GET /sub?p=A%3AB HTTP/1.1");
    assert_eq!(first_line(&query("+"), "/q?p={+v}", "/q?p=A:B"), "GET /sub?p=A:B HTTP/1.1");
    assert_eq!(first_line("/files/{+uri.var.v}", "/q?p={+v}", "/q?p=../../admin"), "400", "no way out of the endpoint");
    assert_eq!(first_line("/files/{uri.var.v}", "/q?p={v}", "/q?p=..%2Fadmin"), "400");
}

#[test]
fn internal_networks_are_not_called_unless_listed() {
    let upstream = Upstream::echo();
    let closed = Stack::with(upstream.address, |s| s.egress.allowed.clear(), |_| ());
    assert_eq!((menu(&closed).status, menu(&closed).code().as_str()), (502, "303001"));
    let mut open = Stack::with(
        upstream.address,
        |s| s.egress = model::EgressRules::with_networks(["0.0.0.0/0".parse().unwrap()]),
        |_| (),
    );
    for target in ["http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/", "http://0.0.0.0/"] {
        open.publish(|s| edit(s, |api| api.production.as_mut().unwrap().targets = vec![target.into()]));
        assert_eq!(menu(&open).code(), "303001", "{target}");
    }
    assert_eq!(upstream.heard(), 0);
}

#[test]
fn bodies_stream_both_ways() {
    let upstream = Upstream::start(|heard| Act::Answer(ok(&heard.body, "")));
    let stack = Stack::start(upstream.address);
    let large = vec![b'z'; 8 * 1024 * 1024];
    let reply = stack.call("POST", "/pizza/1.0.0/order", &[("Authorization", &bearer().1)], &large);
    assert_eq!(reply.body.len(), large.len());
    let chunked = format!(
        "POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        bearer().1
    );
    assert_eq!(send(stack.address(), chunked.as_bytes()).unwrap().text(), "abcde");
}

#[test]
fn expect_continue_is_answered() {
    let upstream = Upstream::start(|heard| Act::Answer(ok(&heard.body, "")));
    let stack = Stack::start(upstream.address);
    let mut stream = TcpStream::connect(stack.address()).unwrap();
    let head = format!(
        "POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
        bearer().1
    );
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(read_reply(&mut stream).unwrap().status, 100);
    stream.write_all(b"abc").unwrap();
    assert_eq!(read_reply(&mut stream).unwrap().text(), "abc");
    assert_eq!(upstream.requests.load(Ordering::SeqCst), 1);
}
