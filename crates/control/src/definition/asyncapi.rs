//! AsyncAPI 2.x and 3.x: reading, checking, and a definition for a streaming API that was created without one.

use model::ApiDocument;
use serde_json::{Map, Value, json};

use super::text::{self, DefinitionFault};

/// Most channels of one definition.
const MAX_CHANNELS: usize = 10_000;
/// OAuth 2 flows with the members that each must have (AsyncAPI "OAuth Flow Object"), by version.
const FLOWS: [(&str, &str, &[&str]); 4] = [
    ("implicit", "Implicit", &["authorizationUrl"]),
    ("password", "Password", &["tokenUrl"]),
    ("clientCredentials", "Client Credentials", &["tokenUrl"]),
    ("authorizationCode", "Authorization Code", &["authorizationUrl", "tokenUrl"]),
];

/// A definition that was checked.
#[derive(Clone, Debug)]
pub(crate) struct AsyncApi {
    root: Value,
    third: bool,
}

/// One channel with what clients do on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    /// Its address, with a leading slash.
    pub(crate) target: String,
    /// Clients send to it.
    pub(crate) publish: bool,
    /// Clients receive from it.
    pub(crate) subscribe: bool,
}

impl AsyncApi {
    /// Reads JSON or YAML and checks it.
    ///
    /// # Errors
    /// Every fault with its line.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Vec<DefinitionFault>> {
        let root = text::parse(bytes).map_err(|fault| vec![fault])?;
        let source = String::from_utf8_lossy(bytes);
        let version = root.get("asyncapi").and_then(Value::as_str).unwrap_or_default();
        let third = version.starts_with("3.");
        if !third && !version.starts_with("2.") {
            let reason = "the member asyncapi must name the version, as in 2.6.0 or 3.0.0";
            return Err(vec![DefinitionFault::at(&source, &["asyncapi"], reason)]);
        }
        let definition = Self { root, third };
        let faults = definition.check(&source);
        if faults.is_empty() { Ok(definition) } else { Err(faults) }
    }

    fn check(&self, source: &str) -> Vec<DefinitionFault> {
        let mut faults = Vec::new();
        let mut fault = |keys: &[&str], reason: String| faults.push(DefinitionFault::at(source, keys, reason));
        let info = self.root.get("info");
        for member in ["title", "version"] {
            let text = info.and_then(|info| info.get(member)).and_then(Value::as_str).unwrap_or_default();
            if text.is_empty() {
                fault(&["info"], format!("info must have a {member}"));
            }
        }
        match self.root.get("channels") {
            Some(Value::Object(channels)) if channels.len() > MAX_CHANNELS => {
                fault(&["channels"], format!("at most {MAX_CHANNELS} channels are accepted"));
            }
            Some(Value::Object(channels)) => {
                for (name, channel) in channels {
                    if !channel.is_object() {
                        fault(&["channels", name], "a channel is an object".to_owned());
                    }
                }
            }
            // AsyncAPI 3 may define nothing but components.
            None if self.third => {}
            _ => fault(&["channels"], "channels must be an object with one entry for each channel".to_owned()),
        }
        for (name, server) in members(self.root.get("servers")) {
            let address = if self.third { "host" } else { "url" };
            for member in [address, "protocol"] {
                if server.get("$ref").is_none() && server.get(member).and_then(Value::as_str).is_none() {
                    fault(&["servers", name], format!("a server must have a {member}"));
                }
            }
        }
        let schemes = self.root.get("components").and_then(|c| c.get("securitySchemes"));
        for (name, scheme) in members(schemes) {
            self.check_flows(name, scheme, &mut fault);
        }
        if self.third {
            self.check_operations(&mut fault);
        }
        faults
    }

    fn check_flows(&self, name: &str, scheme: &Value, fault: &mut impl FnMut(&[&str], String)) {
        if scheme.get("type").and_then(Value::as_str) != Some("oauth2") {
            return;
        }
        let scopes = if self.third { "availableScopes" } else { "scopes" };
        for (flow, title, needs) in FLOWS {
            let Some(found) = scheme.get("flows").and_then(|flows| flows.get(flow)) else { continue };
            for member in needs.iter().chain([&scopes]) {
                if found.get(*member).is_none() {
                    fault(&["securitySchemes", name, "flows", flow], format!("{title} OAuth Flow is missing {member}"));
                }
            }
        }
    }

    fn check_operations(&self, fault: &mut impl FnMut(&[&str], String)) {
        for (name, operation) in members(self.root.get("operations")) {
            let reference = operation.get("channel").and_then(|c| c.get("$ref")?.as_str()).unwrap_or_default();
            let found = reference.strip_prefix("#/").and_then(|pointer| self.root.pointer(&format!("/{pointer}")));
            if operation.get("$ref").is_none() && (!reference.starts_with("#/channels/") || found.is_none()) {
                let reason = "Operation channel reference must point to valid channel.".to_owned();
                fault(&["operations", name, "channel"], reason);
            }
            let action = operation.get("action").and_then(Value::as_str).unwrap_or_default();
            if operation.get("$ref").is_none() && !matches!(action, "send" | "receive") {
                fault(&["operations", name], "the action of an operation is send or receive".to_owned());
            }
        }
    }

    /// `info.title`.
    pub(crate) fn title(&self) -> &str {
        self.info("title")
    }

    /// `info.version`.
    pub(crate) fn api_version(&self) -> &str {
        self.info("version")
    }

    /// `info.description`.
    pub(crate) fn description(&self) -> &str {
        self.info("description")
    }

    /// The version of AsyncAPI.
    pub(crate) fn version(&self) -> &str {
        self.root.get("asyncapi").and_then(Value::as_str).unwrap_or_default()
    }

    fn info(&self, member: &str) -> &str {
        self.root.get("info").and_then(|info| info.get(member)?.as_str()).unwrap_or_default()
    }

    /// Protocol and address of each server.
    pub(crate) fn servers(&self) -> Vec<(String, String)> {
        members(self.root.get("servers"))
            .filter_map(|(_, server)| {
                let text = |member: &str| server.get(member).and_then(Value::as_str).unwrap_or_default();
                let protocol = text("protocol").to_lowercase();
                let address =
                    if self.third { format!("{}{}", text("host"), text("pathname")) } else { text("url").into() };
                if address.is_empty() {
                    return None;
                }
                let whole = if address.contains("://") { address } else { format!("{protocol}://{address}") };
                Some((protocol, whole))
            })
            .collect()
    }

    /// The channels. What a definition says is from the point of view of the application in version 3 and of its clients
    /// in version 2; here it is always that of the clients.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        members(self.root.get("channels"))
            .map(|(name, channel)| {
                let address = channel.get("address").and_then(Value::as_str).unwrap_or(name);
                let (publish, subscribe) = if self.third {
                    (self.has_action(name, "receive"), self.has_action(name, "send"))
                } else {
                    (channel.get("publish").is_some(), channel.get("subscribe").is_some())
                };
                Channel { target: format!("/{}", address.trim_start_matches('/')), publish, subscribe }
            })
            .collect()
    }

    fn has_action(&self, channel: &str, action: &str) -> bool {
        let pointer = format!("#/channels/{}", channel.replace('~', "~0").replace('/', "~1"));
        members(self.root.get("operations")).any(|(_, operation)| {
            operation.get("action").and_then(Value::as_str) == Some(action)
                && operation.get("channel").and_then(|c| c.get("$ref")?.as_str()) == Some(&pointer)
        })
    }
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

