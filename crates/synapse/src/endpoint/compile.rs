//! Endpoints out of elements.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Endpoint, Format, Kind, Member, Settings, State, TimeoutAction};
use crate::compile::Compiler;
use crate::expression::Template;
use crate::xml::Element;

/// Compiles an `endpoint` element that is not a reference.
pub(crate) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Endpoint> {
    let name = element.given("name").unwrap_or_default().to_owned();
    if let Some(target) = element.given("template") {
        let parameters = element
            .children_named("parameter")
            .filter_map(|child| {
                let value = child.attribute("value").unwrap_or_default();
                Some((compiler.required(child, "name")?, compiler.value(child, value)?))
            })
            .collect();
        let uri = element.given("uri").map(str::to_owned);
        let kind = Kind::Template { target: target.to_owned(), uri, parameters };
        return Some(finish(compiler, element, name, kind, Settings::default()));
    }
    let mut found = None;
    for child in element.children() {
        match child.name() {
            "address" | "http" | "wsdl" | "default" => found = Some((leaf(compiler, child), settings(compiler, child))),
            "loadbalance" | "dynamicLoadbalance" => {
                found = Some((load_balance(compiler, child, element), Settings::default()));
            }
            "failover" => {
                let members = members(compiler, child);
                found = Some((Some(Kind::Failover { members }), Settings::default()));
            }
            "recipientlist" => found = Some((recipients(compiler, child), Settings::default())),
            "class" => {
                let class = child.given("name").unwrap_or_default();
                compiler.fault(
                    child,
                    format!("the endpoint class {class} cannot be run"),
                    "Java classes cannot be loaded; use address, http, loadbalance or failover",
                );
                return None;
            }
            "session" | "property" | "description" | "parameter" | "endpoint" => {}
            other => compiler.fault(child, format!("{other} is not part of an endpoint"), ""),
        }
    }
    match found {
        Some((Some(kind), settings)) => Some(finish(compiler, element, name, kind, settings)),
        Some((None, _)) => None,
        None if element.given("key").is_some() => {
            let key = element.given("key").unwrap_or_default();
            let member = Member::Key(compiler.value(element, key)?);
            let kind = Kind::Failover { members: vec![member] };
            Some(finish(compiler, element, name, kind, Settings::default()))
        }
        None if compiler.faults.is_empty() || element.children().next().is_none() => {
            compiler.fault(element, "the endpoint names no address", "add address, http, wsdl, default or a group");
            None
        }
        None => None,
    }
}

/// The endpoint of a template: kept as text until the parameters are known, checked as far as it is literal.
pub(crate) fn compile_template(compiler: &mut Compiler, element: Element<'_>) -> Option<Endpoint> {
    let before = compiler.faults.len();
    // A port or a duration may be a parameter; so a trial compilation only counts when there is none.
    let text = element.document.write(element.id);
    let trial = compile(compiler, element);
    if text.contains('$') {
        compiler.faults.truncate(before);
    } else {
        trial.as_ref()?;
    }
    let name = element.given("name").unwrap_or_default().to_owned();
    Some(Endpoint {
        name,
        kind: Kind::Pattern { text },
        settings: Settings::default(),
        properties: Vec::new(),
        state: Mutex::new(State::default()),
    })
}

/// An endpoint inside of a mediator: by key, or written out.
pub(crate) fn inline_or_key(compiler: &mut Compiler, element: Element<'_>) -> Option<Member> {
    if let Some(key) = element.given("key") {
        return compiler.value(element, key).map(Member::Key);
    }
    if let Some(key) = element.given("key-expression") {
        let text = format!("{{{key}}}");
        return compiler.value(element, &text).map(Member::Key);
    }
    compile(compiler, element).map(|endpoint| Member::Inline(Arc::new(endpoint)))
}

fn finish(compiler: &mut Compiler, element: Element<'_>, name: String, kind: Kind, settings: Settings) -> Endpoint {
    let properties = element
        .children_named("property")
        .filter_map(|child| {
            let property = compiler.required(child, "name")?;
            let value = match child.given("expression") {
                Some(expression) => compiler.value(child, &format!("{{{expression}}}"))?,
                None => Template::inline(child.attribute("value").unwrap_or_default(), &Vec::new()).ok()?,
            };
            Some((child.given("scope").unwrap_or("default").to_owned(), property, value))
        })
        .collect();
    Endpoint { name, kind, settings, properties, state: Mutex::new(State::default()) }
}

fn format_of(compiler: &mut Compiler, element: Element<'_>) -> Format {
    match element.given("format").map(str::to_ascii_lowercase).as_deref() {
        None | Some("leave-as-is") => Format::AsIs,
        Some("soap11") => Format::Soap11,
        Some("soap12") => Format::Soap12,
        Some("pox") => Format::Pox,
        Some("get") => Format::Get,
        Some("rest") => Format::Rest,
        Some(other) => {
            compiler.fault(element, format!("the format {other} is not known"), "soap11, soap12, pox, get, rest");
            Format::AsIs
        }
    }
}

