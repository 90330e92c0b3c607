//! Certificates that backends of the tenant are trusted by, and those that clients of an API show.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Fields, Permit};

use super::context::Here;
use super::text;
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Column, Confirmation, Empty, Faults, Field, Form, Html, Link, Page, Table};

async fn page(here: &Here, given: &(dyn Fn(&str) -> String + Sync), faults: &Faults) -> Result<Page, PageError> {
    let mut table = Table::new(
        "Certificates of backends",
        vec![Column::new("Name"), Column::new("Backend"), Column::new("Valid until"), Column::actions()],
    )
    .empty(Empty::new(
        "No certificates",
        "Backends with a certificate of a public authority need none. Add one for those that sign their own.",
    ));
    for one in here.portal.control.endpoint_certificates(&here.actor, "", "").await? {
        let alias = text(&one, "alias");
        let detail = here.portal.control.endpoint_certificate(&here.actor, alias).await?;
        let until = detail.get("validity").map(|v| text(v, "to").to_owned()).unwrap_or_default();
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("alias", alias).finish();
        table.row(vec![
            Html::text(alias),
            Html::mono(text(&one, "endpoint")),
            Html::text(until),
            Link::html(format!("Delete {alias}"), format!("{}?{query}", here.path("certificates/delete"))),
        ]);
    }
    let form = Form::new(&here.frame.csrf, here.path("certificates"), "Add certificate")
        .faults(faults)
        .with_files()
        .field(Field::text("alias", "Name").value(&given("alias")).required().max(128))
        .field(
            Field::url("endpoint", "Backend")
                .value(&given("endpoint"))
                .required()
                .hint("As in https://backend.example.com:8443."),
        )
        .field(Field::file("certificate", "Certificate", ".pem,.crt,.cer,.der").required().hint("PEM or DER."))
        .quiet();
    let page = here
        .page("Certificates")
        .lead("Those that backends are trusted by, and those that callers show.")
        .faulty(!faults.is_empty())
        .heading("Backends", "They are the tenant's: every API with the same backend trusts them.")
        .add(&table)
        .add(&form);
    clients(here, page).await
}

/// Certificates of callers, where the API asks for them.
async fn clients(here: &Here, page: Page) -> Result<Page, PageError> {
    let page =
        page.heading("Callers", "Callers that show one of these are let in without a token, under its business plan.");
    if !here.api.texts("securityScheme").contains(&"mutualssl") {
        let empty =
            Empty::new("Callers show no certificate", "Choose client certificates as a sign-in of callers first.");
        return Ok(page.add(&empty.action("Plans and access", here.path("access"))));
    }
    let columns = ["Name", "Keys", "Plan"].map(Column::new).into_iter().chain([Column::actions()]);
    let mut table = Table::new("Certificates of callers", columns.collect())
        .empty(Empty::new("No certificates of callers", "Nobody comes in by a certificate yet."));
    for one in here.portal.control.client_certificates(&here.actor, here.id, ("", "")).await? {
        let (alias, kind) = (text(&one, "alias"), text(&one, "keyType"));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("alias", alias)
            .append_pair("kind", kind)
            .finish();
        table.row(vec![
            Html::text(alias),
            Html::text(kind.to_lowercase()),
            Html::text(text(&one, "tier")),
            Link::html(format!("Delete {alias}"), format!("{}?{query}", here.path("certificates/callers/delete"))),
        ]);
    }
    let plans = here.api.plans().into_iter();
    let plans = plans.fold(Field::select("tier", "Plan").option("Unlimited", "Unlimited"), |field, plan| {
        if plan == "Unlimited" { field } else { field.option(plan, plan) }
    });
    let form = Form::new(&here.frame.csrf, here.path("certificates/callers"), "Add caller")
        .with_files()
        .field(Field::text("alias", "Name").id("caller-alias").required().max(128))
        .field(
            Field::radios("kind", "Keys")
                .value("PRODUCTION")
                .option("PRODUCTION", "Production")
                .option("SANDBOX", "Sandbox"),
        )
        .field(plans)
        .field(Field::file("certificate", "Certificate", ".pem,.crt,.cer,.der").id("caller-certificate").required())
        .quiet();
    Ok(page.add(&table).add(&form))
}

