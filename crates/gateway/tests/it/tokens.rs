//! Plans that count the tokens of language models.

use crate::platform::*;
use model::snapshot::*;

fn stack(upstream: &Upstream, tokens: TokenQuota) -> Stack {
    Stack::with(
        upstream.address,
        |_| (),
        |s| {
            edit(s, |api| {
                let path = |last: &str| vec!["usage".to_owned(), last.to_owned()];
                api.token_usage = Some(TokenUsage { prompt: path("in"), completion: path("out"), total: path("all") });
            });
            let mut plan = limit(LimitLevel::Subscription, "AI", 1000);
            plan.tokens = Some(tokens);
            s.limits.push(plan);
            s.subscriptions[0].plan = "AI".into();
        },
    )
}

fn ask(stack: &Stack) -> Reply {
    let (name, value) = bearer();
    stack.call("POST", "/pizza/1.0.0/order", &[(name, &value), ("Accept-Encoding", "gzip")], b"{\"model\":\"m\"}")
}

const NONE: TokenQuota = TokenQuota { prompt: None, completion: None, total: None, window_seconds: 60 };

#[test]
fn a_plan_ends_with_its_tokens_and_begins_with_its_window() {
    let upstream = Upstream::start(|heard| {
        assert!(
            !heard.head.to_ascii_lowercase().contains("accept-encoding"),
            "an answer that can be read: {}",
            heard.head
        );
        let body = br#"{"id":"1","usage":{"in":12,"out":346,"all":358}}"#;
        Act::Answer(ok(body, "Content-Type: application/json\r\n"))
    });
    for (tokens, allowed) in [
        (TokenQuota { total: Some(300), ..NONE }, 1),
        (TokenQuota { total: Some(359), ..NONE }, 2),
        (TokenQuota { prompt: Some(24), total: Some(1_000_000), ..NONE }, 2),
        (TokenQuota { completion: Some(1), ..NONE }, 1),
    ] {
        let stack = stack(&upstream, tokens);
        for _ in 0..allowed {
            let reply = ask(&stack);
            assert_eq!((reply.status, reply.json()["usage"]["all"].as_u64()), (200, Some(358)));
        }
        let heard = upstream.heard();
        let reply = ask(&stack);
        assert_eq!((reply.status, reply.code().as_str()), (429, "900804"));
        assert!(reply.header("ratelimit-policy").unwrap().contains("tokens"));
        assert_eq!(upstream.heard(), heard, "a refused call costs nothing");
        stack.clock.advance(60);
        assert_eq!(ask(&stack).status, 200);
    }
}

#[test]
fn answers_that_do_not_say_are_charged_by_length_and_refusals_are_not_charged() {
    let events = Upstream::start(|_| {
        let body = format!("data: {}\n\ndata: [DONE]\n\n", "x".repeat(400));
        Act::Answer(ok(body.as_bytes(), "Content-Type: text/event-stream\r\n"))
    });
    let stack = stack(&events, TokenQuota { total: Some(50), ..NONE });
    assert!(ask(&stack).text().ends_with("data: [DONE]\n\n"));
    assert_eq!(ask(&stack).status, 429);

    let failing = Upstream::start(|_| Act::Answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy".to_vec()));
    let stack = self::stack(&failing, TokenQuota { total: Some(1), ..NONE });
    for _ in 0..3 {
        assert_eq!(ask(&stack).status, 503);
    }
}
