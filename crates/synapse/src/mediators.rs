//! The catalogue of mediators: one file each, one line in [`MEDIATORS`].

mod aggregate;
mod builder;
mod cache;
mod call;
mod call_template;
mod callout;
mod clone;
mod conditional_router;
mod connector;
mod data_mapper;
mod data_service_call;
mod database;
mod drop;
mod enrich;
mod filter;
mod foreach;
mod header;
mod inout;
mod iterate;
mod jsontransform;
mod log;
mod loopback;
mod makefault;
mod payload_factory;
mod property;
mod property_group;
mod respond;
mod rewrite;
mod router;
mod scatter_gather;
mod script;
mod send;
mod sequence;
mod store;
mod switch;
mod throttle;
mod throw_error;
mod transaction;
mod validate;
mod variable;
mod xquery;
mod xslt;

pub(crate) use aggregate::{Collecting, overdue};
pub(crate) use property::set as set_property;

use crate::mediator::Mediator;

/// Every mediator.
pub(crate) const MEDIATORS: &[Mediator] = &[
    aggregate::AGGREGATE,
    builder::BUILDER,
    cache::CACHE,
    call::CALL,
    call_template::CALL_TEMPLATE,
    callout::CALLOUT,
    clone::CLONE,
    conditional_router::CONDITIONAL_ROUTER,
    data_service_call::DATA_SERVICE_CALL,
    data_mapper::DATA_MAPPER,
    database::DBLOOKUP,
    database::DBREPORT,
    drop::DROP,
    enrich::ENRICH,
    filter::FILTER,
    foreach::FOREACH,
    header::HEADER,
    inout::IN,
    inout::OUT,
    iterate::ITERATE,
    jsontransform::JSON_TRANSFORM,
    log::LOG,
    loopback::LOOPBACK,
    makefault::MAKEFAULT,
    payload_factory::PAYLOAD_FACTORY,
    property::PROPERTY,
    property_group::PROPERTY_GROUP,
    respond::RESPOND,
    rewrite::REWRITE,
    router::ROUTER,
    scatter_gather::SCATTER_GATHER,
    script::SCRIPT,
    send::SEND,
    sequence::SEQUENCE,
    store::STORE,
    switch::SWITCH,
    throttle::THROTTLE,
    throw_error::THROW_ERROR,
    transaction::TRANSACTION,
    validate::VALIDATE,
    variable::VARIABLE,
    xquery::XQUERY,
    xslt::XSLT,
    xslt::FAST_XSLT,
    connector::HTTP_INIT,
    connector::HTTP_GET,
    connector::HTTP_POST,
    connector::HTTP_PUT,
    connector::HTTP_DELETE,
    connector::HTTP_PATCH,
    connector::HTTP_HEAD,
    connector::HTTP_OPTIONS,
];

/// The mediator of an element name.
pub(crate) fn find(name: &str) -> Option<&'static Mediator> {
    MEDIATORS.iter().find(|mediator| mediator.name == name)
}

/// Name and summary of every mediator, for the reference.
pub fn catalogue() -> impl Iterator<Item = (&'static str, &'static str)> {
    MEDIATORS.iter().map(|mediator| (mediator.name, mediator.summary))
}

/// Mediators of WSO2 that are refused: name, reason, alternative.
const REFUSED: &[(&str, &str, &str)] = &[
    ("class", "the class mediator runs Java", "use script, or built-in mediators"),
    ("spring", "the spring mediator runs Java", "use script, or built-in mediators"),
    ("ejb", "the ejb mediator calls Java beans", "put an HTTP service in front of them and use call"),
    ("bean", "the bean mediator runs Java", "use variable and script"),
    ("pojoCommand", "the command mediator runs Java", "use script"),
    ("smooks", "the smooks mediator runs a Java library", "use xslt or script"),
    ("rule", "the rule mediator runs a Java rule engine", "use filter, switch or conditionalRouter"),
    ("entitlementService", "XACML is not available", "authorise with scopes at the gateway"),
    (
        "oauthService",
        "the oauthService mediator is not available",
        "the gateway verifies tokens before the message comes",
    ),
    ("ntlm", "NTLM is not available", "use an endpoint with OAuth or basic authentication"),
    ("NTLM", "NTLM is not available", "use an endpoint with OAuth or basic authentication"),
    ("event", "the event mediator is not available", "use clone or a recipient list"),
    ("publishEvent", "event publishers are not available", "use log, or call an HTTP collector"),
    ("bam", "the BAM mediator is not available", "use log, or call an HTTP collector"),
    ("enqueue", "priority executors are not available", "use store with a message processor"),
    ("sampler", "the sampler mediator is not available", "use throttle"),
    ("opa", "the OPA mediator is not available", "authorise with scopes at the gateway"),
];

/// Why an element is not a mediator here, and what to do instead.
pub(crate) fn why_not(name: &str) -> (String, String) {
    if let Some((_, reason, hint)) = REFUSED.iter().find(|(known, ..)| *known == name) {
        return ((*reason).to_owned(), (*hint).to_owned());
    }
    if let Some((connector, operation)) = name.split_once('.') {
        return (
            format!("the connector {connector} (operation {operation}) is not available"),
            "the http connector is built in; for others use call with an endpoint".to_owned(),
        );
    }
    let near = MEDIATORS.iter().map(|m| m.name).find(|known| known.eq_ignore_ascii_case(name));
    let hint = near.map_or_else(String::new, |near| format!("did you mean {near}?"));
    (format!("there is no mediator {name}"), hint)
}