/// Adds a certificate of a caller.
pub(super) async fn add_caller(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "certificates").await?;
    let parts = call.multipart().await?;
    let given = |name: &str| parts.texts.get(name).map_or("", |t| t.trim());
    let bytes = parts.files.get("certificate").map(|f| f.bytes.clone()).unwrap_or_default();
    let what = (given("kind"), given("alias"), given("tier"));
    match portal.control.add_client_certificate(&here.actor, here.id, what, &bytes).await {
        Ok(_) => here.done("certificates", &format!("{} was added.", given("alias"))),
        Err(error) => {
            let faults = Faults::of(error)?;
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page(&here, &|_| String::new(), &faults).await?)
        }
    }
}

/// The list and the form.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "certificates").await?;
    let endpoint =
        here.api.get("endpointConfig").and_then(|c| c.get("production_endpoints")).map(|e| text(e, "url").to_owned());
    let given = |name: &str| if name == "endpoint" { endpoint.clone().unwrap_or_default() } else { String::new() };
    here.frame.answer(page(&here, &given, &Faults::none()).await?)
}

/// Adds one.
pub(super) async fn add(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "certificates").await?;
    let parts = call.multipart().await?;
    let given = |name: &str| parts.texts.get(name).map(|t| t.trim().to_owned()).unwrap_or_default();
    let mut faults = Faults::none();
    match parts.files.get("certificate").filter(|f| !f.bytes.is_empty()) {
        None => faults.add("certificate", "Choose the file of the certificate."),
        Some(file) => {
            let (alias, endpoint) = (given("alias"), given("endpoint"));
            let added = portal.control.add_endpoint_certificate(&here.actor, &alias, &endpoint, &file.bytes).await;
            match added {
                Ok(_) => return here.done("certificates", &format!("{} was added.", given("alias"))),
                Err(error) => faults = Faults::of(error)?,
            }
        }
    }
    here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page(&here, &given, &faults).await?)
}

/// The question before one is removed.
fn question(here: &Here, alias: &str, (end, kind, loss): (&str, &str, &str)) -> Result<Answer, PageError> {
    let title = format!("Delete {alias}");
    let question = Confirmation::new(&here.frame.csrf, here.path(end), title.clone(), here.path("certificates"))
        .loses(loss)
        .with("alias", alias)
        .with("kind", kind);
    here.frame.answer(here.below(&title, "certificates").narrow().add(&question))
}

/// The question before a backend's is removed.
pub(super) async fn ask_delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "certificates").await?;
    let alias = call.query("alias").unwrap_or_default();
    portal.control.endpoint_certificate(&here.actor, alias).await?;
    let loss = "The trust in this backend: calls to it fail if nothing else vouches for it";
    question(&here, alias, ("certificates/delete", "", loss))
}

/// Removes a backend's.
pub(super) async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "certificates").await?;
    let fields = Fields::of(&call)?;
    portal.control.delete_endpoint_certificate(&here.actor, fields.text("alias")).await?;
    here.done("certificates", &format!("{} was deleted.", fields.text("alias")))
}

/// The question before a caller's is removed.
pub(super) async fn ask_delete_caller(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "certificates").await?;
    let (alias, kind) = (call.query("alias").unwrap_or_default(), call.query("kind").unwrap_or_default());
    if portal.control.client_certificates(&here.actor, here.id, (kind, alias)).await?.is_empty() {
        return Err(crate::pages::gone("There is no such certificate (any more)."));
    }
    question(&here, alias, ("certificates/callers/delete", kind, "The way in for callers who show this certificate"))
}

/// Removes a caller's.
pub(super) async fn delete_caller(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "certificates").await?;
    let fields = Fields::of(&call)?;
    let (alias, kind) = (fields.text("alias"), fields.text("kind"));
    portal.control.delete_client_certificate(&here.actor, here.id, (kind, alias)).await?;
    here.done("certificates", &format!("{alias} was deleted."))
}
