//! What administrators see of requests that wait, and their decisions.

use serde_json::{Map, Value, json};
use store::repository::workflow::{self as requests, WorkflowRow};

use super::{Decision, kind_of, user_sign_up};
use crate::api::page::Page;
use crate::field::Field;
use crate::{Actor, Control, ControlError, FaultKind, PendingApproval};

/// Most characters of what an administrator says about a decision.
const MAX_NOTE: usize = 1024;

/// A request that waits, as pages and REST answers show it.
#[derive(Clone, Debug)]
pub struct WaitingRequest {
    /// Its id, WSO2's external reference.
    pub id: String,
    /// WSO2's name of the kind.
    pub kind: &'static str,
    /// The kind's name for people.
    pub title: &'static str,
    /// One sentence.
    pub description: String,
    /// Who asked; empty when it is somebody without an account.
    pub requester: String,
    /// Names and values, as WSO2 names them.
    pub properties: Map<String, Value>,
    /// When it was made.
    pub created: model::Timestamp,
}

impl WaitingRequest {
    fn of(row: WorkflowRow) -> Option<Self> {
        let kind = kind_of(&row.kind)?;
        Some(Self {
            id: row.id.to_string(),
            kind: kind.code,
            title: kind.title,
            description: row.document.at("description").as_str().unwrap_or_default().to_owned(),
            requester: row.requester,
            properties: row.document.at("properties").as_object().cloned().unwrap_or_default(),
            created: row.created,
        })
    }

    fn of_sign_up(pending: PendingApproval, domain: &str) -> Self {
        let mut properties = Map::new();
        for (name, value) in [
            ("tenantAwareUserName", pending.name.as_str()),
            ("username", &pending.name),
            ("email", &pending.email),
            ("tenantDomain", domain),
        ] {
            properties.insert(name.into(), json!(value));
        }
        Self {
            id: pending.id,
            kind: user_sign_up::KIND.code,
            title: user_sign_up::KIND.title,
            description: format!("Approve the account {} of {}.", pending.name, pending.email),
            requester: String::new(),
            properties,
            created: pending.created_at,
        }
    }

    /// WSO2's `WorkflowInfo`.
    fn shown(&self) -> Value {
        let time = self.created.rfc3339();
        json!({
            "workflowType": self.kind,
            "workflowStatus": requests::WAITING,
            "createdTime": time,
            "updatedTime": time,
            "referenceId": self.id,
            "properties": self.properties,
            "description": self.description,
        })
    }
}

fn unknown(reference: &str) -> ControlError {
    ControlError::not_found(format!("No request with the reference {reference:?} waits for a decision."))
}

/// WSO2's list of requests that wait; of one kind when one is named.
pub(crate) async fn list(control: &Control, actor: &Actor, kind: &str, page: &Page) -> Result<Value, ControlError> {
    let kind = Some(kind).filter(|kind| !kind.is_empty());
    let window = page.window();
    let (found, total) = control.waiting_requests(actor, kind, (window.limit, window.offset)).await?;
    Ok(page.list(total, found.iter().map(WaitingRequest::shown).collect()))
}

/// One request that waits.
pub(crate) async fn get(control: &Control, actor: &Actor, reference: &str) -> Result<Value, ControlError> {
    Ok(control.waiting_request(actor, reference).await?.shown())
}

impl Control {
    /// The requests that wait for the administrators of the actor's tenant, the oldest first, those of people without an
    /// account last; of one kind when one is named. Part of them (most, from), and how many there are.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn waiting_requests(
        &self,
        actor: &Actor,
        kind: Option<&str>,
        (limit, offset): (usize, usize),
    ) -> Result<(Vec<WaitingRequest>, usize), ControlError> {
        let mut work = self.read().await?;
        let count = requests::count_waiting(&mut work, actor.tenant(), kind).await?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let bound = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let rows = requests::list_waiting(&mut work, actor.tenant(), kind, bound(limit), bound(offset)).await?;
        work.cancel().await?;
        let mut found: Vec<WaitingRequest> = rows.into_iter().filter_map(WaitingRequest::of).collect();
        let wanted = kind.is_none_or(|kind| kind == user_sign_up::KIND.code);
        let people = if wanted { self.sign_ups(actor).await? } else { Vec::new() };
        let total = count.saturating_add(people.len());
        let rest = limit.saturating_sub(found.len());
        found.extend(people.into_iter().skip(offset.saturating_sub(count)).take(rest));
        Ok((found, total))
    }

    async fn sign_ups(&self, actor: &Actor) -> Result<Vec<WaitingRequest>, ControlError> {
        let Some(port) = self.approvals() else { return Ok(Vec::new()) };
        let domain = actor.tenant_info().domain.to_string();
        let found = port.list(actor.tenant()).await?;
        Ok(found.into_iter().map(|pending| WaitingRequest::of_sign_up(pending, &domain)).collect())
    }

    /// One request that waits.
    ///
    /// # Errors
    /// 404, also for one of another tenant.
    pub async fn waiting_request(&self, actor: &Actor, reference: &str) -> Result<WaitingRequest, ControlError> {
        if let Ok(id) = reference.parse() {
            let mut work = self.read().await?;
            let found = requests::waiting(&mut work, actor.tenant(), id).await?;
            work.cancel().await?;
            if let Some(found) = found.and_then(WaitingRequest::of) {
                return Ok(found);
            }
        }
        let people = self.sign_ups(actor).await?;
        people.into_iter().find(|pending| pending.id == reference).ok_or_else(|| unknown(reference))
    }

    /// Whether the actor may decide a request: nobody decides what they asked for themselves, except administrators
    /// where the configuration lets them (`[apim.workflow] decide_own_requests`).
    pub fn may_decide(&self, actor: &Actor, request: &WaitingRequest) -> bool {
        !request.requester.eq_ignore_ascii_case(&actor.name())
            || (self.settings().decide_own_requests && actor.is_admin())
    }

    /// Approves a request that waits, or turns it down. What was asked is carried out in the transaction that closes the
    /// request and writes the audit record; a request that cannot be carried out goes on waiting.
    ///
    /// # Errors
    /// 404 for a request that does not wait; 403 for one's own; 409 when somebody was faster, or it cannot be carried out
    /// any more.
    pub async fn decide_request(
        &self,
        actor: &Actor,
        reference: &str,
        approved: bool,
        note: &str,
    ) -> Result<(), ControlError> {
        let request = self.waiting_request(actor, reference).await?;
        if !self.may_decide(actor, &request) {
            return Err(ControlError::new(
                FaultKind::Forbidden,
                403,
                "Forbidden",
                "You asked for this yourself, so somebody else decides. Ask another administrator.",
            ));
        }
        let note: String = note.chars().take(MAX_NOTE).collect();
        let Some(step) = kind_of(request.kind).and_then(|kind| kind.carry_out) else {
            let port = self.approvals().ok_or_else(|| unknown(reference))?;
            return port.decide(actor.tenant(), &actor.name(), reference, approved).await;
        };
        let id = reference.parse().map_err(|_| unknown(reference))?;
        let mut work = self.read().await?;
        let found = requests::waiting(&mut work, actor.tenant(), id).await?;
        work.cancel().await?;
        let request = found.ok_or_else(|| unknown(reference))?;
        step(&Decision { control: self, actor, request, approved, note: &note }).await
    }
}
