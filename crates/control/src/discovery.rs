//! What the Developer Portal shows of APIs, and to whom.

pub(crate) mod definition;
pub(crate) mod documents;
pub(crate) mod list;
pub(crate) mod view;

use model::snapshot::Lifecycle;
use model::{ApiDocument, ApiId, Tenant, TenantId};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};
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

    /// Whether the visibility of an API lets the viewer see it. Those who make and publish APIs see all of their tenant.
    fn sees(&self, document: &ApiDocument) -> bool {
        let manages = ["admin", "Internal/creator", "Internal/publisher"].iter().any(|role| self.has_role(role));
        match document.visibility() {
            "PRIVATE" => self.is_member(),
            "RESTRICTED" => manages || document.texts("visibleRoles").iter().any(|role| self.has_role(role)),
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
fn is_listed(row: &ApiRow) -> bool {
    matches!(lifecycle::parse(&row.lifecycle), Some(Lifecycle::Published | Lifecycle::Prototyped))
}

/// States in which an API can be looked at by those who know it.
fn is_open(row: &ApiRow) -> bool {
    let state = lifecycle::parse(&row.lifecycle);
    is_listed(row) || matches!(state, Some(Lifecycle::Deprecated | Lifecycle::Blocked))
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

/// All APIs that lists show to the viewer, newest first.
pub(crate) async fn listed(work: &mut UnitOfWork, viewer: &Viewer) -> Result<Vec<(ApiRow, ApiDocument)>, ControlError> {
    let mut found = Vec::new();
    for row in api::list(work, viewer.tenant.id).await?.into_iter().filter(is_listed) {
        let document = parse(&row)?;
        if viewer.sees(&document) {
            found.push((row, document));
        }
    }
    Ok(found)
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

/// The average of the ratings of an API as WSO2 writes it: `0.0` to `5.0`.
pub(crate) async fn average_rating(work: &mut UnitOfWork, id: ApiId) -> Result<String, ControlError> {
    let ratings = store::repository::comment::ratings(work, id).await?;
    let sum: i64 = ratings.iter().map(|rating| rating.rating).sum();
    let count = i64::try_from(ratings.len()).unwrap_or(i64::MAX).max(1);
    let tenths = sum.saturating_mul(10).saturating_add(count / 2) / count;
    Ok(format!("{}.{}", tenths / 10, tenths % 10))
}

/// All tenants that have a Developer Portal.
pub(crate) async fn tenants(work: &mut UnitOfWork) -> Result<Vec<(TenantId, String, bool)>, ControlError> {
    let rows = tenant::list(work).await?;
    Ok(rows.into_iter().map(|row| (row.tenant.id, row.tenant.domain.to_string(), row.tenant.active)).collect())
}
