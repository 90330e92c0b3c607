//! Sessions of browsers (guideline A17).
//!
//! A session is known by a cookie with 256 random bits, of which only the SHA-256 is stored. It begins with a sign-in,
//! always under a new id; it ends when it is idle, when it is old, when its user signs out, is locked or deleted, or gets
//! a new password. Roles are read anew with every request.

mod of_tenant;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Secret, Tenant, Timestamp, UserId};
use store::UnitOfWork;
use store::repository::login_session::{self as sessions, SessionRow};
use store::repository::{role as roles, tenant as tenants, user as users};
use web::{Answer, AuthenticationMethod, Call, Principal, SESSION_COOKIE};

use crate::scope::EVERYONE;
use crate::{Identity, IdentityError, hash};

/// Most sessions of one user; a further one ends the oldest.
const MAX_SESSIONS: i64 = 50;
/// How exactly the last use of a session is known: fewer writes than requests.
const TOUCH_EVERY: Duration = Duration::from_mins(1);
/// Where the sign-in page is.
const SIGN_IN_PATH: &str = "/signin";
/// What the sealed way back is sealed for.
const RETURN_CONTEXT: &str = "sign-in/return";
/// How long the way back is remembered.
const RETURN_LIFETIME: Duration = Duration::from_mins(30);
/// Longest way back, bytes.
const MAX_TARGET: usize = 4096;
/// What is kept of the browser's name, characters.
const MAX_AGENT: usize = 200;

/// How identity was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// The password.
    Password,
    /// An identity provider outside vouched for it.
    Federated,
    /// A code of the authenticator app.
    Code,
    /// A recovery code in place of the app's.
    RecoveryCode,
}

impl Factor {
    const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Federated => "federated",
            Self::Code => "code",
            Self::RecoveryCode => "recovery_code",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Password, Self::Federated, Self::Code, Self::RecoveryCode].into_iter().find(|f| f.word() == word)
    }
}

/// A browser session that is valid now.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its name in lists; not the cookie, and no secret.
    pub id: String,
    /// The tenant of the user.
    pub tenant: Tenant,
    /// The user.
    pub user: UserId,
    /// The user's name without the tenant's domain.
    pub name: String,
    /// The user's roles now.
    pub roles: BTreeSet<String>,
    /// How identity was proved.
    pub factors: Vec<Factor>,
    /// When identity was proved: `auth_time` of OpenID Connect.
    pub authenticated_at: Timestamp,
    /// When the session began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When it ends unless it is used before.
    pub ends_at: Timestamp,
    /// Network address of the browser at sign-in; empty when unknown.
    pub address: String,
    /// What the browser called itself at sign-in.
    pub agent: String,
}

impl Session {
    /// Authentication methods for an ID token (RFC 8176).
    pub fn amr(&self) -> Vec<&'static str> {
        let method = |factor: &Factor| match factor {
            Factor::Password => Some("pwd"),
            // How it was proved is the provider's to say; RFC 8176 has no word for "elsewhere".
            Factor::Federated => None,
            Factor::Code | Factor::RecoveryCode => Some("otp"),
        };
        let mut methods: Vec<_> = self.factors.iter().filter_map(method).collect();
        methods.dedup();
        if self.factors.len() > 1 {
            methods.push("mfa");
        }
        methods
    }

    /// The name as WSO2 reports it: `alice`, or `alice@example.com` outside the super tenant.
    pub fn display_name(&self) -> String {
        if self.tenant.id.is_super() { self.name.clone() } else { format!("{}@{}", self.name, self.tenant.domain) }
    }
}

/// What is known of the browser that signs in; shown to the user in the list of sessions.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// Network address.
    pub address: Option<IpAddr>,
    /// The header `User-Agent`.
    pub agent: String,
}

impl Browser {
    /// The browser that sent a request.
    pub fn of(call: &Call) -> Self {
        let agent = call.header("user-agent").unwrap_or_default();
        let agent = agent.chars().filter(|c| !c.is_control()).take(MAX_AGENT).collect();
        Self { address: call.peer.map(|p| p.ip()), agent }
    }
}