/// Transports that a message can be sent through.
const SCHEMES: [&str; 3] = ["http", "https", "local"];

fn check_scheme(compiler: &mut Compiler, element: Element<'_>, uri: &str) {
    let Some((scheme, _)) = uri.trim().split_once(':') else { return };
    let plain = scheme.chars().all(|c| c.is_ascii_alphanumeric());
    if plain && !scheme.is_empty() && !SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        compiler.fault(
            element,
            format!("the transport {scheme} is not available"),
            "endpoints reach http and https; use a message store for queues",
        );
    }
}

fn leaf(compiler: &mut Compiler, element: Element<'_>) -> Option<Kind> {
    let format = format_of(compiler, element);
    match element.name() {
        "address" => {
            let uri = compiler.required(element, "uri")?;
            check_scheme(compiler, element, &uri);
            Some(Kind::Address { uri: compiler.value(element, &uri)?, format })
        }
        "http" => {
            let uri = match element.given("uri-template").or_else(|| element.given("legacy-uri-template")) {
                Some(text) => {
                    check_scheme(compiler, element, text);
                    Some(uri_template(compiler, element, text)?)
                }
                None => None,
            };
            let method = match element.given("method") {
                Some(text) if text.contains('$') => compiler.value(element, text),
                Some(text) => Template::inline(&text.to_ascii_uppercase(), &Vec::new()).ok(),
                None => None,
            };
            Some(Kind::Http { uri, method })
        }
        "wsdl" => {
            let inline = element.child("definitions").and_then(wsdl_address);
            let uri = element.given("uri").unwrap_or_default().to_owned();
            if uri.is_empty() && inline.is_none() {
                compiler.fault(element, "the WSDL endpoint names no WSDL", "set the attribute uri");
            }
            Some(Kind::Wsdl { address: inline, uri, format })
        }
        _ => Some(Kind::Default { format }),
    }
}

fn wsdl_address(definitions: Element<'_>) -> Option<String> {
    let document = definitions.document;
    document
        .descendants(definitions.id)
        .filter(|id| document.local_name(*id) == "address")
        .find_map(|id| document.attribute(id, "location").map(str::to_owned))
}

/// `http://host/{uri.var.a}?b={query.param.c}`: variables are properties; `{+x}` is not encoded.
fn uri_template(compiler: &mut Compiler, element: Element<'_>, text: &str) -> Option<Template> {
    let mut source = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, tail) = rest.split_at(at);
        let known = ["payload", "vars", "headers", "params", "properties", "props", "configs", "$"];
        let inside = tail.trim_start_matches('{').trim_start();
        // Before expressions there were dollars in front of variables, which stay as they are.
        if before.ends_with('$') && (known.iter().any(|root| inside.starts_with(root)) || inside.contains('(')) {
            let end = tail.find('}').map_or(tail.len(), |end| end + 1);
            let (expression, after) = tail.split_at(end);
            source.push_str(before);
            source.push_str(expression);
            rest = after;
            continue;
        }
        let Some(end) = tail.find('}') else {
            compiler.fault(element, format!("a brace of {text:?} is not closed"), "");
            return None;
        };
        let name = tail.get(1..end).unwrap_or_default().trim().trim_start_matches(['+', '?', '&', '/', '#', '.', ';']);
        source.push_str(before);
        let name = name.replace('\'', "");
        source.push_str(&format!("{{get-property('{name}')}}"));
        rest = tail.get(end + 1..).unwrap_or_default();
    }
    source.push_str(rest);
    match Template::compile(&source, &element.namespaces()) {
        Ok(template) => Some(template),
        Err(error) => {
            compiler.fault(element, format!("the uri-template {text:?}: {error}"), "");
            None
        }
    }
}

fn members(compiler: &mut Compiler, element: Element<'_>) -> Vec<Member> {
    let members: Vec<Member> =
        element.children_named("endpoint").filter_map(|child| inline_or_key(compiler, child)).collect();
    if members.is_empty() && element.child("endpoint").is_none() && element.child("member").is_none() {
        compiler.fault(element, "the group has no endpoint", "add endpoint elements");
    }
    members
}

fn load_balance(compiler: &mut Compiler, element: Element<'_>, endpoint: Element<'_>) -> Option<Kind> {
    if element.name() == "dynamicLoadbalance" || element.child("membershipHandler").is_some() {
        compiler.fault(
            element,
            "load balancing over a membership handler is not available",
            "list the endpoints, or let a load balancer in front of them decide",
        );
        return None;
    }
    let algorithm = element.given("algorithm").or_else(|| element.given("policy")).unwrap_or("roundRobin");
    let name = algorithm.rsplit('.').next().unwrap_or_default();
    if !["roundRobin", "RoundRobin", "WeightedRoundRobin", "WeightedRRLCAlgorithm"].contains(&name) {
        compiler.fault(element, format!("the algorithm {algorithm} is not available"), "use RoundRobin");
    }
    let mut list = members(compiler, element);
    for member in element.children_named("member") {
        let host = compiler.required(member, "hostName")?;
        let (scheme, port) = match (member.given("httpPort"), member.given("httpsPort")) {
            (Some(port), _) => ("http", port),
            (None, Some(port)) => ("https", port),
            (None, None) => ("http", "80"),
        };
        let uri = Template::inline(&format!("{scheme}://{host}:{port}"), &Vec::new()).ok()?;
        let kind = Kind::Address { uri, format: Format::AsIs };
        list.push(Member::Inline(Arc::new(finish(compiler, member, String::new(), kind, Settings::default()))));
    }
    let weights = element
        .children_named("endpoint")
        .map(|child| {
            let property =
                child.children_named("property").find(|p| p.given("name").is_some_and(|n| n.ends_with("weight")));
            property.and_then(|p| p.given("value")).and_then(|text| text.parse().ok()).unwrap_or(1)
        })
        .collect();
    let session = endpoint.child("session").is_some();
    Some(Kind::LoadBalance { members: list, failover: compiler.flag(element, "failover", true), weights, session })
}

