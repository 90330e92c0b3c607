//! `transaction`

use crate::compile::Compiler;
use crate::flow::{Failure, Flow};
use crate::host::Query;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::xml::Element;

pub(super) const TRANSACTION: Mediator =
    Mediator { name: "transaction", summary: "Begins and ends a transaction of databases.", compile };

#[derive(Debug)]
struct Transaction(&'static str);

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    const ACTIONS: [&str; 7] =
        ["new", "commit", "rollback", "suspend", "resume", "fault-if-no-tx", "use-existing-or-new"];
    let action = compiler.required(element, "action")?;
    let Some(action) = ACTIONS.iter().find(|known| **known == action) else {
        compiler.fault(element, format!("the action {action} is not known"), ACTIONS.join(", "));
        return None;
    };
    Some(Box::new(Transaction(action)))
}

impl Transaction {
    /// The host keeps the transaction of the exchange; the action goes to it as a statement without a source.
    async fn act(&self, flow: &Flow) -> Outcome {
        let sql = format!("transaction {}", self.0);
        let query = Query { source: String::new(), sql, parameters: Vec::new(), reads: false, login: None };
        flow.host().query(query).await.map_err(|error| Failure::new(error.to_string()))?;
        Ok(Next::Continue)
    }
}

impl Run for Transaction {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.act(flow))
    }
}
