//! What the Developer Portal shows of APIs, and to whom.

pub(crate) mod definition;
pub(crate) mod documents;
pub(crate) mod list;
pub(crate) mod view;

use model::snapshot::Lifecycle;
use model::{ApiDocument, ApiId, Tenant, TenantId};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow, ApiSearch, Kinds};
use store::repository::tenant;
use web::Permit;

use crate::publishing::parse_document as parse;
use crate::{Actor, Control, ControlError, FaultKind, lifecycle};

/// Who looks at the Developer Portal of which tenant.
pub(crate) struct Viewer {
    /// The tenant whose APIs are looked at.
    pub(crate) tenant: Tenant,
    /// Who looks; nobody in particular when absent.
    pub(crate) actor: Option<Actor>,
}

impl Viewer {
    /// From the permit and the tenant named in `X-WSO2-Tenant`.
    ///
    /// # Errors
    /// 401 for strangers where the configuration does not let them read, 404 for an unknown tenant, 403 for users of
    /// another tenant where neither strangers may read nor tenants may subscribe to each other's APIs.
    pub(crate) async fn of(
        control: &Control,
        permit: Option<&Permit>,
        requested: Option<&str>,
    ) -> Result<Self, ControlError> {
        let settings = control.settings();
        let actor = permit.map(Actor::of);
        if actor.is_none() && !settings.anonymous_devportal {
            return Err(web::RestError::unauthorized("Sign in to read the Developer Portal.").into());
        }
        let requested = requested.map(str::trim).filter(|domain| !domain.is_empty());
        let tenant = match (&actor, requested) {
            (Some(actor), None) => actor.tenant_info().clone(),
            (Some(actor), Some(domain)) if actor.tenant_info().domain.as_str().eq_ignore_ascii_case(domain) => {
                actor.tenant_info().clone()
            }
            (_, domain) => {
                let domain = domain.unwrap_or(model::TenantDomain::SUPER).to_ascii_lowercase();
                let mut work = control.read().await?;
                let found = tenant::by_domain(&mut work, &domain).await?.filter(|row| row.tenant.active);
                let unknown = || ControlError::not_found(format!("There is no tenant {domain}."));
                found.ok_or_else(unknown)?.tenant
            }
        };
        let viewer = Self { tenant, actor };
        let stranger = viewer.actor.is_some() && !viewer.is_member();
        if stranger && !settings.anonymous_devportal && !settings.portal.cross_tenant_subscriptions {
            return Err(ControlError::forbidden("You are not a user of this tenant."));
        }
        Ok(viewer)
    }

    /// Whether the viewer is a user of the tenant.
    pub(crate) fn is_member(&self) -> bool {
        self.actor.as_ref().is_some_and(|actor| actor.tenant() == self.tenant.id)
    }

    /// Whether the viewer holds a role of the tenant; users of other tenants hold none.
    pub(crate) fn has_role(&self, role: &str) -> bool {
        self.is_member() && self.actor.as_ref().is_some_and(|actor| actor.has_role(role))
    }

    /// Whether the viewer makes or publishes APIs of the tenant.
    fn manages(&self) -> bool {
        ["admin", "Internal/creator", "Internal/publisher"].iter().any(|role| self.has_role(role))
    }

    /// Whether the visibility of an API lets the viewer see it. Those who make and publish APIs see all of their tenant.
    fn sees(&self, document: &ApiDocument) -> bool {
        match document.visibility() {
            "PRIVATE" => self.is_member(),
            "RESTRICTED" => self.manages() || document.texts("visibleRoles").iter().any(|role| self.has_role(role)),
            _ => self.is_member() || self.actor.is_none() || is_offered_to(document, self),
        }
    }

    /// Whether the viewer can subscribe to an API.
    pub(crate) fn can_subscribe(&self, document: &ApiDocument) -> bool {
        self.actor.is_some() && (self.is_member() || is_offered_to(document, self))
    }
}

/// Whether an API is offered to tenants other than its own, and to the viewer's.
fn is_offered_to(document: &ApiDocument, viewer: &Viewer) -> bool {
    let Some(actor) = &viewer.actor else { return false };
    match document.text("subscriptionAvailability") {
        "ALL_TENANTS" => true,
        "SPECIFIC_TENANTS" => {
            document.texts("subscriptionAvailableTenants").contains(&actor.tenant_info().domain.as_str())
        }
        _ => false,
    }
}

/// States in which lists show an API.
const LISTED: [Lifecycle; 2] = [Lifecycle::Published, Lifecycle::Prototyped];

