//! `store`

use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow};
use crate::host::Stored;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::xml::Element;

pub(super) const STORE: Mediator =
    Mediator { name: "store", summary: "Keeps the message in a message store.", compile };

#[derive(Debug)]
struct Store {
    store: Template,
    sequence: Option<String>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let store = compiler.required(element, "messageStore")?;
    let sequence = element.given("sequence").map(str::to_owned);
    Some(Box::new(Store { store: compiler.value(element, &store)?, sequence }))
}

impl Store {
    async fn keep(&self, flow: &mut Flow) -> Outcome {
        let name = self.store.text(flow)?;
        if let Some(key) = &self.sequence
            && let Some(sequence) = flow.exchange.configuration.sequence(key)
        {
            sequence.run(flow).await?;
        }
        let mut message = flow.message.clone();
        // What is stored outlives the request, so that it is read now, while somebody can be told that it is broken.
        message.build()?;
        let stored = Stored { message, properties: flow.properties.clone(), axis2: flow.axis2.clone() };
        flow.host().store(name.trim(), stored).await.map_err(|error| Failure::new(error.to_string()))?;
        Ok(Next::Continue)
    }
}

impl Run for Store {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.keep(flow))
    }
}
