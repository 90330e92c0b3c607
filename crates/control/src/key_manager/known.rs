//! The kinds of key managers that can be registered, with what each needs to be known about it.

use serde_json::{Value, json};

use crate::field::Field as _;

/// One field of `additionalProperties`.
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// Text for a form.
    pub(crate) label: &'static str,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// Whether it is a secret: sealed in the database and never shown again.
    pub(crate) secret: bool,
}

/// One kind of key manager.
pub(crate) struct Connector {
    /// WSO2's `type`.
    pub(crate) name: &'static str,
    /// Text for a form.
    pub(crate) label: &'static str,
    /// Its own fields.
    pub(crate) fields: &'static [Field],
    /// Claim with the client id.
    pub(crate) consumer_key_claim: &'static str,
    /// Claim with the scopes.
    pub(crate) scopes_claim: &'static str,
}

const fn plain(name: &'static str, label: &'static str) -> Field {
    Field { name, label, required: true, secret: false }
}

const fn secret(name: &'static str, label: &'static str) -> Field {
    Field { name, label, required: true, secret: true }
}

const fn optional(name: &'static str, label: &'static str, secret: bool) -> Field {
    Field { name, label, required: false, secret }
}

const CLIENT: &[Field] = &[plain("client_id", "Client id"), secret("client_secret", "Client secret")];

/// All kinds, the resident one left out: it is not registered.
pub(crate) const CONNECTORS: &[Connector] = &[
    Connector {
        name: "Auth0",
        label: "Auth0",
        fields: &[
            plain("client_id", "Client id"),
            secret("client_secret", "Client secret"),
            plain("audience", "Audience of the management API"),
        ],
        consumer_key_claim: "azp",
        scopes_claim: "scope",
    },
    Connector {
        name: "WSO2-IS",
        label: "WSO2 Identity Server",
        fields: &[plain("Username", "User name"), secret("Password", "Password")],
        consumer_key_claim: "azp",
        scopes_claim: "scope",
    },
    Connector {
        name: "WSO2-IS-7",
        label: "WSO2 Identity Server 7",
        fields: &[
            plain("api_resource_management_endpoint", "API resource management endpoint"),
            plain("is7_roles_endpoint", "Roles endpoint"),
            // Needed for basic authentication only, see `IS7_BASIC`.
            optional("Username", "User name", false),
            optional("Password", "Password", true),
        ],
        consumer_key_claim: "azp",
        scopes_claim: "scope",
    },
    Connector { name: "KeyCloak", label: "Keycloak", fields: CLIENT, consumer_key_claim: "azp", scopes_claim: "scope" },
    Connector {
        name: "Okta",
        label: "Okta",
        fields: &[
            secret("apiKey", "API key"),
            plain("client_id", "Client id"),
            secret("client_secret", "Client secret"),
        ],
        consumer_key_claim: "cid",
        scopes_claim: "scp",
    },
    Connector {
        name: "PingFederate",
        label: "PingFederate",
        fields: &[
            plain("username", "User name"),
            secret("password", "Password"),
            plain("client_id", "Client id"),
            secret("client_secret", "Client secret"),
        ],
        consumer_key_claim: "client_id",
        scopes_claim: "scope",
    },
    Connector {
        name: "Forgerock",
        label: "ForgeRock",
        fields: CLIENT,
        consumer_key_claim: "aud",
        scopes_claim: "scope",
    },
    Connector {
        name: "AzureAD",
        label: "Microsoft Entra ID",
        fields: CLIENT,
        consumer_key_claim: "azp",
        scopes_claim: "scp",
    },
];

/// The kinds of key managers that can be registered, as the Admin API's settings describe them.
pub fn connectors() -> Vec<Value> {
    CONNECTORS.iter().map(Connector::described).collect()
}

impl Connector {
    /// A kind by WSO2's `type`.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        CONNECTORS.iter().find(|connector| connector.name == name)
    }

    /// Names of the required fields that are not there.
    pub(crate) fn missing(&self, properties: &Value) -> Vec<&'static str> {
        let absent = |name: &str| match properties.at(name) {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            _ => false,
        };
        let mut missing: Vec<&'static str> =
            self.fields.iter().filter(|f| f.required && absent(f.name)).map(|f| f.name).collect();
        if self.name == "WSO2-IS-7" {
            let wanted: &[&'static str] = match properties.at("Authentication").as_str() {
                Some("MutualTLS") => &["IdentityUser"],
                _ => &["Username", "Password"],
            };
            missing.extend(wanted.iter().filter(|name| absent(name)));
        }
        missing
    }

    /// As the Admin API's settings describe a kind for its form.
    pub(crate) fn described(&self) -> Value {
        let fields: Vec<Value> = self
            .fields
            .iter()
            .map(|field| {
                json!({
                    "name": field.name,
                    "label": field.label,
                    "type": "input",
                    "required": field.required,
                    "mask": field.secret,
                    "multiple": false,
                    "tooltip": "",
                    "default": "",
                    "values": [],
                })
            })
            .collect();
        json!({
            "type": self.name,
            "displayName": self.label,
            "defaultConsumerKeyClaim": self.consumer_key_claim,
            "defaultScopesClaim": self.scopes_claim,
            "configurations": fields,
        })
    }
}
