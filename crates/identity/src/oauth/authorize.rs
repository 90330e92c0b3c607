//! The authorization endpoint: from a client's wish to a code, by way of sign-in and consent.
//!
//! What the client asked for is kept on our side while the person signs in and decides; the browser carries an id only.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{ConsumerKey, TenantDomain, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::UnitOfWork;
use store::repository::client::{self as clients, ClientRow};
use store::repository::oauth::{self as rows, CodeRow, RequestRow};
use store::repository::role as roles;

use super::binding::{Binding, Details};
use super::error::OAuthError;
use super::form::Form;
use super::metadata::{ClientMetadata, redirect_uris};
use super::pushed::{PUSHED, REQUEST_URI};
use crate::scope::EVERYONE;
use crate::token::join;
use crate::{Identity, IdentityError, Session, hash, scope};

/// How long a person may take to sign in and decide.
const PENDING_LIFETIME: Duration = Duration::from_mins(30);
/// `kind` of requests that wait for a person.
const PENDING: &str = "pending";
/// What a request is sealed for while the person signs in.
const CARRIED: &str = "oauth/authorization-request";
/// Longest path back from the sign-in page, bytes; the page itself takes 4096.
const MAX_CARRIED: usize = 4000;
/// Longest `state` and `nonce`, bytes.
const MAX_STATE: usize = 4096;
/// The authorization code grant, RFC 6749 section 4.1.
pub(crate) const CODE_GRANT: &str = "authorization_code";

/// What happens next at the authorization endpoint.
#[derive(Clone, Debug)]
pub enum AuthorizationStep {
    /// The browser goes back to the client.
    Redirect(String),
    /// The person signs in, with or without a session, and comes back to this path of ours.
    SignIn(String),
    /// The person decides.
    Consent(ConsentQuestion),
    /// The request cannot be answered to the client, since it is not clear who that is: a sentence for the person.
    Refused(String),
}

/// What the consent page asks.
#[derive(Clone, Debug)]
pub struct ConsentQuestion {
    /// Id of the waiting request, for the form.
    pub request: String,
    /// Name of the client.
    pub client: String,
    /// Where the browser will go, for people who look: scheme and host.
    pub destination: String,
    /// Scopes asked for that the person may grant.
    pub scopes: Vec<String>,
    /// Who is signed in.
    pub person: String,
    /// Domain of their tenant.
    pub tenant: String,
    /// Domain of the tenant that the client belongs to: one that serves all tenants may be another's.
    pub client_tenant: String,
}

/// A request whose client and redirect URI are certain.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Request {
    redirect_uri: String,
    /// Whether the client sent the redirect URI, which it must then repeat.
    redirect_sent: bool,
    state: Option<String>,
    scopes: BTreeSet<String>,
    nonce: Option<String>,
    challenge: String,
    resource: Vec<String>,
    jkt: Option<String>,
    prompt: BTreeSet<String>,
    max_age: Option<i64>,
    /// The person signs in after this time, seconds: `prompt=login` and `max_age` are fulfilled once.
    fresh_from: Option<i64>,
}

/// What a code stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CodeDetails {
    pub(crate) redirect_uri: String,
    pub(crate) redirect_sent: bool,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) challenge: String,
    pub(crate) jkt: Option<String>,
    pub(crate) details: Details,
}

/// An error that the client learns through the browser.
struct ClientError {
    tenant: TenantId,
    redirect_uri: String,
    state: Option<String>,
    error: OAuthError,
}

/// How far a request got.
enum Progress {
    SignIn,
    Consent(BTreeSet<String>),
    Done(String),
}

/// A request on its way through the sign-in page and back, sealed: whoever is not signed in makes us keep nothing.
#[derive(Serialize, Deserialize)]
struct Carried {
    client: ConsumerKey,
    until: Timestamp,
    request: Request,
}

enum Fault {
    /// Not safe to redirect.
    Person(String),
    Client(Box<ClientError>),
    Failed(IdentityError),
}

