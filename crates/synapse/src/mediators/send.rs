//! `send`

use std::sync::Arc;

use crate::compile::Compiler;
use crate::endpoint::{Member, inline_or_key};
use crate::engine::{Job, Work};
use crate::expression::Template;
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Next, Run, Running};
use crate::xml::Element;

pub(super) const SEND: Mediator =
    Mediator { name: "send", summary: "Sends the message; the response goes to the out sequence.", compile };

#[derive(Debug)]
struct Send {
    target: Option<Arc<Member>>,
    receive: Option<Template>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let target = match element.child("endpoint") {
        Some(child) => Some(Arc::new(inline_or_key(compiler, child)?)),
        None => None,
    };
    let receive = match element.given("receive") {
        Some(key) => Some(compiler.value(element, key)?),
        None => None,
    };
    Some(Box::new(Send { target, receive }))
}

impl Send {
    fn send(&self, flow: &mut Flow) -> Result<Next, Failure> {
        // Without an endpoint a response goes back to the client.
        if self.target.is_none() && flow.response {
            crate::engine::answer(flow)?;
            return Ok(Next::Continue);
        }
        let receive = match &self.receive {
            Some(key) => Some(key.text(flow)?),
            None => None,
        };
        let job = Job { flow: flow.clone(), work: Work::Send { target: self.target.clone(), receive } };
        flow.exchange.later(job)?;
        Ok(Next::Continue)
    }
}

impl Run for Send {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::Ready(self.send(flow))
    }
}