impl Identity {
    /// The session of a request's cookie, if it is valid. The use is remembered.
    ///
    /// # Errors
    /// [`IdentityError::Store`]; nobody is signed in then.
    pub async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, IdentityError> {
        match web::cookie(headers, SESSION_COOKIE) {
            Some(value) => self.session_of(&Secret::new(value.to_owned())).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn session_of(&self, cookie: &Secret<String>) -> Result<Option<Session>, IdentityError> {
        let (hash, now) = (hash::key_of(cookie.expose()), self.now());
        let mut work = self.database.read().await?;
        let Some(row) = sessions::find(&mut work, &hash, now).await? else { return Ok(None) };
        let Some(session) = self.load_session(&mut work, row).await? else { return Ok(None) };
        // Who became an administrator since the sign-in begins anew, with a second factor.
        if session.factors.len() < 2
            && self.must_have_second_factor(&mut work, session.tenant.id, &session.roles).await?
        {
            return Ok(None);
        }
        work.cancel().await?;
        if now.since(session.seen_at) >= TOUCH_EVERY
            && let Err(error) = self.touch_session(&hash, session.created_at, now).await
        {
            // It ends sooner than it might, which is better than now.
            tracing::warn!(reason = %error, "the use of a session could not be remembered");
        }
        Ok(Some(session))
    }

    async fn touch_session(&self, hash: &[u8], created_at: Timestamp, now: Timestamp) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        sessions::touch(&mut work, hash, now, self.session_end(created_at, now)).await?;
        Ok(work.save().await?)
    }

    async fn load_session(&self, work: &mut UnitOfWork, row: SessionRow) -> Result<Option<Session>, IdentityError> {
        let Some(tenant) = tenants::by_id(work, row.tenant).await?.map(|t| t.tenant).filter(|t| t.active) else {
            return Ok(None);
        };
        let Some(user) = users::by_id(work, row.tenant, row.user).await?.filter(|u| !u.locked) else {
            return Ok(None);
        };
        if !self.directory_confirms(work, &user).await? {
            return Ok(None);
        }
        let mut names = roles::names_of_user(work, row.tenant, row.user).await?;
        names.insert(EVERYONE.to_owned());
        Ok(Some(Session {
            id: row.id,
            tenant,
            user: user.id,
            name: user.name,
            roles: names,
            factors: row.factors.split(' ').filter_map(Factor::parse).collect(),
            authenticated_at: row.authenticated_at,
            created_at: row.created_at,
            seen_at: row.seen_at,
            ends_at: row.ends_at,
            address: row.address,
            agent: row.agent,
        }))
    }

    /// What the session's user may do.
    pub(crate) async fn principal_of(&self, session: Session) -> Result<Principal, IdentityError> {
        let mut work = self.database.read().await?;
        let table = self.scope_table(&mut work, session.tenant.id).await?;
        Ok(Principal {
            tenant: session.tenant,
            user: session.name,
            scopes: table.all_of(&session.roles),
            roles: session.roles,
            client: None,
            method: AuthenticationMethod::Session,
        })
    }

    /// Begins a session in the caller's transaction; the value of its cookie.
    pub(crate) async fn begin_session(
        &self,
        work: &mut UnitOfWork,
        user: &users::UserRow,
        factors: &[Factor],
        browser: &Browser,
    ) -> Result<Secret<String>, IdentityError> {
        let (cookie, now) = (hash::new_expiring(&*self.rng, self.now()), self.now());
        let words: Vec<_> = factors.iter().map(|f| f.word()).collect();
        let row = SessionRow {
            id: self.rng.uuid_at(now).to_string(),
            tenant: user.tenant,
            user: user.id,
            factors: words.join(" "),
            authenticated_at: now,
            created_at: now,
            seen_at: now,
            ends_at: self.session_end(now, now),
            address: browser.address.map(|a| a.to_canonical().to_string()).unwrap_or_default(),
            agent: browser.agent.clone(),
        };
        sessions::trim(work, user.tenant, user.id, MAX_SESSIONS - 1).await?;
        sessions::insert(work, &hash::key_of(cookie.expose()), &row).await?;
        Ok(cookie)
    }

    fn session_end(&self, created_at: Timestamp, now: Timestamp) -> Timestamp {
        now.plus(self.settings.session_idle).min(created_at.plus(self.settings.session_lifetime))
    }

    /// The valid sessions of a session's user, the newest first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn own_sessions(&self, own: &Session) -> Result<Vec<Session>, IdentityError> {
        self.sessions_of(own.tenant.id, own.user).await
    }