impl<E: Into<IdentityError>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Identity {
    /// Takes an authorization request.
    ///
    /// # Errors
    /// [`IdentityError`] when the store fails; everything that is wrong with the request is a step.
    pub async fn authorize(
        &self,
        path_tenant: Option<&TenantDomain>,
        parameters: Vec<(String, String)>,
        session: Option<&Session>,
    ) -> Result<AuthorizationStep, IdentityError> {
        let outcome = self.begin(path_tenant, parameters, session).await;
        self.settle(outcome).await
    }

    /// Goes on with a request after the person signed in.
    ///
    /// # Errors
    /// As [`Identity::authorize`].
    pub async fn resume_authorization(
        &self,
        id: &str,
        session: Option<&Session>,
    ) -> Result<AuthorizationStep, IdentityError> {
        let outcome = self.resume(id, session).await;
        self.settle(outcome).await
    }

    /// The person's decision about a request; it is used up with it.
    ///
    /// # Errors
    /// As [`Identity::authorize`].
    pub async fn decide_authorization(
        &self,
        id: &str,
        session: &Session,
        approved: bool,
    ) -> Result<AuthorizationStep, IdentityError> {
        let outcome = self.decide(id, session, approved).await;
        self.settle(outcome).await
    }

    /// Errors become steps: to the client where it is known, to the person else.
    async fn settle(&self, outcome: Result<AuthorizationStep, Fault>) -> Result<AuthorizationStep, IdentityError> {
        match outcome {
            Ok(step) => Ok(step),
            Err(Fault::Person(text)) => Ok(AuthorizationStep::Refused(text)),
            Err(Fault::Failed(error)) => Err(error),
            Err(Fault::Client(fault)) => {
                let ClientError { tenant, redirect_uri, state, error } = *fault;
                let issuer = self.issuer_of_tenant(tenant).await?;
                let text = error.description();
                let pairs = [("error", Some(error.code())), ("error_description", Some(text)), ("iss", Some(&issuer))];
                Ok(AuthorizationStep::Redirect(with_query(&redirect_uri, &pairs, state.as_deref())))
            }
        }
    }

    async fn begin(
        &self,
        path_tenant: Option<&TenantDomain>,
        parameters: Vec<(String, String)>,
        session: Option<&Session>,
    ) -> Result<AuthorizationStep, Fault> {
        let form = Form::of_pairs(parameters).map_err(|e| Fault::Person(e.description().to_owned()))?;
        let (client, metadata, form) = self.known_client(path_tenant, form).await?;
        let request = self.parse(&client, &metadata, &form)?;
        match self.advance(&client, &request, session).await? {
            Progress::Done(target) => Ok(AuthorizationStep::Redirect(target)),
            Progress::SignIn => Ok(AuthorizationStep::SignIn(self.carry(&client, request)?)),
            Progress::Consent(scopes) => self.ask(&client, request, scopes, session).await,
        }
    }

    async fn resume(&self, carried: &str, session: Option<&Session>) -> Result<AuthorizationStep, Fault> {
        let (client, request) = self.carried(carried).await?;
        match self.advance(&client, &request, session).await? {
            Progress::Done(target) => Ok(AuthorizationStep::Redirect(target)),
            Progress::SignIn => Ok(AuthorizationStep::SignIn(resume_path(carried))),
            Progress::Consent(scopes) => self.ask(&client, request, scopes, session).await,
        }
    }

    /// The path by which a person comes back after signing in.
    fn carry(&self, client: &ClientRow, mut request: Request) -> Result<String, Fault> {
        let now = self.now();
        // What demands a new sign-in demands one from now on, and once.
        if request.prompt.contains("login") || request.prompt.contains("select_account") {
            request.fresh_from = Some(now.seconds());
        }
        let carried = Carried { client: client.id.clone(), until: now.plus(PENDING_LIFETIME), request };
        let text = serde_json::to_vec(&carried).map_err(|e| IdentityError::Internal(e.to_string()))?;
        let keyring = self.keyring.as_ref().ok_or_else(|| IdentityError::Internal("there is no keyring".into()))?;
        let sealed = keyring.seal(&text, CARRIED, &*self.rng).map_err(|e| IdentityError::Internal(e.to_string()))?;
        let path = resume_path(&URL_SAFE_NO_PAD.encode(sealed));
        if path.len() > MAX_CARRIED {
            let text = "The request is too long to sign in with; the application can shorten state and nonce.";
            return Err(to_client(client, &carried.request, OAuthError::invalid_request(text)));
        }
        Ok(path)
    }

