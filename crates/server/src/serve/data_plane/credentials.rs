//! What the gateway asks others: signatures, tokens for upstreams, and what the credentials of callers are worth.

use std::sync::Arc;
use std::time::Duration;

use gateway::{
    AssertionSigner, ClientCredentials, CredentialJudge, Judgement, Judging, KnownUser, OutboundToken, TokenAnswer,
    TokenClient, TokenQuestion, UserQuestion,
};
use identity::Identity;
use model::{Secret, TenantId};
use serde_json::{Map, Value};
use tokio::runtime::Handle;

/// Signs with the keys of the key manager in this process.
pub(super) struct Signer(pub(super) Arc<Identity>);

impl AssertionSigner for Signer {
    fn sign(&self, tenant: TenantId, claims: &Map<String, Value>) -> Option<String> {
        self.0.sign_backend_token(tenant, claims)
    }
}

/// Fetches tokens for endpoints over the way out that everything else takes.
pub(super) struct OutboundTokens(pub(super) web::Egress);

impl TokenClient for OutboundTokens {
    fn fetch(&self, request: Arc<ClientCredentials>) -> TokenAnswer {
        let egress = self.0.clone();
        Box::pin(async move {
            let answer = outbound_token(&egress, &request).await;
            if let Err(reason) = &answer {
                tracing::warn!(url = %request.token_url, %reason, "no token for an endpoint");
            }
            answer.ok()
        })
    }
}

async fn outbound_token(egress: &web::Egress, request: &ClientCredentials) -> Result<OutboundToken, String> {
    let authorization = client_authorization(&request.client_id, &request.client_secret);
    let mut form = match &request.owner {
        None => String::from("grant_type=client_credentials"),
        Some((name, password)) => {
            format!("grant_type=password&username={}&password={}", encode(name), encode(password.expose()))
        }
    };
    if !request.scope.is_empty() {
        form.push_str(&format!("&scope={}", encode(&request.scope)));
    }
    let answer = egress.post_form(&request.token_url, &authorization, form.into()).await.map_err(|e| e.to_string())?;
    if !answer.status.is_success() {
        return Err(format!("the token endpoint answered {}", answer.status));
    }
    let body: Value =
        serde_json::from_slice(&answer.body).map_err(|_| "the token endpoint did not answer in JSON".to_owned())?;
    let token = body.get("access_token").and_then(|t| t.as_str()).ok_or("the answer holds no access_token")?;
    // RFC 6749 section 5.1: without a lifetime it is not known; five minutes are usual.
    let seconds = body.get("expires_in").and_then(Value::as_u64).unwrap_or(300);
    Ok(OutboundToken { token: Secret::new(token.to_owned()), lifetime: Duration::from_secs(seconds) })
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A client's credentials at an authorisation server (RFC 6749 section 2.3.1).
fn client_authorization(id: &str, secret: &Secret<String>) -> String {
    use base64::Engine as _;
    let pair = format!("{}:{}", encode(id), encode(secret.expose()));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// Asks identity about users, and key managers about tokens.
pub(super) struct Judge {
    pub(super) identity: Arc<Identity>,
    pub(super) egress: web::Egress,
    /// Where connections of the database live: those of a gateway's worker would end with it.
    pub(super) runtime: Handle,
}

impl CredentialJudge for Judge {
    fn user(&self, question: UserQuestion) -> Judging<KnownUser> {
        let identity = Arc::clone(&self.identity);
        let asked = self.runtime.spawn(async move {
            let UserQuestion { tenant, username, password, scopes, address } = question;
            identity.check_api_user((&username, &password), &tenant, &scopes, Some(address)).await
        });
        Box::pin(async move {
            match asked.await {
                Ok(Ok(Some(user))) => {
                    Judgement::Good(KnownUser { tenant: user.tenant, subject: user.subject, scopes: user.scopes })
                }
                Ok(Ok(None)) => Judgement::Bad,
                Ok(Err(error)) => {
                    tracing::warn!(reason = %error, "the name and password of an API call could not be checked");
                    Judgement::Unknown
                }
                Err(_ended) => Judgement::Unknown,
            }
        })
    }

    fn token(&self, question: TokenQuestion) -> Judging<Map<String, Value>> {
        let egress = self.egress.clone();
        Box::pin(async move {
            match introspect(&egress, &question).await {
                Ok(Some(members)) => Judgement::Good(members),
                Ok(None) => Judgement::Bad,
                Err(reason) => {
                    tracing::warn!(url = %question.url, %reason, "a key manager did not say what a token is worth");
                    Judgement::Unknown
                }
            }
        })
    }
}

/// RFC 7662 section 2. `None` for a token that is not active.
async fn introspect(egress: &web::Egress, question: &TokenQuestion) -> Result<Option<Map<String, Value>>, String> {
    let authorization = client_authorization(&question.client_id, &question.client_secret);
    let form = format!("token={}&token_type_hint=access_token", encode(question.token.expose()));
    let answer = egress.post_form(&question.url, &authorization, form.into()).await.map_err(|e| e.to_string())?;
    if !answer.status.is_success() {
        return Err(format!("the introspection endpoint answered {}", answer.status));
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Value::Object(members)) => match members.get("active") {
            Some(Value::Bool(true)) => Ok(Some(members)),
            Some(Value::Bool(false)) => Ok(None),
            _ => Err("the answer does not say whether the token is active".to_owned()),
        },
        _ => Err("the introspection endpoint did not answer with a JSON object".to_owned()),
    }
}
