//! The description that a proxy publishes: `GET /services/NAME?wsdl`.

use std::sync::Arc;

use synapse::Headers;
use synapse::artifact::Wsdl;
use synapse::host::{Outbound, Reply};
use synapse::xml::{Document, Limits, Name, NodeId};

use crate::context::Context;
use crate::host::plain;

/// Where a request came in, for the address in the description.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) host: &'a str,
    pub(crate) secure: bool,
}

/// Serves a request for a description; none for any other request, and for a proxy that publishes nothing.
pub(crate) async fn serve(context: &Arc<Context>, asked: &Asked<'_>) -> Option<Reply> {
    let (path, query) = asked.target.split_once('?')?;
    let wanted = ["wsdl", "wsdl2"].iter().any(|name| query.eq_ignore_ascii_case(name));
    if asked.method != "GET" || !wanted {
        return None;
    }
    let name = path.strip_prefix("/services/")?;
    let deployment = context.current();
    let proxy = deployment.configuration.proxies.get(name).filter(|proxy| proxy.closed.is_none())?;
    let text = match proxy.wsdl.as_ref()? {
        Wsdl::Inline(document) => Some(document.write(NodeId::DOCUMENT)),
        Wsdl::Uri(uri) if uri.starts_with("http://") || uri.starts_with("https://") => fetch(context, uri).await,
        Wsdl::Key(key) | Wsdl::Uri(key) => text_of(context, key),
        Wsdl::Endpoint(_) => None,
    };
    let Some(text) = text else { return Some(plain(404, "The description of this service is not available.")) };
    let scheme = if asked.secure { "https" } else { "http" };
    let Some(text) = located(&text, &format!("{scheme}://{}/services/{name}", asked.host)) else {
        return Some(plain(404, "The description of this service is not readable."));
    };
    let mut headers = Headers::new();
    headers.set("Content-Type", "text/xml; charset=UTF-8");
    Some(Reply { status: 200, headers, body: text.into() })
}

fn text_of(context: &Arc<Context>, key: &str) -> Option<String> {
    let deployment = context.current();
    deployment.configuration.text_of(key).or_else(|| {
        let bytes = crate::registry::read(&context.settings().tree, key)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    })
}

async fn fetch(context: &Arc<Context>, url: &str) -> Option<String> {
    let request = Outbound {
        url: url.to_owned(),
        method: "GET".to_owned(),
        headers: Headers::new(),
        body: bytes::Bytes::new(),
        timeout: Some(std::time::Duration::from_secs(10)),
        endpoint: String::new(),
        http10: false,
    };
    let answer = context.client().call(request).await.ok().filter(|answer| answer.status == 200)?;
    Some(String::from_utf8_lossy(&answer.body).into_owned())
}

/// The description with this service's own address: a client that reads it must not go past the proxy.
fn located(text: &str, address: &str) -> Option<String> {
    let mut document = Document::parse(text, Limits::ARTIFACT).ok()?;
    let addresses: Vec<NodeId> = document
        .descendants(NodeId::DOCUMENT)
        .filter(|id| document.local_name(*id) == "address" && document.attribute(*id, "location").is_some())
        .collect();
    for id in addresses {
        document.set_attribute(id, Name::local("location"), address);
    }
    Some(document.write(NodeId::DOCUMENT))
}
