//! Behaviour over real sockets.

mod harness;

use harness::{Running, api};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_answers() {
    let payload = r#"<payloadFactory media-type="json"><format>{"a":"$1"}</format><args>
        <arg evaluator="json" expression="$.b"/></args></payloadFactory><respond/>"#;
    let running = Running::start(&[("api/t.xml", api(payload))]).await;
    assert!(running.report.refused.is_empty(), "{:?}", running.report);
    let answer = running.post("/t/x", "application/json", r#"{"b":"c"}"#).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"a":"c"}"#));
    assert_eq!(running.get("/nowhere").await.status, 404);
}