    /// Ends one session of a session's user; `false` when the user has no such session.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn end_own_session(&self, own: &Session, id: &str) -> Result<bool, IdentityError> {
        let mut work = self.database.begin().await?;
        let ended = sessions::end_by_id(&mut work, own.tenant.id, own.user, id).await?;
        if ended {
            let by = self.on_behalf_of(&own.display_name());
            by.record(&mut work, own.tenant.id, "identity.sessions.end", &format!("user/{}", own.user)).await?;
        }
        work.save().await?;
        Ok(ended)
    }

    /// Ends every session of a session's user but this one; returns how many.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn end_other_sessions(&self, own: &Session) -> Result<u64, IdentityError> {
        let mut work = self.database.begin().await?;
        let ended = sessions::end_of_user(&mut work, own.tenant.id, own.user, Some(&own.id)).await?;
        let by = self.on_behalf_of(&own.display_name());
        by.record(&mut work, own.tenant.id, "identity.sessions.end-others", &format!("user/{}", own.user)).await?;
        work.save().await?;
        Ok(ended)
    }

    /// Ends a request's session, if it has one (sign-out).
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn end_session(&self, headers: &HeaderMap) -> Result<(), IdentityError> {
        let Some(value) = web::cookie(headers, SESSION_COOKIE) else { return Ok(()) };
        let hash = hash::key_of(value);
        let mut work = self.database.begin().await?;
        let Some(row) = sessions::find(&mut work, &hash, self.now()).await? else { return Ok(()) };
        sessions::end(&mut work, &hash).await?;
        let name = match users::by_id(&mut work, row.tenant, row.user).await? {
            Some(user) => user.name,
            None => row.user.to_string(),
        };
        let by = self.on_behalf_of(&name);
        by.record(&mut work, row.tenant, "identity.sessions.sign-out", &format!("user/{}", row.user)).await?;
        work.save().await?;
        Ok(())
    }

    /// Gives the browser its session's cookie. `Lax`, because clients send browsers to the authorisation endpoint from
    /// their own sites; forms carry a token of their own.
    #[must_use]
    pub fn with_session_cookie(answer: Answer, cookie: &Secret<String>) -> Answer {
        web::with_cookie(answer, SESSION_COOKIE, cookie.expose(), "SameSite=Lax")
    }

    /// Takes the session's cookie from the browser.
    #[must_use]
    pub fn without_session_cookie(answer: Answer) -> Answer {
        web::with_cookie(answer, SESSION_COOKIE, "", "SameSite=Lax; Max-Age=0")
    }

    /// The answer that sends a browser to the sign-in page, and from there back to `wanted`, a path and query of ours.
    /// The page asks even when there is a session, so it serves `prompt=login` and `max_age` too.
    pub fn ask_to_sign_in(&self, wanted: Option<&str>) -> Answer {
        self.ask_to_sign_in_at(wanted, None)
    }

    /// As [`Identity::ask_to_sign_in`]; the page then also offers the identity providers of this tenant.
    pub fn ask_to_sign_in_at(&self, wanted: Option<&str>, tenant: Option<&model::TenantDomain>) -> Answer {
        let next = wanted.and_then(|w| self.seal_target(w)).map(|next| format!("next={next}"));
        // A domain has no character that means something in a query.
        let pairs: Vec<String> = next.into_iter().chain(tenant.map(|domain| format!("tenant={domain}"))).collect();
        let location =
            if pairs.is_empty() { SIGN_IN_PATH.to_owned() } else { format!("{SIGN_IN_PATH}?{}", pairs.join("&")) };
        let mut answer = Response::default();
        *answer.status_mut() = StatusCode::SEE_OTHER;
        web::with_header(answer, header::LOCATION, &location)
    }

    /// The way back in a form that only this installation can make: a link cannot name another place.
    fn seal_target(&self, target: &str) -> Option<String> {
        let text = format!("{} {}", self.now().plus(RETURN_LIFETIME).millis(), own_path(target)?);
        let sealed = self.keyring.as_ref()?.seal(text.as_bytes(), RETURN_CONTEXT, &*self.rng).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The way back that [`Identity::ask_to_sign_in`] sealed, unless it is altered or too old.
    pub fn return_target(&self, sealed: &str) -> Option<String> {
        let envelope = String::from_utf8(URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
        let opened = self.keyring.as_ref()?.open(&envelope, RETURN_CONTEXT).ok()?;
        let text = std::str::from_utf8(opened.expose()).ok()?;
        let (until, target) = text.split_once(' ')?;
        let until = Timestamp::from_millis(until.parse().ok()?);
        (self.now() < until).then(|| own_path(target).map(str::to_owned)).flatten()
    }
}

/// A path of ours with its query; nothing that a browser would read as another host.
fn own_path(text: &str) -> Option<&str> {
    let printable = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let local = text.starts_with('/') && !text.starts_with("//");
    (local && printable && text.len() <= MAX_TARGET).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_paths_of_ours_are_ways_back() {
        for good in ["/", "/account", "/oauth2/authorize?client_id=a&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"] {
            assert_eq!(own_path(good), Some(good));
        }
        let long = format!("/{}", "a".repeat(4096));
        for bad in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "/a b",
            "/a\r\nx: y",
            "/\t/evil.example",
            "/ä",
            "javascript:alert(1)",
            &long,
        ] {
            assert_eq!(own_path(bad), None, "{bad}");
        }
    }
}
