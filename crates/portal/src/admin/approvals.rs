//! Requests that wait for an administrator.

use std::sync::Arc;

use control::WaitingRequest;
use serde_json::Value;
use web::{Answer, Call, Fields, Permit, RouteTable};

use super::Desk;
use crate::page::PageError;
use crate::ui::{
    Button, Card, Column, Confirmation, Empty, Facts, Html, Link, Notice, Page, Pager, Table, Tone, minute,
};
use crate::{Portal, get, post};

/// As the Admin REST API asks.
pub(super) const VIEW: &[&str] = &["apim:admin", "apim:api_workflow_view"];
const DECIDE: &[&str] = &["apim:admin", "apim:api_workflow_approve"];
const LIST: &str = "/admin/approvals";
const ONE: &str = "/admin/approvals/{id}";
const REJECT: &str = "/admin/approvals/{id}/reject";
/// Entries of a page.
const SIZE: usize = 50;

/// What WSO2 calls the properties that a decision is made by, and what people call them.
const NAMES: [(&str, &str); 17] = [
    ("apiName", "API"),
    ("apiVersion", "Version"),
    ("apiProvider", "Provider"),
    ("apiContext", "Context"),
    ("revisionId", "Revision"),
    ("environment", "Gateway environment"),
    ("action", "Action"),
    ("currentState", "Present state"),
    ("applicationName", "Application"),
    ("applicationOwner", "Owner"),
    ("applicationTier", "Policy of the application"),
    ("applicationDescription", "Description"),
    ("keyType", "Keys"),
    ("subscriber", "Subscriber"),
    ("subscriptionTier", "Plan"),
    ("username", "User name"),
    ("email", "Mail address"),
];

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.approvals", LIST, "Requests that wait"), VIEW, list)
        .page(post("portal.admin.approvals.approve", LIST, "Approve a request"), DECIDE, approve)
        .page(get("portal.admin.approvals.get", ONE, "What a request asks for"), VIEW, show)
        .page(get("portal.admin.approvals.ask", REJECT, "Question before a request is rejected"), DECIDE, ask)
        .page(post("portal.admin.approvals.reject", REJECT, "Reject a request"), DECIDE, reject)
}

/// How many wait for the administrators of the person's tenant.
pub(super) async fn count(desk: &Desk<'_>) -> Result<usize, PageError> {
    Ok(desk.portal.control.waiting_requests(&desk.actor, None, (1, 0)).await?.1)
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "approvals");
    let from = call.query_or("from", 0)?;
    let (shown, total) = portal.control.waiting_requests(&desk.actor, None, (SIZE, from)).await?;
    let columns = vec![
        Column::new("Request"),
        Column::new("Kind"),
        Column::new("Asked by"),
        Column::new("Waiting since"),
        Column::actions(),
    ];
    let text = "What needs approval is said in the tenant configuration (Workflows) or in the file that [apim.workflow] \
                extensions in deployment.toml names; for new accounts also in [identity_mgt.user_self_registration] approval.";
    let pager = Pager::of(from, shown.len(), SIZE, total, "/admin/approvals?");
    let mut table = Table::new("Requests", columns).pager(pager).empty(Empty::new("Nothing waits for you", text));
    for request in &shown {
        table.row(vec![
            Link::html(&request.description, path(request)),
            Html::text(request.title),
            Html::text(&request.requester),
            Html::text(minute(request.created)),
            actions(&desk, request),
        ]);
    }
    desk.frame.answer(Page::new("Approvals").add(&table))
}

fn path(request: &WaitingRequest) -> String {
    format!("{LIST}/{}", request.id)
}

fn actions(desk: &Desk<'_>, request: &WaitingRequest) -> Html {
    if !desk.portal.control.may_decide(&desk.actor, request) {
        return Html::muted("Yours: somebody else decides");
    }
    let approve = Button::new(desk.csrf(), LIST, "Approve").of(&request.description).with("id", &request.id).html();
    Html::join([approve, Link::html("Reject", format!("{}/reject", path(request)))])
}

async fn find(desk: &Desk<'_>, id: &str) -> Result<WaitingRequest, PageError> {
    Ok(desk.portal.control.waiting_request(&desk.actor, id).await?)
}

async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "approvals");
    let request = find(&desk, call.path("id")?).await?;
    let text = |name: &str| request.properties.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut facts = Facts::new().text("Kind", request.title).text("Asked by", &request.requester);
    for (name, label) in NAMES {
        facts = facts.text(label, text(name));
    }
    let attributes: Value = serde_json::from_str(text("applicationAttributes")).unwrap_or_default();
    for (name, value) in attributes.as_object().into_iter().flatten() {
        facts = facts.text(name.as_str(), value.as_str().unwrap_or_default());
    }
    let facts = facts.text("Waiting since", &minute(request.created));
    let mut page = Page::new("Request").crumb("Approvals", LIST).lead(&request.description);
    if !portal.control.may_decide(&desk.actor, &request) {
        let why = "Nobody decides what they asked for themselves. Ask another administrator of this tenant.";
        page = page.add(&Notice::new(Tone::Accent, "This request is yours", why));
    }
    page = page.add(&Card::new(request.title).aside(actions(&desk, &request)).add(&facts));
    let updates: Value = serde_json::from_str(text("updates")).unwrap_or_default();
    let updates = updates.as_array().map(Vec::as_slice).unwrap_or_default();
    if !updates.is_empty() {
        let columns = vec![Column::new("What changes"), Column::new("From"), Column::new("To")];
        let mut table = Table::new("Changes", columns);
        for update in updates {
            let cell = |name: &str| Html::text(update.get(name).and_then(Value::as_str).unwrap_or_default());
            table.row(vec![cell("attributeName"), cell("current"), cell("expected")]);
        }
        page = page.heading("Changes", "").add(&table);
    }
    desk.frame.answer(page)
}

async fn approve(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "approvals");
    let fields = Fields::of(&call)?;
    let request = find(&desk, fields.text("id")).await?;
    portal.control.decide_request(&desk.actor, &request.id, true, "").await?;
    desk.frame.done(LIST, &format!("{}: approved.", request.title))
}

async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "approvals");
    let request = find(&desk, call.path("id")?).await?;
    let label = format!("Reject: {}", request.title);
    let confirmation = Confirmation::new(desk.csrf(), format!("{}/reject", path(&request)), &label, LIST)
        .loses(format!("The request is dropped; its author may ask again. {}", request.description));
    desk.frame.answer(Page::new(format!("{label}?")).crumb("Approvals", LIST).narrow().add(&confirmation))
}

async fn reject(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "approvals");
    let request = find(&desk, call.path("id")?).await?;
    portal.control.decide_request(&desk.actor, &request.id, false, "").await?;
    desk.frame.done(LIST, &format!("{}: rejected.", request.title))
}
