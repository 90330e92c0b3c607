//! `conditionalRouter`, and the conditions that it shares with `rewrite`.

use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow, PropertyScope};
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::pattern::Pattern;
use crate::xml::Element;

pub(super) const CONDITIONAL_ROUTER: Mediator =
    Mediator { name: "conditionalRouter", summary: "Runs the sequences whose conditions hold.", compile };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceType {
    Header,
    Parameter,
    Property,
    Url,
    Body,
}

/// Conditions of Synapse's evaluator framework.
#[derive(Debug)]
pub(super) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Equal(SourceType, String, String),
    Match(SourceType, String, Pattern),
}

impl Condition {
    pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Self> {
        let mut all = || element.children().map(|child| Self::compile(compiler, child)).collect::<Option<Vec<_>>>();
        match element.name() {
            "and" => return all().map(Self::And),
            "or" => return all().map(Self::Or),
            "not" => {
                let inner = all()?.into_iter().next();
                if inner.is_none() {
                    compiler.fault(element, "not holds one condition", "");
                }
                return inner.map(|inner| Self::Not(Box::new(inner)));
            }
            "equal" | "match" => {}
            other => {
                compiler.fault(element, format!("{other} is not a condition"), "and, or, not, equal or match");
                return None;
            }
        }
        let kind = match element.given("type").map(str::to_ascii_lowercase).as_deref() {
            Some("header") => SourceType::Header,
            Some("param") => SourceType::Parameter,
            Some("property") => SourceType::Property,
            Some("url") => SourceType::Url,
            Some("soap" | "body") => SourceType::Body,
            other => {
                compiler.fault(
                    element,
                    format!("the type {} is not known", other.unwrap_or_default()),
                    "header, param, property, url",
                );
                return None;
            }
        };
        let source = element.given("source").unwrap_or_default().to_owned();
        if element.name() == "equal" {
            let value = element.attribute("value").or_else(|| element.attribute("regex")).unwrap_or_default();
            return Some(Self::Equal(kind, source, value.to_owned()));
        }
        let Some(regex) = element.attribute("regex") else {
            compiler.fault(element, "the attribute regex is missing", "");
            return None;
        };
        Some(Self::Match(kind, source, compiler.pattern(element, regex)?))
    }

    fn holds(&self, flow: &mut Flow) -> Result<bool, Failure> {
        let address = flow.property(PropertyScope::Synapse, "To").as_text();
        self.holds_for_address(&address, flow)
    }

    /// As [`Condition::holds`], with an address in place of the message's.
    pub(super) fn holds_for_address(&self, address: &str, flow: &mut Flow) -> Result<bool, Failure> {
        match self {
            Self::And(all) => {
                for one in all {
                    if !one.holds_for_address(address, flow)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(all) => {
                for one in all {
                    if one.holds_for_address(address, flow)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(inner) => Ok(!inner.holds_for_address(address, flow)?),
            Self::Equal(kind, source, value) => {
                Ok(read(*kind, source, address, flow)?.is_some_and(|text| text == *value))
            }
            Self::Match(kind, source, pattern) => match read(*kind, source, address, flow)? {
                Some(text) => pattern.matches(&text).map_err(Failure::new),
                None => Ok(false),
            },
        }
    }
}

fn read(kind: SourceType, source: &str, address: &str, flow: &mut Flow) -> Result<Option<String>, Failure> {
    Ok(match kind {
        SourceType::Header => flow.message.headers.get(source).map(str::to_owned),
        SourceType::Parameter => {
            let query = address.split_once('?').map_or("", |(_, query)| query);
            let mut fields = query.split('&').map(|field| field.split_once('=').unwrap_or((field, "")));
            fields.find(|(name, _)| *name == source).map(|(_, value)| crate::text::decode_form(value))
        }
        SourceType::Property => {
            let value = flow.property(PropertyScope::Synapse, source);
            (!matches!(value, crate::value::Value::Null)).then(|| value.as_text())
        }
        SourceType::Url => Some(part_of(address, source)),
        SourceType::Body => Some(flow.message.text()?),
    })
}

fn part_of(address: &str, part: &str) -> String {
    let (before, query) = address.split_once('?').unwrap_or((address, ""));
    let (protocol, rest) = before.split_once("://").unwrap_or(("", before));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    match part {
        "protocol" => protocol.to_owned(),
        "host" => host.to_owned(),
        "port" => port.to_owned(),
        "path" => path.to_owned(),
        "query" => query.to_owned(),
        _ => address.to_owned(),
    }
}

#[derive(Debug)]
struct Route {
    condition: Condition,
    target: Template,
    breaks: bool,
}

#[derive(Debug)]
struct ConditionalRouter {
    routes: Vec<Route>,
    continue_after: bool,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let mut routes = Vec::new();
    for child in element.children_named("conditionalRoute") {
        let condition = child.child("condition").and_then(|holder| holder.children().next());
        let Some(condition) = condition else {
            compiler.fault(child, "the condition is missing", "");
            continue;
        };
        let condition = Condition::compile(compiler, condition);
        let Some(target) = child.child("target") else {
            compiler.fault(child, "the target is missing", "");
            continue;
        };
        let key = compiler.required(target, "sequence").and_then(|key| compiler.value(target, &key));
        let breaks = compiler.flag(child, "breakRoute", false) || compiler.flag(child, "breakAfter", false);
        if let (Some(condition), Some(target)) = (condition, key) {
            routes.push(Route { condition, target, breaks });
        }
    }
    Some(Box::new(ConditionalRouter { routes, continue_after: compiler.flag(element, "continueAfter", false) }))
}

impl ConditionalRouter {
    async fn route(&self, flow: &mut Flow) -> Outcome {
        for route in &self.routes {
            if !route.condition.holds(flow)? {
                continue;
            }
            let name = route.target.text(flow)?;
            let Some(found) = flow.exchange.configuration.sequence(name.trim()) else {
                return Err(Failure::new(format!("the sequence {name} is not deployed")));
            };
            let outcome = found.run(flow).await?;
            if !matches!(outcome, Next::Continue) {
                return Ok(outcome);
            }
            if route.breaks {
                break;
            }
        }
        Ok(if self.continue_after { Next::Continue } else { Next::Stop })
    }
}

impl Run for ConditionalRouter {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.route(flow))
    }
}
