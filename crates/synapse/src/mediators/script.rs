//! `script`

use std::sync::Arc;
use std::time::Duration;

use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Next, Run, Running};
use crate::script::Script;
use crate::xml::Element;

pub(super) const SCRIPT: Mediator = Mediator { name: "script", summary: "Runs JavaScript on the message.", compile };

#[derive(Debug)]
enum Source {
    Inline(Script),
    Key(Template),
}

#[derive(Debug)]
struct ScriptMediator {
    source: Source,
    function: Option<String>,
    includes: Vec<Template>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let language = compiler.required(element, "language")?;
    if !["js", "javascript", "nashornJs", "rhinoJs", "graalJs"].contains(&language.as_str()) {
        compiler.fault(
            element,
            format!("the language {language} is not available"),
            "write the script in JavaScript: language=\"js\"",
        );
        return None;
    }
    let mut includes = Vec::new();
    for child in element.children_named("include") {
        let key = compiler.required(child, "key")?;
        includes.push(compiler.value(child, &key)?);
    }
    let source = match element.given("key") {
        Some(key) => Source::Key(compiler.value(element, key)?),
        None => match Script::new(&element.text()) {
            Ok(script) => Source::Inline(script),
            Err(reason) => {
                compiler.fault(element, reason, "scripts see the message through mc, and nothing else");
                return None;
            }
        },
    };
    let function = match &source {
        Source::Key(_) => Some(element.given("function").unwrap_or("mediate").to_owned()),
        Source::Inline(_) => None,
    };
    Some(Box::new(ScriptMediator { source, function, includes }))
}

fn load(key: &Template, flow: &mut Flow) -> Result<String, Failure> {
    let name = key.text(flow)?;
    let configuration = Arc::clone(&flow.exchange.configuration);
    let text = configuration
        .text_of(name.trim())
        .or_else(|| flow.host().resource(name.trim()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
    text.ok_or_else(|| Failure::new(format!("the script {name} is not deployed")))
}

impl ScriptMediator {
    fn execute(&self, flow: &mut Flow) -> Result<Duration, Failure> {
        match &self.source {
            Source::Inline(script) => script.run(None, flow),
            Source::Key(key) => {
                let mut text = String::new();
                for include in &self.includes {
                    text.push_str(&load(include, flow)?);
                    text.push('\n');
                }
                text.push_str(&load(key, flow)?);
                let script = Script::new(&text).map_err(Failure::new)?;
                script.run(self.function.as_deref(), flow)
            }
        }
    }
}

impl Run for ScriptMediator {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        match self.execute(flow) {
            Ok(Duration::ZERO) => Running::Ready(Ok(Next::Continue)),
            Ok(sleep) => Running::waiting(async move {
                flow.host().sleep(sleep).await;
                Ok(Next::Continue)
            }),
            Err(failure) => Running::Ready(Err(failure)),
        }
    }
}