    /// What [`Identity::carry`] sealed, unless it is altered or too old.
    async fn carried(&self, text: &str) -> Result<(ClientRow, Request), Fault> {
        let opened = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| {
            let envelope = String::from_utf8(bytes).ok()?;
            let opened = self.keyring.as_ref()?.open(&envelope, CARRIED).ok()?;
            serde_json::from_slice::<Carried>(opened.expose()).ok()
        });
        let carried = opened.filter(|carried| self.now() < carried.until).ok_or_else(too_old)?;
        let mut work = self.database.read().await?;
        let client = self.waiting_client(&mut work, &carried.client).await?;
        Ok((client, carried.request))
    }

    /// The client of a waiting request, if it may still get tokens.
    async fn waiting_client(&self, work: &mut UnitOfWork, id: &ConsumerKey) -> Result<ClientRow, Fault> {
        let client = clients::find_anywhere(work, id).await?.filter(|c| c.active).ok_or_else(too_old)?;
        if self.may_act(work, &client).await? { Ok(client) } else { Err(too_old()) }
    }

    /// Keeps the request until the person decides.
    async fn ask(
        &self,
        client: &ClientRow,
        request: Request,
        scopes: BTreeSet<String>,
        session: Option<&Session>,
    ) -> Result<AuthorizationStep, Fault> {
        let id = hash::new_expiring(&*self.rng, self.now());
        let now = self.now();
        let question = ConsentQuestion {
            request: id.expose().clone(),
            client: client.name.clone(),
            destination: origin(&request.redirect_uri),
            scopes: scopes.into_iter().collect(),
            person: session.map(|s| s.name.clone()).unwrap_or_default(),
            tenant: session.map(|s| s.tenant.domain.to_string()).unwrap_or_default(),
            client_tenant: self.tenant(client.tenant).await?.tenant.domain.to_string(),
        };
        let row = RequestRow {
            hash: hash::key_of(id.expose()),
            client: client.id.clone(),
            kind: PENDING.to_owned(),
            request: serde_json::to_value(&request).map_err(|e| IdentityError::Internal(e.to_string()))?,
            created_at: now,
            expires_at: now.plus(PENDING_LIFETIME),
        };
        let mut work = self.database.begin().await?;
        rows::insert_request(&mut work, &row).await?;
        work.save().await?;
        Ok(AuthorizationStep::Consent(question))
    }

    /// The client of a request, with the parameters that count: those it pushed, where it pushed them.
    async fn known_client(
        &self,
        path_tenant: Option<&TenantDomain>,
        form: Form,
    ) -> Result<(ClientRow, ClientMetadata, Form), Fault> {
        let unknown = || Fault::Person("The application that sent you here is not known.".to_owned());
        let id = ConsumerKey::new(form.get("client_id").ok_or_else(unknown)?);
        let mut work = self.database.read().await?;
        let client = clients::find_anywhere(&mut work, &id).await?.filter(|c| c.active).ok_or_else(unknown)?;
        if !self.may_act(&mut work, &client).await? {
            return Err(unknown());
        }
        work.cancel().await?;
        if let Some(domain) = path_tenant
            && !client.saas
            && self.find_tenant(domain.as_str()).await?.is_none_or(|t| t.tenant.id != client.tenant)
        {
            return Err(unknown());
        }
        let metadata = ClientMetadata::of(&client)?;
        let Some(uri) = form.get("request_uri") else {
            if metadata.require_pushed_authorization_requests {
                return Err(Fault::Person("The application must push its request first.".to_owned()));
            }
            return Ok((client, metadata, form));
        };
        let gone = || Fault::Person("The request is too old. Go back to the application and try again.".to_owned());
        let reference = uri.strip_prefix(REQUEST_URI).ok_or_else(gone)?;
        let mut work = self.database.begin().await?;
        let digest = hash::key_of(reference);
        let row = rows::find_request(&mut work, &digest, PUSHED, self.now()).await?.ok_or_else(gone)?;
        if row.client != client.id || !rows::take_request(&mut work, &digest).await? {
            return Err(gone());
        }
        work.save().await?;
        let pairs: Vec<(String, String)> =
            serde_json::from_value(row.request).map_err(|e| IdentityError::Internal(e.to_string()))?;
        let pushed = Form::of_pairs(pairs).map_err(|e| Fault::Person(e.description().to_owned()))?;
        Ok((client, metadata, pushed))
    }

    /// Checks what a client pushes, before it is kept.
    ///
    /// # Errors
    /// What the authorization endpoint would say.
    pub(crate) fn check_request(
        &self,
        client: &ClientRow,
        metadata: &ClientMetadata,
        form: &Form,
    ) -> Result<(), OAuthError> {
        match self.parse(client, metadata, form) {
            Ok(_) => Ok(()),
            Err(Fault::Person(text)) => Err(OAuthError::invalid_request(text)),
            Err(Fault::Client(fault)) => Err(fault.error),
            Err(Fault::Failed(error)) => Err(error.into()),
        }
    }

    fn parse(&self, client: &ClientRow, metadata: &ClientMetadata, form: &Form) -> Result<Request, Fault> {
        let registered = redirect_uris(client, metadata);
        let sent = form.get("redirect_uri");
        let redirect_uri = match (sent, registered.as_slice()) {
            // Exactly as registered (RFC 9700 section 2.1), or the only one there is.
            (Some(uri), all) if all.iter().any(|known| known == uri) => uri.to_owned(),
            (None, [only]) => only.clone(),
            _ => {
                let text = "The application asked to send you to an address that it has not registered.";
                return Err(Fault::Person(text.to_owned()));
            }
        };
        let state = form.get("state").map(str::to_owned);
        let refuse = |error: OAuthError| {
            let state = state.clone().filter(|s| s.len() <= MAX_STATE);
            let redirect_uri = redirect_uri.clone();
            Fault::Client(Box::new(ClientError { tenant: client.tenant, redirect_uri, state, error }))
        };
        check_form(client, form).map_err(refuse)?;
        let scopes = scope::parse(form.get("scope").unwrap_or_default());
        let scopes = scopes.map_err(|text| refuse(OAuthError::bad("invalid_scope", text)))?;
        let prompt: BTreeSet<String> =
            form.get("prompt").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        if prompt.contains("none") && prompt.len() > 1 {
            return Err(refuse(OAuthError::invalid_request("prompt=none stands alone.")));
        }
        let max_age = form.get("max_age").map(|text| text.parse::<i64>().ok().filter(|age| *age >= 0));
        if max_age == Some(None) {
            return Err(refuse(OAuthError::invalid_request("max_age is a number of seconds.")));
        }
        Ok(Request {
            redirect_sent: sent.is_some(),
            resource: form.resources().map_err(refuse)?,
            scopes,
            nonce: form.get("nonce").map(str::to_owned),
            challenge: form.get("code_challenge").unwrap_or_default().to_owned(),
            jkt: form.get("dpop_jkt").map(str::to_owned),
            prompt,
            max_age: max_age.flatten(),
            fresh_from: None,
            state: state.clone(),
            redirect_uri: redirect_uri.clone(),
        })
    }

    async fn pending(&self, id: &str) -> Result<(ClientRow, Request), Fault> {
        let mut work = self.database.read().await?;
        let row = rows::find_request(&mut work, &hash::key_of(id), PENDING, self.now()).await?.ok_or_else(too_old)?;
        let client = self.waiting_client(&mut work, &row.client).await?;
        let request = serde_json::from_value(row.request).map_err(|e| IdentityError::Internal(e.to_string()))?;
        Ok((client, request))
    }

    /// Sign-in, then consent, then the code.
    async fn advance(
        &self,
        client: &ClientRow,
        request: &Request,
        session: Option<&Session>,
    ) -> Result<Progress, Fault> {
        let silent = request.prompt.contains("none");
        let Some(session) = session.filter(|s| self.is_fresh(request, s)) else {
            if silent {
                return Err(to_client(client, request, OAuthError::bad("login_required", "Nobody is signed in.")));
            }
            return Ok(Progress::SignIn);
        };
        if session.tenant.id != client.tenant && !client.saas {
            let error = OAuthError::bad("access_denied", "The user belongs to another tenant.");
            return Err(to_client(client, request, error));
        }
        let grantable = self.grantable(session, &request.scopes).await?;
        if !request.prompt.contains("consent") && self.has_consented(session, &client.id, &grantable).await? {
            return Ok(Progress::Done(self.code(client, request, session).await?));
        }
        if silent {
            let error = OAuthError::bad("consent_required", "The user has not agreed yet.");
            return Err(to_client(client, request, error));
        }
        Ok(Progress::Consent(grantable))
    }

    /// Whether a session is new enough for what the client asked.
    fn is_fresh(&self, request: &Request, session: &Session) -> bool {
        let signed_in = session.authenticated_at.seconds();
        let young = request.max_age.is_none_or(|age| self.now().seconds().saturating_sub(signed_in) <= age);
        match request.fresh_from {
            Some(from) => young && signed_in >= from,
            None => young && !request.prompt.contains("login") && !request.prompt.contains("select_account"),
        }
    }

    async fn grantable(&self, session: &Session, wanted: &BTreeSet<String>) -> Result<BTreeSet<String>, Fault> {
        let mut work = self.database.read().await?;
        let table = self.scope_table_for(&mut work, session.tenant.id, wanted).await?;
        let mut names = roles::names_of_user(&mut work, session.tenant.id, session.user).await?;
        names.insert(EVERYONE.to_owned());
        Ok(table.grant(wanted, &names, true))
    }

    async fn decide(&self, id: &str, session: &Session, approved: bool) -> Result<AuthorizationStep, Fault> {
        let (client, request) = self.pending(id).await?;
        // The session may have changed hands since the page was shown.
        if !self.is_fresh(&request, session) || (session.tenant.id != client.tenant && !client.saas) {
            return Ok(AuthorizationStep::SignIn(self.carry(&client, request)?));
        }
        let mut work = self.database.begin().await?;
        if !rows::take_request(&mut work, &hash::key_of(id)).await? {
            return Err(Fault::Person("This was decided already.".to_owned()));
        }
        work.save().await?;
        if !approved {
            return Err(to_client(&client, &request, OAuthError::bad("access_denied", "The user did not agree.")));
        }
        let grantable = self.grantable(session, &request.scopes).await?;
        self.remember_consent(session, &client.id, &grantable).await?;
        Ok(AuthorizationStep::Redirect(self.code(&client, &request, session).await?))
    }

    /// Makes the code and the way back to the client (RFC 6749 section 4.1.2, RFC 9207).
    async fn code(&self, client: &ClientRow, request: &Request, session: &Session) -> Result<String, Fault> {
        let value = hash::new_expiring(&*self.rng, self.now());
        let now = self.now();
        let details = CodeDetails {
            redirect_uri: request.redirect_uri.clone(),
            redirect_sent: request.redirect_sent,
            scopes: request.scopes.clone(),
            challenge: request.challenge.clone(),
            jkt: request.jkt.clone(),
            details: Details {
                resource: request.resource.clone(),
                auth_time: Some(session.authenticated_at.seconds()),
                amr: session.amr().into_iter().map(str::to_owned).collect(),
                session: Some(session.id.clone()),
                nonce: request.nonce.clone(),
                ..Details::default()
            },
        };
        let row = CodeRow {
            hash: hash::key_of(value.expose()),
            family: self.rng.uuid_at(self.now()).to_string(),
            client: client.id.clone(),
            tenant: session.tenant.id,
            user: session.user,
            details: serde_json::to_value(&details).map_err(|e| IdentityError::Internal(e.to_string()))?,
            issued_at: now,
            expires_at: now.plus(self.settings.code_lifetime),
            used_at: None,
            access_token: None,
        };
        let issuer = self.issuer_of_tenant(client.tenant).await?;
        let mut work = self.database.begin().await?;
        rows::insert_code(&mut work, &row).await?;
        let by = self.on_behalf_of(&session.display_name());
        let target = format!("client/{}", client.id);
        by.record(&mut work, session.tenant.id, "identity.authorizations.grant", &target).await?;
        work.save().await?;
        tracing::debug!(client = %client.id, scopes = %join(&request.scopes), "an authorization code was issued");
        let pairs = [("code", Some(value.expose().as_str())), ("iss", Some(issuer.as_str()))];
        Ok(with_query(&request.redirect_uri, &pairs, request.state.as_deref()))
    }

    /// The issuer of a tenant's number.
    pub(crate) async fn issuer_of_tenant(&self, tenant: TenantId) -> Result<String, IdentityError> {
        Ok(self.issuer_of(&self.tenant(tenant).await?.tenant.domain))
    }
}

