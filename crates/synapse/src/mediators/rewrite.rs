//! `rewrite`

use super::conditional_router::Condition;
use crate::compile::Compiler;
use crate::expression::Expression;
use crate::flow::{Failure, Flow, PropertyScope};
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::pattern::Pattern;
use crate::value::Value;
use crate::xml::Element;

pub(super) const REWRITE: Mediator = Mediator { name: "rewrite", summary: "Changes parts of the address.", compile };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fragment {
    Protocol,
    User,
    Host,
    Port,
    Path,
    Query,
    Reference,
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Set,
    Append,
    Prepend,
    Replace,
    Remove,
}

#[derive(Debug)]
enum By {
    Text(String),
    Expression(Expression),
}

#[derive(Debug)]
struct Action {
    fragment: Fragment,
    kind: Kind,
    by: Option<By>,
    pattern: Option<Pattern>,
}

#[derive(Debug)]
struct Rewrite {
    input: Option<String>,
    output: Option<String>,
    rules: Vec<(Option<Condition>, Vec<Action>)>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let mut rules = Vec::new();
    for rule in element.children_named("rewriterule") {
        let condition = match rule.child("condition").and_then(|child| child.children().next()) {
            Some(child) => Some(Condition::compile(compiler, child)?),
            None => None,
        };
        let mut actions = Vec::new();
        for child in rule.children_named("action") {
            actions.push(action(compiler, child)?);
        }
        rules.push((condition, actions));
    }
    Some(Box::new(Rewrite {
        input: element.given("inProperty").map(str::to_owned),
        output: element.given("outProperty").map(str::to_owned),
        rules,
    }))
}

fn action(compiler: &mut Compiler, element: Element<'_>) -> Option<Action> {
    let fragment = match element.given("fragment").unwrap_or("full") {
        "protocol" => Fragment::Protocol,
        "user" => Fragment::User,
        "host" => Fragment::Host,
        "port" => Fragment::Port,
        "path" => Fragment::Path,
        "query" => Fragment::Query,
        "ref" => Fragment::Reference,
        "full" => Fragment::Full,
        other => {
            compiler.fault(
                element,
                format!("the fragment {other} is not known"),
                "protocol, user, host, port, path, query, ref or full",
            );
            return None;
        }
    };
    let kind = match element.given("type").unwrap_or("set") {
        "set" => Kind::Set,
        "append" => Kind::Append,
        "prepend" => Kind::Prepend,
        "replace" => Kind::Replace,
        "remove" => Kind::Remove,
        other => {
            compiler.fault(
                element,
                format!("the type {other} is not known"),
                "set, append, prepend, replace or remove",
            );
            return None;
        }
    };
    let by = match (element.attribute("value"), element.given("xpath")) {
        (Some(value), _) => Some(By::Text(value.to_owned())),
        (None, Some(xpath)) => Some(By::Expression(compiler.expression(element, xpath)?)),
        (None, None) if kind == Kind::Remove => None,
        (None, None) => {
            compiler.fault(element, "value or xpath is missing", "");
            return None;
        }
    };
    let pattern = match element.given("regex") {
        Some(regex) => Some(compiler.pattern(element, regex)?),
        None if kind == Kind::Replace => {
            compiler.fault(element, "the attribute regex is missing", "");
            return None;
        }
        None => None,
    };
    Some(Action { fragment, kind, by, pattern })
}

/// An address in its parts.
#[derive(Debug, Default)]
struct Parts {
    protocol: String,
    user: String,
    host: String,
    port: String,
    path: String,
    query: String,
    reference: String,
}

impl Parts {
    fn parse(text: &str) -> Self {
        let mut parts = Self::default();
        let (rest, reference) = text.split_once('#').unwrap_or((text, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        (parts.reference, parts.query) = (reference.to_owned(), query.to_owned());
        let after = match rest.split_once("://") {
            Some((protocol, after)) => {
                parts.protocol = protocol.to_owned();
                after
            }
            None => {
                parts.path = rest.to_owned();
                return parts;
            }
        };
        let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        parts.path = path.to_owned();
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = host.split_once(':').unwrap_or((host, ""));
        (parts.user, parts.host, parts.port) = (user.to_owned(), host.to_owned(), port.to_owned());
        parts
    }

    fn write(&self) -> String {
        let mut out = String::new();
        if !self.protocol.is_empty() {
            out.push_str(&self.protocol);
            out.push_str("://");
        }
        if !self.user.is_empty() {
            out.push_str(&self.user);
            out.push('@');
        }
        out.push_str(&self.host);
        if !self.port.is_empty() && self.port != "-1" {
            out.push(':');
            out.push_str(&self.port);
        }
        if !self.path.is_empty() && !self.path.starts_with('/') && !self.host.is_empty() {
            out.push('/');
        }
        out.push_str(&self.path);
        for (mark, part) in [('?', &self.query), ('#', &self.reference)] {
            if !part.is_empty() {
                out.push(mark);
                out.push_str(part);
            }
        }
        out
    }

    fn part(&mut self, fragment: Fragment) -> Option<&mut String> {
        Some(match fragment {
            Fragment::Protocol => &mut self.protocol,
            Fragment::User => &mut self.user,
            Fragment::Host => &mut self.host,
            Fragment::Port => &mut self.port,
            Fragment::Path => &mut self.path,
            Fragment::Query => &mut self.query,
            Fragment::Reference => &mut self.reference,
            Fragment::Full => return None,
        })
    }
}

impl Action {
    fn apply(&self, parts: &mut Parts, flow: &mut Flow) -> Result<(), Failure> {
        let by = match &self.by {
            Some(By::Text(text)) => text.clone(),
            Some(By::Expression(expression)) => expression.text(flow)?,
            None => String::new(),
        };
        let old = match parts.part(self.fragment) {
            Some(part) => part.clone(),
            None => parts.write(),
        };
        let new = match self.kind {
            Kind::Set => by,
            Kind::Append => old + &by,
            Kind::Prepend => by + &old,
            Kind::Remove => String::new(),
            Kind::Replace => match &self.pattern {
                Some(pattern) => pattern.replace_all(&old, &by).map_err(Failure::new)?,
                None => old,
            },
        };
        match parts.part(self.fragment) {
            Some(part) => *part = new,
            None => *parts = Parts::parse(&new),
        }
        Ok(())
    }
}

impl Rewrite {
    fn rewrite(&self, flow: &mut Flow) -> Result<(), Failure> {
        let address = flow.property(PropertyScope::Synapse, self.input.as_deref().unwrap_or("To")).as_text();
        let mut parts = Parts::parse(&address);
        for (condition, actions) in &self.rules {
            let holds = match condition {
                Some(condition) => condition.holds_for_address(&parts.write(), flow)?,
                None => true,
            };
            if holds {
                for action in actions {
                    action.apply(&mut parts, flow)?;
                }
            }
        }
        match &self.output {
            Some(name) => {
                flow.properties.insert(name.clone(), Value::text(parts.write()));
            }
            None => flow.set_addressing("To", Some(parts.write())),
        }
        Ok(())
    }
}

impl Run for Rewrite {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.rewrite(flow))
    }
}

#[cfg(test)]
mod tests {
    use super::Parts;

    #[test]
    fn addresses_survive() {
        for text in ["http://u@h:80/p/q?a=b#c", "/p?a", "https://h", "http://h/p"] {
            assert_eq!(Parts::parse(text).write(), text);
        }
    }
}
