//! GraphQL APIs: one address for all operations, so the query says which ones are called.

use model::snapshot::{DeployedApi, GraphqlCosts};
use policy::{GraphqlKind, GraphqlQuery};
use std::collections::HashMap;

use crate::compile::{Api, CompiledResource, CompiledSubscription};
use crate::fault::Fault;

/// What a GraphQL API knows of its operations.
#[derive(Debug)]
pub(crate) struct Operations {
    /// By kind and field: the index of the resource.
    fields: [HashMap<Box<str>, usize>; 3],
    /// Index of the resource that stands for introspection alone.
    introspection: usize,
    costs: Option<GraphqlCosts>,
}

impl Operations {
    /// Of an API whose operations are compiled in order, with one for introspection behind them.
    pub(crate) fn new(api: &DeployedApi) -> Self {
        let mut fields: [HashMap<Box<str>, usize>; 3] = Default::default();
        for (index, operation) in api.resources.iter().enumerate() {
            let kinds = [GraphqlKind::Query, GraphqlKind::Mutation, GraphqlKind::Subscription];
            let kind = kinds.into_iter().find(|kind| kind.verb() == operation.verb);
            if let Some(own) = kind.and_then(|kind| fields.get_mut(kind as usize)) {
                own.entry(operation.template.as_str().into()).or_insert(index);
            }
        }
        Self { fields, introspection: api.resources.len(), costs: api.graphql.clone() }
    }

    /// Reads a request.
    pub(crate) fn read(&self, body: &[u8], bare: bool) -> Result<GraphqlQuery, Fault> {
        GraphqlQuery::read(body, bare, self.costs.as_ref())
            .map_err(|fault| Fault::from_policy(422, 900_422, "INVALID QUERY".into(), fault.to_string().into()))
    }

    /// The operations that a query calls, the ones that need a credential first.
    pub(crate) fn called<'a>(&self, api: &'a Api, query: &GraphqlQuery) -> Result<Vec<&'a CompiledResource>, Fault> {
        let mut found = Vec::with_capacity(query.fields.len());
        let own = self.fields.get(query.kind as usize);
        for field in query.fields.iter().filter(|field| !field.starts_with("__")) {
            let index = own.and_then(|fields| fields.get(field.as_str())).ok_or_else(Fault::no_resource)?;
            found.push(api.resources.get(*index).ok_or_else(Fault::no_resource)?);
        }
        if found.is_empty() {
            found.push(api.resources.get(self.introspection).ok_or_else(Fault::no_resource)?);
        }
        found.sort_by_key(|resource| !resource.authenticated);
        Ok(found)
    }
}

/// Holds a query to the bounds of a plan.
pub(crate) fn check_bounds(query: &GraphqlQuery, plan: Option<&CompiledSubscription>) -> Result<(), Fault> {
    let Some(plan) = plan else { return Ok(()) };
    if let Some(most) = plan.graphql_depth.filter(|most| query.depth > *most) {
        let text = format!("The query is {} levels deep; the plan of the subscription allows {most}", query.depth);
        return Err(Fault::from_policy(400, 900_820, "QUERY TOO DEEP".into(), text.into()));
    }
    if let Some(most) = plan.graphql_complexity.filter(|most| query.complexity > u64::from(*most)) {
        let text = format!("The query costs {}; the plan of the subscription allows {most}", query.complexity);
        return Err(Fault::from_policy(400, 900_821, "QUERY TOO COMPLEX".into(), text.into()));
    }
    Ok(())
}