/// States in which an API can be looked at by those who know it.
fn is_open(row: &ApiRow) -> bool {
    let further = [Lifecycle::Deprecated, Lifecycle::Blocked];
    lifecycle::parse(&row.lifecycle).is_some_and(|state| LISTED.contains(&state) || further.contains(&state))
}

/// The one answer for an API that is not there or not to be seen.
pub(crate) fn unknown(id: impl std::fmt::Display) -> ControlError {
    ControlError::new(FaultKind::NotFound, 900_308, "API Not Found", format!("Requested API with id '{id}' not found"))
}

/// An API that the viewer may look at.
pub(crate) async fn find(
    work: &mut UnitOfWork,
    viewer: &Viewer,
    id: ApiId,
) -> Result<(ApiRow, ApiDocument), ControlError> {
    let row = api::find(work, viewer.tenant.id, id).await?.ok_or_else(|| unknown(id))?;
    let document = parse(&row)?;
    if row.lifecycle == lifecycle::code(Lifecycle::Retired) && viewer.sees(&document) {
        // Its consumers knew it; that it is gone is what they need to hear.
        return Err(ControlError::forbidden(format!("{} {} is retired.", row.name, row.version)));
    }
    if !is_open(&row) {
        return Err(unknown(id));
    }
    if viewer.sees(&document) { Ok((row, document)) } else { Err(unknown(id)) }
}

/// What lists show to the viewer, for the store's search: as [`Viewer::sees`] says of one API.
fn listed(viewer: &Viewer) -> ApiSearch {
    let member = viewer.is_member();
    let (sees, tokens) = match &viewer.actor {
        None => (0, Vec::new()),
        Some(_) if viewer.manages() => (2, Vec::new()),
        Some(actor) if member => {
            let roles = actor.principal().roles.iter();
            (1, roles.map(|role| format!("role:{}", role.to_ascii_lowercase())).collect())
        }
        Some(actor) => (-1, vec!["tenant:".to_owned(), format!("tenant:{}", actor.tenant_info().domain.as_str())]),
    };
    ApiSearch {
        tenant: viewer.tenant.id,
        kinds: Kinds::All,
        states: LISTED.map(lifecycle::code).to_vec(),
        all_access: true,
        sees,
        tokens,
        terms: Vec::new(),
        member,
    }
}

/// The tenant an API belongs to, among those whose APIs the actor may subscribe to.
pub(crate) async fn tenant_of(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    requested: Option<&str>,
    id: ApiId,
) -> Result<Tenant, ControlError> {
    let own = actor.tenant_info().clone();
    if api::find(work, own.id, id).await?.is_some() {
        return Ok(own);
    }
    let domain = requested.map(str::to_ascii_lowercase).filter(|domain| domain != own.domain.as_str());
    let Some(domain) = domain.filter(|_| control.settings().portal.cross_tenant_subscriptions) else { return Ok(own) };
    Ok(tenant::by_domain(work, &domain).await?.filter(|row| row.tenant.active).map_or(own, |row| row.tenant))
}

/// The tenant that a request addresses, where tenants can subscribe to each other's APIs.
///
/// # Errors
/// 404 for a tenant that does not exist.
pub(crate) async fn addressed(
    control: &Control,
    work: &mut UnitOfWork,
    domain: Option<&str>,
) -> Result<Option<TenantId>, ControlError> {
    let domain = domain.map(str::trim).filter(|domain| !domain.is_empty());
    let Some(domain) = domain.filter(|_| control.settings().portal.cross_tenant_subscriptions) else { return Ok(None) };
    let found = tenant::by_domain(work, &domain.to_ascii_lowercase()).await?;
    let unknown = || ControlError::not_found(format!("There is no tenant {domain}."));
    Ok(Some(found.ok_or_else(unknown)?.tenant.id))
}

/// The average of ratings as WSO2 writes it: `0.0` to `5.0`.
fn average((sum, count): (i64, i64)) -> String {
    let count = count.max(1);
    let tenths = sum.saturating_mul(10).saturating_add(count / 2) / count;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The average of the ratings of an API.
pub(crate) async fn average_rating(work: &mut UnitOfWork, id: ApiId) -> Result<String, ControlError> {
    let sums = store::repository::comment::rating_sums(work, &[id]).await?;
    Ok(average(sums.get(&id).copied().unwrap_or_default()))
}

/// All tenants that have a Developer Portal.
pub(crate) async fn tenants(work: &mut UnitOfWork) -> Result<Vec<(TenantId, String, bool)>, ControlError> {
    let rows = tenant::list(work).await?;
    Ok(rows.into_iter().map(|row| (row.tenant.id, row.tenant.domain.to_string(), row.tenant.active)).collect())
}
