//! Sending a message to an endpoint: addresses, groups, suspension.

use std::sync::Arc;
use std::time::Duration;

use super::{Endpoint, Format, Kind, Member, Settings, TimeoutAction};
use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow, PropertyScope};
use crate::host::{Inbound, Outbound, Waiting};
use crate::message::{Headers, Message, media_type};
use crate::value::Value;
use crate::xml::{Document, Element, Limits};

/// What came of a sending.
#[derive(Debug)]
pub(crate) enum Answer {
    /// An answer.
    Message(Inbound),
    /// Nothing is to be done with it: a timeout that is discarded, or several recipients that were answered for.
    Nothing,
    /// Answers of several recipients.
    Many(Vec<Inbound>),
}

type Sent<'a> = Waiting<'a, Result<Answer, Failure>>;

const SUSPENDED: i64 = 303_001;
const TIMEOUT: i64 = 101_504;
/// Recipients of one list.
const RECIPIENTS: usize = 256;

/// Sends the flow's message to a member; without one, to where the message itself says.
pub(crate) fn send<'a>(member: Option<&'a Member>, flow: &'a mut Flow) -> Sent<'a> {
    Box::pin(async move {
        match member {
            Some(member) => to_member(member, flow).await,
            None => {
                let settings = Settings::default();
                let to = target_of(flow)?;
                let request = outbound(flow, to, Format::AsIs, None, &settings, "")?;
                attempt(flow, request).await.map(Answer::Message)
            }
        }
    })
}

fn to_member<'a>(member: &'a Member, flow: &'a mut Flow) -> Sent<'a> {
    Box::pin(async move {
        match member {
            Member::Inline(endpoint) => to_endpoint(endpoint, flow).await,
            Member::Key(key) => {
                let name = key.text(flow)?;
                let endpoint = find(flow, name.trim())?;
                to_endpoint(&endpoint, flow).await
            }
        }
    })
}

fn find(flow: &Flow, name: &str) -> Result<Arc<Endpoint>, Failure> {
    let configuration = &flow.exchange.configuration;
    if let Some(endpoint) = configuration.endpoint(name) {
        return Ok(endpoint);
    }
    // A registry resource or local entry may hold the endpoint.
    if let Some(text) = configuration.text_of(name) {
        return parse(&text).map(Arc::new);
    }
    Err(Failure::with_code(305_100, format!("the endpoint {name} is not deployed"), ""))
}

fn parse(text: &str) -> Result<Endpoint, Failure> {
    let document = Document::parse(text, Limits::ARTIFACT).map_err(|e| Failure::new(format!("the endpoint: {e}")))?;
    let mut compiler = Compiler::new();
    let endpoint = Element::root(&document).and_then(|root| super::compile(&mut compiler, root));
    match (endpoint, compiler.faults.first()) {
        (Some(endpoint), None) => Ok(endpoint),
        (_, Some(fault)) => Err(Failure::new(format!("the endpoint: {fault}"))),
        (None, None) => Err(Failure::new("the endpoint names no address")),
    }
}

fn to_endpoint<'a>(endpoint: &'a Endpoint, flow: &'a mut Flow) -> Sent<'a> {
    Box::pin(async move {
        flow.enter()?;
        let result = choose(endpoint, flow).await;
        flow.leave();
        result
    })
}

async fn choose(endpoint: &Endpoint, flow: &mut Flow) -> Result<Answer, Failure> {
    for (scope, name, template) in &endpoint.properties {
        let value = Value::text(template.text(flow)?);
        match PropertyScope::parse(scope) {
            Some(PropertyScope::Axis2) => flow.axis2.insert(name.clone(), value),
            Some(PropertyScope::Transport) => {
                flow.message.headers.set(name, value.as_text());
                None
            }
            _ => flow.properties.insert(name.clone(), value),
        };
    }
    match &endpoint.kind {
        Kind::Failover { members } => failover(endpoint, members, 0, flow).await,
        Kind::LoadBalance { members, failover: retry, weights, session } => {
            let start = next_member(endpoint, members.len(), weights, *session, flow);
            if *retry {
                return failover(endpoint, members, start, flow).await;
            }
            match members.get(start) {
                Some(member) => to_member(member, flow).await,
                None => Err(Failure::new("the group has no endpoint")),
            }
        }
        Kind::RecipientList { members, dynamic } => recipients(members, dynamic.as_ref(), flow).await,
        Kind::Template { target, uri, parameters } => {
            let mut values = vec![("name".to_owned(), endpoint.name.clone())];
            if let Some(uri) = uri {
                values.push(("uri".to_owned(), uri.clone()));
            }
            for (name, value) in parameters {
                values.push((name.clone(), value.text(flow)?));
            }
            let Some(template) = flow.exchange.configuration.endpoint_template(target) else {
                return Err(Failure::with_code(305_100, format!("the template {target} is not deployed"), ""));
            };
            let Kind::Pattern { text } = &template.endpoint.kind else {
                return to_endpoint(&template.endpoint, flow).await;
            };
            let made = parse(&fill(text, &values))?;
            to_endpoint(&made, flow).await
        }
        Kind::Pattern { text } => {
            let made = parse(text)?;
            to_endpoint(&made, flow).await
        }
        _ => leaf(endpoint, flow).await,
    }
}