/// AsyncAPI 2.0 with one channel for each topic of the API.
pub(crate) fn generate(api: &ApiDocument) -> Value {
    let mut channels = Map::new();
    for operation in api.operations() {
        let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default();
        let channel = channels.entry(text("target").to_owned()).or_insert_with(|| json!({}));
        let side = if text("verb").eq_ignore_ascii_case("PUBLISH") { "publish" } else { "subscribe" };
        if let Value::Object(channel) = channel {
            channel.insert(side.to_owned(), json!({"message": {"payload": {"type": "object"}}}));
        }
    }
    json!({"asyncapi": "2.0.0", "info": {"title": api.name(), "version": api.version()}, "channels": channels})
}

#[cfg(test)]
mod tests {
    use super::{AsyncApi, Channel, generate};

    #[test]
    fn channels_are_seen_from_the_client() {
        let second = "asyncapi: 2.0.0\ninfo: {title: T, version: '1'}\nchannels:\n  rooms/{id}:\n    publish: {}\n  news:\n    subscribe: {}\n";
        let third = "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\nchannels:\n  rooms:\n    address: rooms/{id}\n  news: {}\n\
                     operations:\n  a:\n    action: receive\n    channel: {$ref: '#/channels/rooms'}\n  b:\n    action: send\n    channel: {$ref: '#/channels/news'}\n";
        let wanted = [
            Channel { target: "/rooms/{id}".into(), publish: true, subscribe: false },
            Channel { target: "/news".into(), publish: false, subscribe: true },
        ];
        for text in [second, third] {
            assert_eq!(AsyncApi::parse(text.as_bytes()).unwrap().channels(), wanted, "{text}");
        }
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let text = "asyncapi: 3.0.0\ninfo: {title: T}\nservers:\n  a: {protocol: ws}\noperations:\n  x:\n    action: jump\n    channel:\n      $ref: '#/channels/none'\n";
        let faults: Vec<String> =
            AsyncApi::parse(text.as_bytes()).unwrap_err().iter().map(ToString::to_string).collect();
        for wanted in ["version", "host", "valid channel", "send or receive"] {
            assert!(faults.iter().any(|f| f.contains(wanted) && f.starts_with("line ")), "{wanted}: {faults:?}");
        }
        for text in ["", "[]", "asyncapi: 1.2.0", "asyncapi: 2.0.0\ninfo: {title: T, version: '1'}", "openapi: 3.0.0"] {
            assert!(AsyncApi::parse(text.as_bytes()).is_err(), "{text}");
        }
        let flow = "asyncapi: 2.0.0\ninfo: {title: T, version: '1'}\nchannels: {}\ncomponents:\n  securitySchemes:\n    o:\n      type: oauth2\n      flows:\n        implicit:\n          scopes: {}\n";
        let fault = AsyncApi::parse(flow.as_bytes()).unwrap_err()[0].to_string();
        assert!(fault.contains("Implicit OAuth Flow is missing"), "{fault}");
    }

    #[test]
    fn what_is_generated_can_be_read() {
        let api: model::ApiDocument = serde_json::from_value(serde_json::json!({"name": "Chat", "version": "1",
            "operations": [{"target": "/rooms", "verb": "SUBSCRIBE"}, {"target": "/rooms", "verb": "PUBLISH"}]}))
        .unwrap();
        let read = AsyncApi::parse(generate(&api).to_string().as_bytes()).unwrap();
        assert_eq!(read.channels(), [Channel { target: "/rooms".into(), publish: true, subscribe: true }]);
    }
}
