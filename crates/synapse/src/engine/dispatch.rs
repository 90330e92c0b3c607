//! Which artifact serves a message.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Exchange, Out, Paths, drive, fail, reply};
use crate::artifact::{Api, Mapping, Proxy, Resource, Target, TargetEndpoint};
use crate::configuration::Configuration;
use crate::endpoint::Member;
use crate::engine::{Job, Work};
use crate::flow::{Failure, Flow};
use crate::host::{Host, Reply};
use crate::mediator::{Next, Sequence};
use crate::message::{Headers, Message};
use crate::text::decode_form;
use crate::value::Value;

/// A request of a client.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// HTTP method.
    pub method: String,
    /// Path with query, as in `/api/a?b=c`.
    pub target: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Address of the client.
    pub peer: String,
    /// The message.
    pub message: Message,
}

/// Why nothing serves a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// No API, proxy or main sequence.
    NotFound,
    /// The path exists; these methods do.
    Method(Vec<String>),
}

/// Serves a request. The answer goes to [`Host::reply`]; a request that ends without one is answered with 202.
///
/// # Errors
/// Nothing that is deployed serves it.
pub async fn dispatch(
    configuration: &Arc<Configuration>,
    host: &Arc<dyn Host>,
    arrival: Arrival,
) -> Result<(), Unserved> {
    let (path, query) = arrival.target.split_once('?').unwrap_or((&arrival.target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let start = Start { configuration, host, arrival, path, query };
    if let Some(api) = find_api(configuration, &start) {
        return start.api(&api).await;
    }
    if let Some(proxy) = find_proxy(configuration, &start) {
        start.proxy(&proxy).await;
        return Ok(());
    }
    match configuration.sequence("main") {
        Some(main) => {
            start.main(&main).await;
            Ok(())
        }
        None => Err(Unserved::NotFound),
    }
}

/// Serves a request by a sequence, as inbound endpoints do: the first of the names runs, the second when it fails. The answer
/// goes to [`Host::reply`].
///
/// # Errors
/// The sequence is not deployed.
pub async fn dispatch_to(
    configuration: &Arc<Configuration>,
    host: &Arc<dyn Host>,
    arrival: Arrival,
    (sequence, on_error): (&str, &str),
) -> Result<(), Unserved> {
    let Some(first) = configuration.sequence(sequence) else { return Err(Unserved::NotFound) };
    let (path, query) = arrival.target.split_once('?').unwrap_or((&arrival.target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let start = Start { configuration, host, arrival, path, query };
    let mut flow = start.flow(Paths { out: Out::Reply, fault: configuration.sequence(on_error) });
    start.run(Some(&first), &mut flow).await;
    Ok(())
}

/// Runs one sequence on a message, as tasks, inbound endpoints, processors and tests do. The flow is given back.
///
/// # Errors
/// The failure that no error sequence handled.
pub async fn run_sequence(
    configuration: &Arc<Configuration>,
    host: &Arc<dyn Host>,
    sequence: &Arc<Sequence>,
    prepare: impl FnOnce(&mut Flow) + Send,
) -> Result<Flow, Failure> {
    let exchange = Exchange::with_paths(Arc::clone(configuration), Arc::clone(host), Paths::default());
    let mut flow = Flow::new(exchange, Message::default());
    prepare(&mut flow);
    match sequence.run(&mut flow).await {
        Ok(_) => drive(&[], &mut flow).await?,
        Err(failure) => {
            flow.set_error(&failure);
            return Err(failure);
        }
    }
    Ok(flow)
}

struct Start<'a> {
    configuration: &'a Arc<Configuration>,
    host: &'a Arc<dyn Host>,
    arrival: Arrival,
    path: String,
    query: String,
}

fn find_api(configuration: &Configuration, start: &Start<'_>) -> Option<Arc<Api>> {
    let host = start.arrival.message.headers.get("Host").unwrap_or_default();
    let fits = |api: &&Arc<Api>| {
        let below = start.path.strip_prefix(api.context.as_str());
        let path = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let name = host.split(':').next().unwrap_or_default();
        path && (api.hostname.is_empty() || api.hostname.eq_ignore_ascii_case(name))
    };
    configuration.apis.iter().find(fits).cloned()
}

fn find_proxy(configuration: &Configuration, start: &Start<'_>) -> Option<Arc<Proxy>> {
    let rest = start.path.strip_prefix("/services/")?;
    // The name may be followed by an operation or the name of an endpoint: Echo.EchoHttpSoap11Endpoint/op
    let first = rest.split('/').next().unwrap_or_default();
    let name = first.split('.').next().unwrap_or_default();
    let found = configuration.proxies.get(first).or_else(|| configuration.proxies.get(name)).cloned();
    found.filter(|proxy| proxy.closed.is_none() && proxy.start_on_load && proxy.listens_on(&start.arrival.scheme))
}

/// Variables of a path, in order.
type Variables = Vec<(String, String)>;

/// The resource for a path below the context: exact and prefix mappings, then templates in order, then the default.
pub(crate) fn find_resource<'a>(
    api: &'a Api,
    method: &str,
    path: &str,
    query: &str,
) -> Result<(&'a Resource, Variables), Unserved> {
    let mut allowed: Vec<String> = Vec::new();
    let mut found: Vec<(u32, &Resource, Variables)> = Vec::new();
    for (order, resource) in api.resources.iter().enumerate() {
        let order = u32::try_from(order).unwrap_or(u32::MAX).min(9_999);
        let (rank, variables) = match &resource.mapping {
            Mapping::Default => (40_000, Vec::new()),
            Mapping::Url(mapping) => match url_rank(mapping, path) {
                Some(rank) => (rank, Vec::new()),
                None => continue,
            },
            Mapping::Template(template) => match template.matches(path, query) {
                Some(variables) => (30_000 + order, variables),
                None => continue,
            },
        };
        if resource.allows(method) {
            found.push((rank, resource, variables));
        } else {
            allowed.extend(resource.methods.iter().cloned());
        }
    }
    found.sort_by_key(|(rank, ..)| *rank);
    match found.into_iter().next() {
        Some((_, resource, variables)) => Ok((resource, variables)),
        None if allowed.is_empty() => Err(Unserved::NotFound),
        None => Err(Unserved::Method(allowed)),
    }
}

fn url_rank(mapping: &str, path: &str) -> Option<u32> {
    let path = if path.is_empty() { "/" } else { path };
    if let Some(prefix) = mapping.strip_suffix("/*") {
        let below = path.strip_prefix(prefix)?;
        let longer = u32::try_from(prefix.len().min(9_000)).unwrap_or(0);
        return (below.is_empty() || below.starts_with('/')).then_some(20_000 - longer);
    }
    if let Some(suffix) = mapping.strip_prefix('*') {
        return path.ends_with(suffix).then_some(25_000);
    }
    (mapping.trim_end_matches('/') == path.trim_end_matches('/')).then_some(0)
}

impl Start<'_> {
    fn flow(&self, paths: Paths) -> Flow {
        let exchange = Exchange::with_paths(Arc::clone(self.configuration), Arc::clone(self.host), paths);
        let mut flow = Flow::new(exchange, self.arrival.message.clone());
        let mut axis2 = |name: &str, value: &str| flow.axis2.insert(name.to_owned(), Value::text(value));
        axis2("HTTP_METHOD", &self.arrival.method);
        axis2("TransportInURL", &self.arrival.target);
        axis2("REMOTE_ADDR", &self.arrival.peer);
        axis2("REMOTE_HOST", &self.arrival.peer);
        axis2("TRANSPORT_IN_NAME", &self.arrival.scheme);
        let host = self.arrival.message.headers.get("Host").unwrap_or("localhost").to_owned();
        flow.set_addressing("To", Some(format!("{}://{host}{}", self.arrival.scheme, self.arrival.target)));
        if let Some(action) = self.arrival.message.headers.get("SOAPAction") {
            let action = action.trim_matches('"').to_owned();
            flow.set_addressing("Action", Some(action));
        }
        for field in self.query.split('&').filter(|field| !field.is_empty()).take(1000) {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            flow.properties.insert(format!("query.param.{}", decode_form(name)), Value::text(decode_form(value)));
        }
        flow
    }

    async fn api(&self, api: &Api) -> Result<(), Unserved> {
        let below = self.path.strip_prefix(api.context.as_str()).unwrap_or_default();
        let method = self.arrival.method.as_str();
        let (resource, variables) = find_resource(api, method, below, &self.query)?;
        let out = match resolve(self.configuration, resource.out_sequence.as_ref()) {
            Some(sequence) if !sequence.is_empty() => Out::Sequence(sequence),
            _ => Out::Reply,
        };
        let fault = resolve(self.configuration, resource.fault_sequence.as_ref()).filter(|fault| !fault.is_empty());
        let mut flow = self.flow(Paths { out, fault });
        let postfix = if self.query.is_empty() { below.to_owned() } else { format!("{below}?{}", self.query) };
        flow.axis2.insert("REST_URL_POSTFIX".to_owned(), Value::text(postfix));
        for (name, value) in [
            ("SYNAPSE_REST_API", api.name.clone()),
            ("REST_API_CONTEXT", api.context.clone()),
            ("SYNAPSE_REST_API_VERSION", api.version.clone()),
            ("REST_METHOD", method.to_owned()),
            ("REST_FULL_REQUEST_PATH", self.arrival.target.clone()),
            ("REST_SUB_REQUEST_PATH", below.to_owned()),
        ] {
            flow.properties.insert(name.to_owned(), Value::text(value));
        }
        for (name, value) in variables {
            flow.properties.insert(format!("uri.var.{name}"), Value::text(value));
        }
        let first = resolve(self.configuration, resource.in_sequence.as_ref());
        self.run(first.as_deref(), &mut flow).await;
        Ok(())
    }

    async fn proxy(&self, proxy: &Proxy) {
        let out = match resolve(self.configuration, proxy.out_sequence.as_ref()) {
            Some(sequence) if !sequence.is_empty() => Out::Sequence(sequence),
            _ => Out::Reply,
        };
        let fault = resolve(self.configuration, proxy.fault_sequence.as_ref()).filter(|fault| !fault.is_empty());
        let mut flow = self.flow(Paths { out, fault });
        flow.properties.insert("proxy.name".to_owned(), Value::text(proxy.name.as_str()));
        let first = resolve(self.configuration, proxy.in_sequence.as_ref());
        let outcome = match &first {
            Some(sequence) => sequence.run(&mut flow).await,
            None => Ok(Next::Continue),
        };
        match (outcome, &proxy.endpoint) {
            (Err(failure), _) => fail(failure, &mut flow).await,
            (Ok(Next::Continue), Some(endpoint)) => {
                let target = match endpoint {
                    TargetEndpoint::Key(key) => match key.text(&mut flow) {
                        Ok(name) => crate::expression::Template::inline(&name, &Vec::new()).ok().map(Member::Key),
                        Err(_) => None,
                    },
                    TargetEndpoint::Inline(endpoint) => Some(Member::Inline(Arc::clone(endpoint))),
                };
                let work = Work::Send { target: target.map(Arc::new), receive: None };
                let job = Job { flow: flow.clone(), work };
                if let Err(failure) = flow.exchange.later(job) {
                    fail(failure, &mut flow).await;
                }
            }
            _ => {}
        }
        self.finish(&mut flow).await;
    }

    async fn main(&self, main: &Arc<Sequence>) {
        // Without an API the main sequence sees responses too, which in and out mediators tell apart.
        let paths = Paths { out: Out::Sequence(Arc::clone(main)), fault: None };
        let mut flow = self.flow(paths);
        self.run(Some(main), &mut flow).await;
    }

    async fn run(&self, first: Option<&Sequence>, flow: &mut Flow) {
        if let Some(sequence) = first
            && let Err(failure) = sequence.run(flow).await
        {
            fail(failure, flow).await;
        }
        self.finish(flow).await;
    }

    async fn finish(&self, flow: &mut Flow) {
        if let Err(failure) = drive(&[], flow).await {
            fail(failure, flow).await;
        }
        // Synapse acknowledges a message that nothing answers.
        if !flow.exchange.replied.swap(true, Ordering::AcqRel) {
            self.host.reply(Reply { status: 202, headers: Headers::new(), body: bytes::Bytes::new() });
        }
    }
}

fn resolve(configuration: &Configuration, target: Option<&Target>) -> Option<Arc<Sequence>> {
    match target? {
        Target::Inline(sequence) => Some(Arc::clone(sequence)),
        Target::Key(key) => configuration.sequence(key.literal()?),
    }
}

/// Answers and ends the branch.
pub(crate) fn answer(flow: &mut Flow) -> crate::mediator::Outcome {
    reply(flow)?;
    Ok(Next::Stop)
}