/// Puts parameters for `$name`, the longest names first, escaped for an attribute.
fn fill(text: &str, values: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = values.iter().collect();
    sorted.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    sorted.iter().fold(text.to_owned(), |text, (name, value)| {
        let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        text.replace(&format!("${name}"), &value)
    })
}

async fn failover(endpoint: &Endpoint, members: &[Member], start: usize, flow: &mut Flow) -> Result<Answer, Failure> {
    let mut last = Failure::with_code(303_000, "no endpoint of the group is ready", endpoint.name.clone());
    for offset in 0..members.len() {
        let Some(member) = members.get((start + offset) % members.len()) else { continue };
        let mut attempt = flow.clone();
        match to_member(member, &mut attempt).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

fn next_member(endpoint: &Endpoint, count: usize, weights: &[u32], session: bool, flow: &Flow) -> usize {
    let Ok(mut state) = endpoint.state.lock() else { return 0 };
    let cookie = flow.message.headers.get("Cookie").map(str::to_owned).filter(|_| session);
    if let Some(known) = cookie.as_ref().and_then(|cookie| state.sessions.get(cookie)) {
        return *known;
    }
    let slots: Vec<usize> = (0..count)
        .flat_map(|index| std::iter::repeat_n(index, weights.get(index).copied().unwrap_or(1) as usize))
        .collect();
    let chosen = slots.get(state.next % slots.len().max(1)).copied().unwrap_or(0);
    state.next = state.next.wrapping_add(1);
    if let Some(cookie) = cookie
        && state.sessions.len() < 10_000
    {
        state.sessions.insert(cookie, chosen);
    }
    chosen
}

async fn recipients(members: &[Member], dynamic: Option<&Template>, flow: &mut Flow) -> Result<Answer, Failure> {
    let mut answers = Vec::new();
    let mut failed = None;
    let addresses: Vec<String> = match dynamic {
        Some(list) => {
            list.text(flow)?.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        }
        None => Vec::new(),
    };
    if addresses.len() > RECIPIENTS {
        return Err(Failure::new(format!("the recipient list has more than {RECIPIENTS} entries")));
    }
    for member in members {
        let mut copy = flow.clone();
        match to_member(member, &mut copy).await {
            Ok(Answer::Message(answer)) => answers.push(answer),
            Ok(_) => {}
            Err(failure) => failed = Some(failure),
        }
    }
    for address in addresses {
        let mut copy = flow.clone();
        let request = outbound(&mut copy, address, Format::AsIs, None, &Settings::default(), "")?;
        match attempt(&copy, request).await {
            Ok(answer) => answers.push(answer),
            Err(failure) => failed = Some(failure),
        }
    }
    match failed {
        Some(failure) if answers.is_empty() => Err(failure),
        _ => Ok(Answer::Many(answers)),
    }
}

/// Where a message without endpoint goes: the property `To`.
fn target_of(flow: &mut Flow) -> Result<String, Failure> {
    let to = flow.property(PropertyScope::Synapse, "To").as_text();
    if to.contains("://") {
        return Ok(to);
    }
    Err(Failure::with_code(305_100, "the message names no address to be sent to", format!("To is {to:?}")))
}

async fn leaf(endpoint: &Endpoint, flow: &mut Flow) -> Result<Answer, Failure> {
    if let Some(reason) = endpoint.settings.closed {
        return Err(Failure::with_code(305_100, reason, endpoint.name.clone()));
    }
    let now = flow.host().now();
    if let Ok(state) = endpoint.state.lock()
        && state.suspended_until.is_some_and(|until| until > now)
    {
        let text = format!("the endpoint {} is suspended", endpoint.name);
        return Err(Failure::with_code(SUSPENDED, text, ""));
    }
    let (address, format, method) = match &endpoint.kind {
        Kind::Address { uri, format } => (uri.text(flow)?.trim().to_owned(), *format, None),
        Kind::Http { uri, method } => {
            // What came after the address of our own API is not appended: the template says all of the address.
            flow.axis2.remove("REST_URL_POSTFIX");
            let address = match uri {
                Some(uri) => uri.text_with(flow, |value| crate::text::encode_loose(&value.as_text()))?,
                None => target_of(flow)?,
            };
            let method = match method {
                Some(method) => Some(method.text(flow)?.to_ascii_uppercase()),
                None => None,
            };
            (address, Format::AsIs, method)
        }
        Kind::Wsdl { address: Some(address), format, .. } => (address.clone(), *format, None),
        Kind::Wsdl { uri, format, .. } => (wsdl_address(flow, uri).await?, *format, None),
        Kind::Default { format } => (target_of(flow)?, *format, None),
        _ => return Err(Failure::new("the endpoint names no address")),
    };
    let mut request = outbound(flow, address, format, method, &endpoint.settings, &endpoint.name)?;
    if let Some(timeout) = &endpoint.settings.timeout_expression {
        let text = timeout.text(flow)?;
        let millis = text.trim().parse().map_err(|_| Failure::new(format!("the timeout {text:?} is not a number")))?;
        request.timeout = Some(Duration::from_millis(millis));
    }
    let settings = &endpoint.settings;
    let mut retries = settings.retries;
    loop {
        match attempt(flow, request.clone()).await {
            Ok(answer) => {
                if let Ok(mut state) = endpoint.state.lock() {
                    state.suspended_until = None;
                    state.failures = 0;
                }
                return Ok(Answer::Message(answer));
            }
            Err(failure) => {
                let marked = settings.mark_codes.is_empty() && failure.code == TIMEOUT
                    || settings.mark_codes.contains(&failure.code);
                if marked && retries > 0 && !settings.retry_disabled.contains(&failure.code) {
                    retries -= 1;
                    flow.host().sleep(settings.retry_delay).await;
                    continue;
                }
                suspend(endpoint, flow, failure.code);
                if failure.code == TIMEOUT && settings.action == TimeoutAction::Discard {
                    return Ok(Answer::Nothing);
                }
                return Err(failure);
            }
        }
    }
}

fn suspend(endpoint: &Endpoint, flow: &Flow, code: i64) {
    let settings = &endpoint.settings;
    let suspends = settings.suspend_codes.is_empty() || settings.suspend_codes.contains(&code);
    let Some(initial) = settings.initial.filter(|_| suspends) else { return };
    let Ok(mut state) = endpoint.state.lock() else { return };
    let next = if state.failures == 0 { initial } else { state.last.mul_f64(settings.factor.clamp(0.0, 1000.0)) };
    state.last = next.min(settings.longest).min(Duration::from_secs(86_400));
    state.failures = state.failures.saturating_add(1);
    state.suspended_until = Some(flow.host().now().plus(state.last));
}

async fn wsdl_address(flow: &Flow, uri: &str) -> Result<String, Failure> {
    let request = Outbound {
        url: uri.to_owned(),
        method: "GET".to_owned(),
        headers: Headers::new(),
        body: bytes::Bytes::new(),
        timeout: Some(Duration::from_secs(10)),
        endpoint: String::new(),
        http10: false,
    };
    let answer = attempt(flow, request).await?;
    let document = Document::parse_bytes(&answer.body, Limits::ARTIFACT)
        .map_err(|e| Failure::new(format!("the WSDL {uri}: {e}")))?;
    let mut all = document.descendants(crate::xml::NodeId::DOCUMENT);
    all.find_map(|id| document.attribute(id, "location").filter(|text| text.contains("://")).map(str::to_owned))
        .ok_or_else(|| Failure::new(format!("the WSDL {uri} names no address")))
}

async fn attempt(flow: &Flow, request: Outbound) -> Result<Inbound, Failure> {
    let answer = flow.host().call(request).await;
    answer.map_err(|error| Failure::with_code(error.code, error.message, error.detail))
}

/// Headers that belong to one connection, or that the host writes.
const OWN: [&str; 11] = [
    "Host",
    "Content-Length",
    "Connection",
    "Keep-Alive",
    "Transfer-Encoding",
    "TE",
    "Trailer",
    "Upgrade",
    "Expect",
    "Proxy-Connection",
    "Proxy-Authorization",
];

/// Builds the request as Synapse's sender does.
pub(crate) fn outbound(
    flow: &mut Flow,
    address: String,
    format: Format,
    method: Option<String>,
    settings: &Settings,
    endpoint: &str,
) -> Result<Outbound, Failure> {
    let mut url = address;
    let rest = !matches!(format, Format::Soap11 | Format::Soap12);
    if let Some(postfix) = flow.axis2.get("REST_URL_POSTFIX").map(Value::as_text).filter(|_| rest) {
        join(&mut url, &postfix);
    }
    let given = flow.axis2.get("HTTP_METHOD").map(|value| value.as_text().to_ascii_uppercase());
    let method = match (method, format) {
        (Some(method), _) if !method.is_empty() => method,
        (_, Format::Get) => "GET".to_owned(),
        (_, Format::Soap11 | Format::Soap12) => "POST".to_owned(),
        (_, _) => given.unwrap_or_else(|| "POST".to_owned()),
    };
    let message_type = match format {
        Format::Soap11 => "text/xml".to_owned(),
        Format::Soap12 => "application/soap+xml".to_owned(),
        Format::Pox => "application/xml".to_owned(),
        Format::AsIs | Format::Get | Format::Rest => flow.message_type(),
    };
    let no_body = matches!(method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS") && !has_body(flow)
        || flow.axis2.get("NO_ENTITY_BODY").is_some_and(Value::as_boolean)
        || matches!(method.as_str(), "GET" | "HEAD");
    let mut headers: Headers = flow
        .message
        .headers
        .iter()
        .filter(|(name, _)| !OWN.iter().any(|own| own.eq_ignore_ascii_case(name)))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    headers.remove("Content-Type");
    let body = if no_body {
        bytes::Bytes::new()
    } else {
        let rendered = flow.message.render(&message_type)?;
        if let Some(content_type) = rendered.content_type {
            headers.set("Content-Type", with_charset(content_type));
        }
        rendered.bytes
    };
    if format == Format::Soap11 || media_type(&message_type) == "text/xml" {
        let action = flow.property(PropertyScope::Synapse, "Action").as_text();
        if !action.is_empty() || format == Format::Soap11 {
            headers.set("SOAPAction", format!("\"{action}\""));
        }
    }
    Ok(Outbound {
        url,
        method,
        headers,
        body,
        timeout: settings.timeout,
        endpoint: endpoint.to_owned(),
        http10: flow.axis2.get("FORCE_HTTP_1.0").is_some_and(Value::as_boolean),
    })
}

fn has_body(flow: &Flow) -> bool {
    !matches!(flow.message.body(), crate::message::Body::Empty)
}

fn with_charset(content_type: String) -> String {
    let text = content_type.starts_with("text/") || content_type.contains("xml");
    if text && !content_type.contains("charset") { format!("{content_type}; charset=UTF-8") } else { content_type }
}

/// Appends the rest of the client's path and query to an address, before a query that the address has itself.
fn join(url: &mut String, postfix: &str) {
    if postfix.is_empty() || postfix == "/" {
        return;
    }
    let own = url.find('?').map(|at| url.split_off(at));
    if url.ends_with('/') && postfix.starts_with('/') {
        url.pop();
    } else if !url.ends_with('/') && !postfix.starts_with(['/', '?']) {
        url.push('/');
    }
    url.push_str(postfix);
    if let Some(own) = own {
        match own.strip_prefix('?') {
            Some(query) if postfix.contains('?') => {
                url.push('&');
                url.push_str(query);
            }
            _ => url.push_str(&own),
        }
    }
}

/// Makes the flow a response: the answer becomes its message.
pub(crate) fn receive(flow: &mut Flow, answer: Inbound) {
    let mut message = Message::raw(answer.headers, answer.body);
    std::mem::swap(&mut flow.message, &mut message);
    flow.response = true;
    flow.axis2.insert("HTTP_SC".to_owned(), Value::Integer(i64::from(answer.status)));
    for name in
        ["messageType", "ContentType", "REST_URL_POSTFIX", "HTTP_METHOD", "NO_ENTITY_BODY", "wsa:To", "wsa:Action"]
    {
        flow.axis2.remove(name);
    }
    if answer.status == 204 || answer.status == 202 {
        flow.axis2.insert("NO_ENTITY_BODY".to_owned(), Value::Boolean(true));
    }
}
