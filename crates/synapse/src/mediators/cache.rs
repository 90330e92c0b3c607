//! `cache`

use std::time::Duration;

use crate::compile::Compiler;
use crate::flow::{Failure, Flow, PropertyScope};
use crate::host::Reply;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running, Step, run_steps};
use crate::message::{Headers, Message};
use crate::pattern::Pattern;
use crate::value::Value;
use crate::xml::Element;

pub(super) const CACHE: Mediator =
    Mediator { name: "cache", summary: "Answers again what was answered before.", compile };

const LARGEST: usize = 1 << 20;

#[derive(Debug)]
enum Cache {
    /// In the in sequence: looks for an answer.
    Find { keep: Duration, largest: usize, methods: Vec<String>, exclude: Vec<String>, hit: Vec<Step>, codes: Pattern },
    /// In the out sequence: keeps one.
    Collect,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    if compiler.flag(element, "collector", false) {
        return Some(Box::new(Cache::Collect));
    }
    let keep = match element.given("timeout") {
        Some(text) => Duration::from_secs(compiler.number(element, "timeout", text)?),
        None => Duration::from_secs(5000),
    };
    let largest = match element.given("maxMessageSize") {
        Some(text) => compiler.number::<i64>(element, "maxMessageSize", text)?,
        None => -1,
    };
    let hit = element.child("onCacheHit").map(|child| compiler.steps(child)).unwrap_or_default();
    let protocol = element.child("protocol");
    let list = |name: &str| -> Vec<String> {
        let text = protocol.and_then(|protocol| protocol.child_text(name)).unwrap_or_default();
        text.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let codes = protocol.and_then(|protocol| protocol.child_text("responseCodes")).filter(|text| !text.is_empty());
    let codes = compiler.pattern(element, codes.as_deref().unwrap_or(".*"))?;
    let largest = usize::try_from(largest).unwrap_or(LARGEST).min(LARGEST);
    let (methods, exclude) = (list("methods"), list("headersToExcludeInHash"));
    Some(Box::new(Cache::Find { keep, largest, methods, exclude, hit, codes }))
}

const KEY: &str = "cache.key";
const KEEP: &str = "cache.keep";
const SIZE: &str = "cache.size";
const CODES: &str = "cache.codes";

impl Cache {
    async fn find(&self, flow: &mut Flow) -> Outcome {
        let Self::Find { keep, largest, methods, exclude, hit, codes } = self else { return self.collect(flow) };
        if flow.response {
            return self.collect(flow);
        }
        let method = flow.property(PropertyScope::Axis2, "HTTP_METHOD").as_text();
        let all = methods.is_empty() || methods.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(&method));
        if !all {
            return Ok(Next::Continue);
        }
        let mut key = format!("{method} {}", flow.property(PropertyScope::Synapse, "To").as_text());
        let everything = exclude.iter().any(|name| name == "*");
        let mut headers: Vec<(String, String)> = flow
            .message
            .headers
            .iter()
            .filter(|(name, _)| !everything && !exclude.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        // Whoever is asked for an account of their own is not answered with that of another.
        headers.extend(
            flow.message.headers.get("Authorization").map(|value| ("authorization".to_owned(), value.to_owned())),
        );
        headers.sort();
        headers.dedup();
        headers.iter().for_each(|(name, value)| key.push_str(&format!("\n{name}: {value}")));
        key.push('\n');
        key.push_str(&flow.message.text()?);
        if let Some(reply) = flow.host().cached(&key) {
            flow.message = Message::raw(reply.headers, reply.body);
            flow.response = true;
            flow.axis2.insert("HTTP_SC".to_owned(), Value::Integer(i64::from(reply.status)));
            flow.axis2.remove("messageType");
            flow.axis2.remove("ContentType");
            if !hit.is_empty() {
                run_steps(hit, flow).await?;
            }
            return crate::engine::answer(flow);
        }
        flow.properties.insert(KEY.to_owned(), Value::text(key));
        flow.properties.insert(KEEP.to_owned(), Value::Integer(i64::try_from(keep.as_secs()).unwrap_or(i64::MAX)));
        flow.properties.insert(SIZE.to_owned(), Value::Integer(i64::try_from(*largest).unwrap_or(i64::MAX)));
        flow.properties.insert(CODES.to_owned(), Value::text(codes.source()));
        Ok(Next::Continue)
    }

    fn collect(&self, flow: &mut Flow) -> Outcome {
        let Some(key) = flow.properties.get(KEY).map(Value::as_text) else { return Ok(Next::Continue) };
        let number = |name: &str, flow: &Flow| match flow.properties.get(name) {
            Some(Value::Integer(value)) => u64::try_from(*value).unwrap_or(0),
            _ => 0,
        };
        let status = flow.property(PropertyScope::Axis2, "HTTP_SC").as_text();
        let codes = flow.properties.get(CODES).map(Value::as_text).unwrap_or_default();
        if !Pattern::new(&codes).and_then(|codes| codes.matches(&status)).map_err(Failure::new)? {
            return Ok(Next::Continue);
        }
        let private = flow
            .message
            .headers
            .get("Cache-Control")
            .is_some_and(|text| ["no-store", "private", "no-cache"].iter().any(|word| text.contains(word)));
        let keep = Duration::from_secs(number(KEEP, flow));
        let message_type = flow.message_type();
        let rendered = flow.message.clone().render(&message_type)?;
        if private || rendered.bytes.len() as u64 > number(SIZE, flow) {
            return Ok(Next::Continue);
        }
        let mut headers: Headers = flow.message.headers.clone();
        headers.remove("Set-Cookie");
        if let Some(content_type) = rendered.content_type {
            headers.set("Content-Type", content_type);
        }
        let reply = Reply { status: status.parse().unwrap_or(200), headers, body: rendered.bytes };
        flow.host().cache(&key, reply, keep);
        Ok(Next::Continue)
    }
}

impl Run for Cache {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        match self {
            Self::Collect => Running::Ready(self.collect(flow)),
            Self::Find { .. } => Running::waiting(self.find(flow)),
        }
    }
}