/// One text for everything that waits no more.
fn too_old() -> Fault {
    Fault::Person("This sign-in is too old. Go back to the application and try again.".to_owned())
}

fn resume_path(carried: &str) -> String {
    format!("/oauth2/authorize/resume?request={carried}")
}

/// What every request must have and must not have.
fn check_form(client: &ClientRow, form: &Form) -> Result<(), OAuthError> {
    if form.get("request").is_some() {
        return Err(OAuthError::bad("request_not_supported", "Push the request instead (RFC 9126)."));
    }
    match form.get("response_type") {
        None => return Err(OAuthError::missing("response_type")),
        Some("code") => {}
        Some(_) => return Err(OAuthError::bad("unsupported_response_type", "Only response_type=code is offered.")),
    }
    if form.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(OAuthError::invalid_request("Only response_mode=query is offered."));
    }
    if !client.grants.iter().any(|g| g == CODE_GRANT) {
        let text = "The client is not registered for the grant type authorization_code.";
        return Err(OAuthError::bad("unauthorized_client", text));
    }
    let long = |name: &str, most: usize| form.get(name).is_some_and(|value| value.len() > most);
    if long("state", MAX_STATE) || long("nonce", MAX_STATE) {
        return Err(OAuthError::invalid_request(format!("state and nonce have at most {MAX_STATE} bytes.")));
    }
    let is_hash = |text: &str| text.len() == 43 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    match (form.get("code_challenge"), form.get("code_challenge_method")) {
        (Some(challenge), Some("S256")) if is_hash(challenge) => {}
        _ => {
            let text = "PKCE is required: send code_challenge with code_challenge_method=S256 (RFC 7636).";
            return Err(OAuthError::invalid_request(text));
        }
    }
    if form.get("dpop_jkt").is_some_and(|jkt| !is_hash(jkt)) {
        return Err(OAuthError::invalid_request("dpop_jkt is a SHA-256 thumbprint."));
    }
    Ok(())
}

fn to_client(client: &ClientRow, request: &Request, error: OAuthError) -> Fault {
    let (redirect_uri, state) = (request.redirect_uri.clone(), request.state.clone());
    Fault::Client(Box::new(ClientError { tenant: client.tenant, redirect_uri, state, error }))
}

/// The redirect URI with parameters, `state` last.
fn with_query(uri: &str, pairs: &[(&str, Option<&str>)], state: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().chain(&[("state", state)]) {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{}", query.finish())
}

/// Scheme and host of an address.
fn origin(uri: &str) -> String {
    match uri.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.split(['/', '?']).next().unwrap_or_default()),
        None => uri.split(':').next().unwrap_or_default().to_owned() + ":",
    }
}

/// The binding that a code demands of the token request (RFC 9449 section 10).
pub(crate) fn fits_code(code: &CodeDetails, binding: Option<&Binding>) -> bool {
    match &code.jkt {
        None => true,
        Some(jkt) => matches!(binding, Some(Binding::Key(key)) if key == jkt),
    }
}

/// Until when a used code is kept: as long as a token that came from it may be renewed.
pub(crate) fn keep_used_code(now: Timestamp) -> Timestamp {
    now.plus(Duration::from_hours(24))
}
