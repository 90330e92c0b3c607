//! Requests that wait for an administrator.

use std::sync::Arc;

use control::PendingApproval;
use web::{Answer, Call, Fields, Permit, RestError, RouteTable};

use super::Desk;
use crate::page::PageError;
use crate::ui::{Button, Column, Confirmation, Empty, Html, Link, Page, Pager, Table, minute};
use crate::{Portal, get, post};

/// As the Admin REST API asks.
pub(super) const VIEW: &[&str] = &["apim:admin", "apim:api_workflow_view"];
const DECIDE: &[&str] = &["apim:admin", "apim:api_workflow_approve"];
const LIST: &str = "/admin/approvals";
const REJECT: &str = "/admin/approvals/{id}/reject";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.approvals", LIST, "Requests that wait"), VIEW, list)
        .page(post("portal.admin.approvals.approve", LIST, "Approve a request"), DECIDE, approve)
        .page(get("portal.admin.approvals.ask", REJECT, "Question before a request is rejected"), DECIDE, ask)
        .page(post("portal.admin.approvals.reject", REJECT, "Reject a request"), DECIDE, reject)
}

/// Those of the person's tenant, the oldest first.
pub(super) async fn waiting(desk: &Desk<'_>) -> Result<Vec<PendingApproval>, PageError> {
    match desk.portal.control.approvals() {
        Some(port) => Ok(port.list(desk.actor.tenant()).await?),
        None => Ok(Vec::new()),
    }
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "approvals");
    let (shown, pager) = Pager::cut(waiting(&desk).await?, call.query_or("from", 0)?, 50, "/admin/approvals?");
    let columns =
        vec![Column::new("Request"), Column::new("Mail address"), Column::new("Waiting since"), Column::actions()];
    let text = "Accounts that people make themselves wait here when approval is asked for: [identity_mgt.user_self_registration] \
                approval in deployment.toml.";
    let mut table = Table::new("Requests", columns).pager(pager).empty(Empty::new("Nothing waits for you", text));
    for pending in &shown {
        let approve = Button::new(desk.csrf(), LIST, "Approve").of(&pending.name).with("id", &pending.id).html();
        let reject = Link::html(format!("Reject {}", pending.name), format!("{LIST}/{}/reject", pending.id));
        table.row(vec![
            Html::text(format!("Account {}", pending.name)),
            Html::text(&pending.email),
            Html::text(minute(pending.created_at)),
            Html::join([approve, reject]),
        ]);
    }
    desk.frame.answer(Page::new("Approvals").add(&table))
}

async fn find(desk: &Desk<'_>, id: &str) -> Result<PendingApproval, PageError> {
    let found = waiting(desk).await?.into_iter().find(|pending| pending.id == id);
    Ok(found.ok_or_else(|| {
        RestError::not_found("This request does not wait any more. Somebody else may have decided it.")
    })?)
}

async fn decide(desk: &Desk<'_>, id: &str, approved: bool) -> Result<(), PageError> {
    let port = desk.portal.control.approvals().ok_or_else(|| RestError::not_found("Nothing waits for a decision."))?;
    Ok(port.decide(desk.actor.tenant(), &desk.actor.name(), id, approved).await?)
}

async fn approve(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "approvals");
    let fields = Fields::of(&call)?;
    let pending = find(&desk, fields.text("id")).await?;
    decide(&desk, &pending.id, true).await?;
    desk.frame.done(LIST, &format!("The account {} was approved.", pending.name))
}

async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "approvals");
    let pending = find(&desk, call.path("id")?).await?;
    let label = format!("Reject the account {}", pending.name);
    let confirmation = Confirmation::new(desk.csrf(), format!("{LIST}/{}/reject", pending.id), &label, LIST)
        .loses(format!("The request of {} is dropped; they may ask again.", pending.email));
    desk.frame.answer(Page::new(format!("{label}?")).crumb("Approvals", LIST).narrow().add(&confirmation))
}

async fn reject(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "approvals");
    let pending = find(&desk, call.path("id")?).await?;
    decide(&desk, &pending.id, false).await?;
    desk.frame.done(LIST, &format!("The account {} was rejected.", pending.name))
}