fn recipients(compiler: &mut Compiler, element: Element<'_>) -> Option<Kind> {
    if let Some(list) = element.child("endpoints") {
        let value = compiler.required(list, "value")?;
        let dynamic = compiler.value(list, &value);
        return Some(Kind::RecipientList { members: Vec::new(), dynamic });
    }
    let mut list = members(compiler, element);
    for member in element.children_named("member") {
        let host = compiler.required(member, "hostName")?;
        let port = member.given("httpPort").unwrap_or("80");
        let uri = Template::inline(&format!("http://{host}:{port}"), &Vec::new()).ok()?;
        let kind = Kind::Address { uri, format: Format::AsIs };
        list.push(Member::Inline(Arc::new(finish(compiler, member, String::new(), kind, Settings::default()))));
    }
    Some(Kind::RecipientList { members: list, dynamic: None })
}

fn codes(compiler: &mut Compiler, element: Element<'_>) -> Vec<i64> {
    let text = element.text();
    let codes = text.split([',', ' ', '\n']).filter(|code| !code.trim().is_empty());
    codes.filter_map(|code| compiler.number(element, element.name(), code)).collect()
}

fn settings(compiler: &mut Compiler, element: Element<'_>) -> Settings {
    let mut settings = Settings::default();
    for child in element.children() {
        match child.name() {
            "timeout" => {
                match child.child("duration") {
                    Some(duration) if duration.text().contains(['{', '$']) => {
                        settings.timeout_expression = compiler.value(duration, &duration.text());
                    }
                    Some(duration) => settings.timeout = compiler.millis(duration),
                    None => {}
                }
                let action = child.child("responseAction").or_else(|| child.child("action"));
                settings.action = match action.map(|action| action.text().trim().to_ascii_lowercase()).as_deref() {
                    Some("discard") => TimeoutAction::Discard,
                    Some("fault") => TimeoutAction::Fault,
                    None | Some("" | "never") => TimeoutAction::Never,
                    Some(other) => {
                        compiler.fault(
                            child,
                            format!("the response action {other} is not known"),
                            "discard, fault or never",
                        );
                        TimeoutAction::Never
                    }
                };
            }
            "suspendOnFailure" => suspend(compiler, child, &mut settings),
            "suspendDurationOnFailure" => {
                let text = child.text();
                settings.initial = compiler.number::<u64>(child, child.name(), &text).map(Duration::from_secs);
            }
            "markForSuspension" => {
                for part in child.children() {
                    let text = part.text();
                    match part.name() {
                        "errorCodes" => settings.mark_codes = codes(compiler, part),
                        "retriesBeforeSuspension" => {
                            settings.retries = compiler.number(part, part.name(), &text).unwrap_or(0);
                        }
                        "retryDelay" => settings.retry_delay = compiler.millis(part).unwrap_or_default(),
                        _ => {}
                    }
                }
            }
            "retryConfig" => {
                if let Some(disabled) = child.child("disabledErrorCodes") {
                    settings.retry_disabled = codes(compiler, disabled);
                }
            }
            "enableSec" => {
                let reason = "nothing is sent to this endpoint: WS-Security is not available";
                compiler.note(child, reason, "protect the connection with TLS, and remove enableSec");
                settings.closed = Some(reason);
            }
            "enableRM" => compiler.fault(child, "WS-ReliableMessaging is not available", "use a message store"),
            _ => {}
        }
    }
    settings
}

fn suspend(compiler: &mut Compiler, element: Element<'_>, settings: &mut Settings) {
    for part in element.children() {
        let text = part.text();
        match part.name() {
            "errorCodes" => settings.suspend_codes = codes(compiler, part),
            "initialDuration" => {
                // -1 means: never.
                settings.initial = compiler
                    .number::<i64>(part, part.name(), &text)
                    .and_then(|millis| u64::try_from(millis).ok())
                    .map(Duration::from_millis);
            }
            "progressionFactor" => settings.factor = compiler.number(part, part.name(), &text).unwrap_or(1.0),
            "maximumDuration" => settings.longest = compiler.millis(part).unwrap_or(Duration::MAX),
            _ => {}
        }
    }
}
