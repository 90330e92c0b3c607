//! GraphQL APIs: one address for all operations, so the query says which ones are called.

use model::snapshot::{DeployedApi, GraphqlCosts};
use policy::{GraphqlKind, GraphqlQuery};
use serde_json::{Map, Value};
use std::collections::HashMap;

use crate::authenticate::Caller;
use crate::authorise::{Asked, Permit, Standing, authorise, authorise_further};
use crate::compile::{Api, Compiled, CompiledResource, CompiledSubscription};
use crate::fault::Fault;

/// WSO2's codes of what is wrong with a query.
pub(crate) const INVALID: u32 = 900_422;
/// Deeper than the plan allows.
pub(crate) const TOO_DEEP: u32 = 900_820;
/// Dearer than the plan allows.
pub(crate) const TOO_COMPLEX: u32 = 900_821;

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
        GraphqlQuery::read(body, bare, self.costs.as_ref()).map_err(|error| invalid(&error))
    }

    /// Reads a request that came as a part of a message.
    pub(crate) fn read_request(&self, request: &Map<String, Value>) -> Result<GraphqlQuery, Fault> {
        GraphqlQuery::of_request(request, self.costs.as_ref()).map_err(|error| invalid(&error))
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

fn invalid(error: &policy::GraphqlError) -> Fault {
    Fault::from_policy(422, INVALID, "INVALID QUERY".into(), error.to_string().into())
}

/// Decides on all operations that a query calls, and charges it once to the limits of the caller and once to those of each
/// operation.
pub(crate) fn authorise_all<'a>(
    compiled: &Compiled,
    (api, called): (&'a Api, &[&'a CompiledResource]),
    query: &GraphqlQuery,
    (caller, standing): (&Caller, &Standing),
    asked: &Asked<'_>,
) -> Result<Permit<'a>, Fault> {
    let (resource, others) = called.split_first().ok_or_else(Fault::no_resource)?;
    check_bounds(query, standing.subscription())?;
    for other in others {
        authorise_further(compiled, other, caller, standing, asked)?;
    }
    authorise(compiled, (api, *resource), caller, standing, asked)
}

/// Holds a query to the bounds of a plan.
fn check_bounds(query: &GraphqlQuery, plan: Option<&CompiledSubscription>) -> Result<(), Fault> {
    let Some(plan) = plan else { return Ok(()) };
    if let Some(most) = plan.graphql_depth.filter(|most| query.depth > *most) {
        let text = format!("The query is {} levels deep; the plan of the subscription allows {most}", query.depth);
        return Err(Fault::from_policy(400, TOO_DEEP, "QUERY TOO DEEP".into(), text.into()));
    }
    if let Some(most) = plan.graphql_complexity.filter(|most| query.complexity > u64::from(*most)) {
        let text = format!("The query costs {}; the plan of the subscription allows {most}", query.complexity);
        return Err(Fault::from_policy(400, TOO_COMPLEX, "QUERY TOO COMPLEX".into(), text.into()));
    }
    Ok(())
}
