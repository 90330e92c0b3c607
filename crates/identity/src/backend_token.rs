//! Tokens that tell an upstream who calls (WSO2: backend JWT).

use model::TenantId;
use serde_json::{Map, Value, json};

use crate::Identity;

/// Issuer of these tokens, in WSO2's words. It is none of the issuers whose tokens are accepted anywhere, so such a token
/// is good for telling and for nothing else.
const ISSUER: &str = "wso2.org/products/am";

impl Identity {
    /// Signs claims for an upstream with the key of a tenant, which its JWKS publishes. `None` when there is no key.
    pub fn sign_backend_token(&self, tenant: TenantId, claims: &Map<String, Value>) -> Option<String> {
        let mut claims = claims.clone();
        claims.insert("iss".into(), json!(ISSUER));
        let signed = self.sign(tenant, "JWT", &claims);
        signed.inspect_err(|reason| tracing::error!(%reason, "a token for an upstream cannot be signed")).ok()
    }
}
