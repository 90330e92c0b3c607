//! Inbound endpoints: HTTP on a port of its own, and files.

use std::time::{Duration, Instant};

use crate::backend::{Backend, dead};
use crate::harness::{Running, Wanted, request};

fn sequence(name: &str, inside: &str) -> String {
    format!("<sequence @NS name=\"{name}\">{inside}</sequence>")
}

fn inbound(name: &str, protocol: &str, parameters: &[(&str, &str)]) -> String {
    let parameters: String =
        parameters.iter().map(|(name, value)| format!("<parameter name=\"{name}\">{value}</parameter>")).collect();
    format!(
        "<inboundEndpoint @NS name=\"{name}\" protocol=\"{protocol}\" sequence=\"in\" onError=\"err\" suspend=\"false\">\
         <parameters>{parameters}</parameters></inboundEndpoint>"
    )
}

const STATUS: &str = "<property name=\"HTTP_SC\" value=\"209\" scope=\"axis2\"/><respond/>";

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is().await {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_of_its_own_comes_and_goes_with_its_artifact() {
    let port = dead().await;
    let text = inbound("http", "http", &[("inbound.http.port", &port.to_string())]);
    let err = "<property name=\"HTTP_SC\" value=\"599\" scope=\"axis2\"/><respond/>";
    let in_sequence = "<filter source=\"get-property('query.param.fail')\" regex=\"1\"><then><throwError type=\"T\" errorMessage=\"x\"/></then></filter><respond/>";
    let running = Running::start(&[
        ("inbound-endpoints/http.xml", text),
        ("sequences/in.xml", sequence("in", in_sequence)),
        ("sequences/err.xml", sequence("err", err)),
    ])
    .await;
    let address = ([127, 0, 0, 1], port).into();
    until("it listens", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
    let kind = [("Content-Type", "application/json")];
    assert_eq!(request(address, "POST", "/any/path", &kind, b"{\"a\":1}").await.body, "{\"a\":1}");
    assert_eq!(request(address, "GET", "/?fail=1", &[], b"").await.status, 599);
    // Its sequence is exchanged without the port being closed.
    running.put("sequences/in.xml", &sequence("in", STATUS));
    running.integrator.rescan().await;
    assert_eq!(request(address, "GET", "/", &[], b"").await.status, 209);
    // A second one on the same port is refused, and the first one stays.
    running.put("inbound-endpoints/same.xml", &inbound("same", "http", &[("inbound.http.port", &port.to_string())]));
    let report = running.integrator.rescan().await;
    assert!(report.refused[0].faults[0].what.contains("port"), "{report:?}");
    for (name, port) in [("word", "x"), ("zero", "0"), ("large", "70000")] {
        running.put(&format!("inbound-endpoints/{name}.xml"), &inbound(name, "http", &[("inbound.http.port", port)]));
    }
    assert_eq!(running.integrator.rescan().await.refused.len(), 4);
    assert_eq!(request(address, "GET", "/", &[], b"").await.status, 209);
    running.remove("inbound-endpoints/http.xml");
    // With the first one gone, the one that waited gets the port.
    running.integrator.rescan().await;
    until("the second has the port", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
    running.remove("inbound-endpoints/same.xml");
    running.integrator.rescan().await;
    until("the port is closed", async || tokio::net::TcpStream::connect(address).await.is_err()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_become_messages_once() {
    let backend = Backend::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (incoming, done, failed) = (folder.path().join("in"), folder.path().join("done"), folder.path().join("failed"));
    std::fs::create_dir_all(&incoming).unwrap();
    let uri = |path: &std::path::Path| format!("file://{}", path.display());
    let text = inbound(
        "files",
        "file",
        &[
            ("transport.vfs.FileURI", &uri(&incoming)),
            ("transport.vfs.FileNamePattern", r".*\.json"),
            ("transport.vfs.ContentType", "application/json"),
            ("transport.vfs.ActionAfterProcess", "MOVE"),
            ("transport.vfs.MoveAfterProcess", &uri(&done)),
            ("transport.vfs.ActionAfterFailure", "MOVE"),
            ("transport.vfs.MoveAfterFailure", &uri(&failed)),
            ("interval", "100"),
        ],
    );
    let flow = format!(
        "<property name=\"kind\" expression=\"json-eval($.kind)\"/><filter source=\"get-property('kind')\" regex=\"bad\"><then>\
         <throwError type=\"T\" errorMessage=\"bad one\"/></then></filter>\
         <call><endpoint><http method=\"post\" uri-template=\"http://{}/count/file\"/></endpoint></call>",
        backend.address()
    );
    let allowed = folder.path().to_owned();
    let wanted =
        Wanted { settings: Box::new(move |settings| settings.file_directories = vec![allowed]), ..Wanted::default() };
    let running = Running::with(
        &[
            ("inbound-endpoints/files.xml", text),
            ("sequences/in.xml", sequence("in", &flow)),
            ("sequences/err.xml", sequence("err", "<log/>")),
        ],
        wanted,
    )
    .await;
    assert!(running.report.refused.is_empty(), "{:?}", running.report);
    std::fs::write(incoming.join("a.json"), r#"{"kind":"good"}"#).unwrap();
    std::fs::write(incoming.join("b.json"), r#"{"kind":"bad"}"#).unwrap();
    std::fs::write(incoming.join("c.txt"), "other").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", incoming.join("d.json")).unwrap();
    until("both are moved", async || done.join("a.json").exists() && failed.join("b.json").exists()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(backend.calls("/count/file"), 1);
    assert!(incoming.join("c.txt").exists() && incoming.join("d.json").exists());
    // The same name again does not replace what was moved.
    std::fs::write(incoming.join("a.json"), r#"{"kind":"good2"}"#).unwrap();
    until("the second is moved", async || done.join("a.json.1").exists()).await;
    assert_eq!(backend.calls("/count/file"), 2);
    running.integrator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directories_that_are_not_allowed() {
    let allowed = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(other.path(), allowed.path().join("link")).unwrap();
    let base = allowed.path().to_owned();
    let wanted =
        Wanted { settings: Box::new(move |settings| settings.file_directories = vec![base]), ..Wanted::default() };
    let running = Running::with(&[("sequences/in.xml", sequence("in", "<log/>"))], wanted).await;
    let uris = [
        "file:///etc".to_owned(),
        format!("file://{}/../x", allowed.path().display()),
        format!("file://{}/link", allowed.path().display()),
        "sftp://host/in".to_owned(),
        "relative".to_owned(),
        String::new(),
    ];
    for (number, uri) in uris.iter().enumerate() {
        running.put(
            &format!("inbound-endpoints/{number}.xml"),
            &inbound(&format!("f{number}"), "file", &[("transport.vfs.FileURI", uri)]),
        );
    }
    let report = running.integrator.rescan().await;
    assert_eq!(report.refused.len(), uris.len(), "{report:?}");
}
