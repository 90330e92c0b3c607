//! Proxy services.

use std::sync::Arc;

use super::api::{Target, target};
use crate::compile::Compiler;
use crate::endpoint::{self, Endpoint};
use crate::expression::Template;
use crate::xml::{Document, Element};

/// A proxy service.
#[derive(Debug)]
pub struct Proxy {
    /// Name; the service is at `/services/<name>`.
    pub name: String,
    /// Transports it listens on; all of them when empty.
    pub transports: Vec<String>,
    /// Why the service is not offered: it asks for protection that is not there.
    pub closed: Option<String>,
    /// False for one that waits to be started.
    pub start_on_load: bool,
    /// Parameters.
    pub parameters: Vec<(String, String)>,
    /// What the WSDL is.
    pub wsdl: Option<Wsdl>,
    pub(crate) endpoint: Option<TargetEndpoint>,
    pub(crate) in_sequence: Option<Target>,
    pub(crate) out_sequence: Option<Target>,
    pub(crate) fault_sequence: Option<Target>,
}

impl Proxy {
    /// Whether it takes messages of `http`, `https` or `local`. Calls from inside reach every proxy, as in Synapse.
    pub fn listens_on(&self, scheme: &str) -> bool {
        let named = |name: &str| name == scheme || name == "all";
        scheme == "local" || self.transports.is_empty() || self.transports.iter().any(|name| named(name))
    }
}

/// Where a proxy's WSDL is.
#[derive(Clone, Debug)]
pub enum Wsdl {
    /// At a URL or path.
    Uri(String),
    /// A local entry or registry resource.
    Key(String),
    /// In the artifact.
    Inline(Arc<Document>),
    /// Asked from the endpoint of this name.
    Endpoint(String),
}

#[derive(Debug)]
pub(crate) enum TargetEndpoint {
    Key(Template),
    Inline(Arc<Endpoint>),
}

/// Transports that are a listener of Portcullis.
const TRANSPORTS: [&str; 4] = ["http", "https", "local", "all"];

pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Proxy> {
    let name = compiler.required(element, "name");
    let transports: Vec<String> = element
        .given("transports")
        .unwrap_or_default()
        .split([' ', ','])
        .filter(|transport| !transport.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    if !transports.is_empty() && !transports.iter().any(|transport| TRANSPORTS.contains(&transport.as_str())) {
        let transport = transports.join(", ");
        compiler.note(
            element,
            format!("the service does not listen: the transport {transport} is not available"),
            "proxies listen on http, https and local; use an inbound endpoint for other protocols",
        );
    }
    let mut proxy = Proxy {
        name: name.clone().unwrap_or_default(),
        transports,
        closed: None,
        start_on_load: compiler.flag(element, "startOnLoad", true),
        parameters: Vec::new(),
        wsdl: None,
        endpoint: None,
        in_sequence: None,
        out_sequence: None,
        fault_sequence: None,
    };
    for child in element.children() {
        match child.name() {
            "target" => read_target(compiler, child, &mut proxy),
            "publishWSDL" => proxy.wsdl = wsdl(child),
            "parameter" => {
                if let Some(name) = compiler.required(child, "name") {
                    proxy.parameters.push((name, child.text().trim().to_owned()));
                }
            }
            "enableSec" | "policy" => {
                let reason = "the service is not offered: WS-Security and WS-Policy of proxies are not available";
                compiler.note(
                    child,
                    reason,
                    "protect the service with TLS and OAuth at the gateway, and remove the policy",
                );
                proxy.closed = Some(reason.to_owned());
            }
            "enableRM" => compiler.fault(child, "WS-ReliableMessaging is not available", "use a message store"),
            "enableAddressing" | "aspects" | "auditing" | "description" | "statistics" | "registry" => {}
            other => compiler.fault(child, format!("{other} is not part of a proxy"), ""),
        }
    }
    name?;
    Some(proxy)
}

fn read_target(compiler: &mut Compiler, element: Element<'_>, proxy: &mut Proxy) {
    proxy.in_sequence = target(compiler, element, "inSequence");
    proxy.out_sequence = target(compiler, element, "outSequence");
    proxy.fault_sequence = target(compiler, element, "faultSequence");
    if let Some(key) = element.given("endpoint") {
        proxy.endpoint = compiler.value(element, key).map(TargetEndpoint::Key);
    } else if let Some(child) = element.child("endpoint") {
        proxy.endpoint = match child.given("key").or_else(|| child.given("key-expression")) {
            Some(key) => compiler.value(child, key).map(TargetEndpoint::Key),
            None => endpoint::compile(compiler, child).map(|endpoint| TargetEndpoint::Inline(Arc::new(endpoint))),
        };
    }
}

fn wsdl(element: Element<'_>) -> Option<Wsdl> {
    if let Some(uri) = element.given("uri") {
        return Some(Wsdl::Uri(uri.to_owned()));
    }
    if let Some(key) = element.given("key") {
        return Some(Wsdl::Key(key.to_owned()));
    }
    if let Some(endpoint) = element.given("endpoint") {
        return Some(Wsdl::Endpoint(endpoint.to_owned()));
    }
    let inline = element.children().find(|child| matches!(child.name(), "definitions" | "description"))?;
    Some(Wsdl::Inline(Arc::new(inline.document.extract(inline.id))))
}
