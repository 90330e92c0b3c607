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
    Ok(here
        .page("Certificates")
        .lead("They are the tenant's: every API with the same backend trusts them.")
        .faulty(!faults.is_empty())
        .add(&table)
        .heading("Add a certificate", "")
        .add(&form))
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
pub(super) async fn ask_delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "certificates").await?;
    let alias = call.query("alias").unwrap_or_default();
    portal.control.endpoint_certificate(&here.actor, alias).await?;
    let question = Confirmation::new(
        &here.frame.csrf,
        here.path("certificates/delete"),
        format!("Delete {alias}"),
        here.path("certificates"),
    )
    .loses("The trust in this backend: calls to it fail if nothing else vouches for it")
    .with("alias", alias);
    here.frame.answer(here.below(&format!("Delete {alias}"), "certificates").narrow().add(&question))
}

/// Removes one.
pub(super) async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "certificates").await?;
    let fields = Fields::of(&call)?;
    portal.control.delete_endpoint_certificate(&here.actor, fields.text("alias")).await?;
    here.done("certificates", &format!("{} was deleted.", fields.text("alias")))
}
