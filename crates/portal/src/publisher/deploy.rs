//! Revisions of an API, and the gateways that serve them.

use std::sync::Arc;

use control::DeploymentRequest;
use http::StatusCode;
use serde_json::Value;
use web::{Answer, Call, Fields, Permit};

use super::context::Here;
use super::{text, when};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Badge, Button, Column, Confirmation, Empty, Faults, Field, Form, Html, Link, Page, Table, Tone};

/// The gateway environments a revision can be deployed to.
async fn environments(here: &Here) -> Result<Vec<Value>, PageError> {
    Ok(here.portal.control.gateway_environments(&here.actor).await?)
}

fn deployments(revision: &Value) -> &[Value] {
    revision.get("deploymentInfo").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn number(value: &Value, field: &str) -> u64 {
    value.get(field).and_then(Value::as_u64).unwrap_or_default()
}

/// The state of one deployment in words: how many gateways serve it.
fn state(deployment: &Value) -> Html {
    let (live, done, failed) = (
        number(deployment, "liveGatewayCount"),
        number(deployment, "deployedGatewayCount"),
        number(deployment, "failedGatewayCount"),
    );
    let name = text(deployment, "name");
    if text(deployment, "status") == "CREATED" {
        return Badge::html(format!("{name}: waits for approval"), Tone::Warn);
    }
    match (failed, done == live) {
        (0, true) => Badge::html(format!("{name}: {done} of {live} gateways"), Tone::Ok),
        (0, false) => Badge::html(format!("{name}: {done} of {live} gateways so far"), Tone::Warn),
        _ => Badge::html(format!("{name}: {failed} gateways failed"), Tone::Bad),
    }
}

async fn page(here: &Here, description: &str, faults: &Faults) -> Result<Page, PageError> {
    let revisions = here.portal.control.revisions(&here.actor, here.id, None).await?;
    let environments = environments(here).await?;
    let mut live = Table::new(
        "Deployments",
        vec![
            Column::new("Gateway"),
            Column::new("Host"),
            Column::new("Revision"),
            Column::new("Since"),
            Column::actions(),
        ],
    )
    .empty(
        Empty::new(
            "No gateway serves this API yet",
            "Make a revision of the working copy and choose a gateway for it below.",
        )
        .command(format!("portcullis api publish --name {} --version {}", here.api.name(), here.api.version())),
    );
    for revision in &revisions {
        for deployment in deployments(revision) {
            let name = text(deployment, "name");
            let button = Button::new(&here.frame.csrf, here.path("deploy/undeploy"), "Undeploy")
                .of(format!("{} from {name}", text(revision, "displayName")))
                .with("revision", text(revision, "id"))
                .with("environment", name);
            live.row(vec![
                state(deployment),
                Html::mono(text(deployment, "vhost")),
                Html::text(text(revision, "displayName")),
                Html::muted(when(text(deployment, "deployedTime"))),
                button.html(),
            ]);
        }
    }
    let choice = environments.iter().fold(
        Field::checks("environments", "Deploy it to").hint("None: only keep it."),
        |field, one| {
            field.choice(text(one, "name"), text(one, "displayName"), text(one, "description"), environments.len() == 1)
        },
    );
    let make = Form::new(&here.frame.csrf, here.path("deploy"), "Make revision")
        .faults(faults)
        .field(Field::text("description", "What changed").value(description).max(255).hint("For the list below."))
        .field(choice);
    let mut all = Table::new(
        "Revisions",
        vec![Column::new("Revision"), Column::new("What changed"), Column::new("Made"), Column::actions()],
    )
    .empty(Empty::new(
        "No revisions yet",
        "A revision freezes the working copy. Gateways serve revisions, so changes here disturb nobody.",
    ));
    for revision in revisions.iter().rev() {
        let name = text(revision, "displayName");
        let button = |end: &str, label: &str| {
            Button::new(&here.frame.csrf, here.path(end), label).of(name).with("revision", text(revision, "id"))
        };
        let mut actions = vec![button("deploy/again", "Deploy").html()];
        actions.push(Link::html(
            format!("Restore {name}"),
            format!("{}?revision={}", here.path("deploy/restore"), text(revision, "id")),
        ));
        if deployments(revision).is_empty() {
            actions.push(Link::html(
                format!("Delete {name}"),
                format!("{}?revision={}", here.path("deploy/delete"), text(revision, "id")),
            ));
        }
        all.row(vec![
            Html::text(name),
            Html::text(text(revision, "description")),
            Html::muted(when(text(revision, "createdTime"))),
            Html::join(actions),
        ]);
    }
    Ok(here
        .page("Deployments")
        .lead("Gateways serve revisions: frozen copies of what you work on. There are at most five.")
        .faulty(!faults.is_empty())
        .add(&live)
        .heading("New revision", "")
        .add(&make)
        .heading("Revisions", "")
        .add(&all))
}

/// Deployments, revisions, and the form for another one.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "deploy").await?;
    here.frame.answer(page(&here, "", &Faults::none()).await?)
}

fn requests<'a>(names: impl Iterator<Item = &'a str>) -> Vec<DeploymentRequest> {
    let request = |name: &str| DeploymentRequest {
        environment: name.to_owned(),
        vhost: String::new(),
        display_on_devportal: true,
    };
    names.map(request).collect()
}

/// What became of deployments that were wanted.
fn outcome(made: &[Value], wanted: &[DeploymentRequest]) -> &'static str {
    let waits = |one: &Value| {
        text(one, "status") == "CREATED" && wanted.iter().any(|request| request.environment == text(one, "name"))
    };
    if made.iter().any(waits) { "and waits for an administrator." } else { "and is served now." }
}

/// Makes a revision and deploys it where it is wanted.
pub(super) async fn send(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "deploy").await?;
    let fields = Fields::of(&call)?;
    let description = fields.text("description");
    let wanted = requests(fields.all("environments"));
    let control = &portal.control;
    let made = match control.create_revision(&here.actor, here.id, description).await {
        Ok(made) => made,
        Err(error) => {
            let page = page(&here, description, &Faults::of(error)?).await?;
            return here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page);
        }
    };
    let name = text(&made, "displayName");
    if wanted.is_empty() {
        return here.done("deploy", &format!("{name} was made."));
    }
    match control.deploy_revision(&here.actor, here.id, text(&made, "id"), &wanted).await {
        Ok(made) => here.done("deploy", &format!("{name} was made {}", outcome(&made, &wanted))),
        Err(error) => {
            let mut faults = Faults::of(error)?;
            faults.add("", format!("{name} was made and kept, but it is not served."));
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page(&here, description, &faults).await?)
        }
    }
}

/// Deploys a revision that is there to every gateway that serves the API, or to the first one.
pub(super) async fn again(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "deploy").await?;
    let fields = Fields::of(&call)?;
    let serving = portal.control.deployments(&here.actor, here.id).await?;
    let all = if serving.is_empty() { environments(&here).await?.into_iter().take(1).collect() } else { serving };
    let wanted = requests(all.iter().map(|one| text(one, "name")));
    match portal.control.deploy_revision(&here.actor, here.id, fields.text("revision"), &wanted).await {
        Ok(made) => {
            here.done("deploy", &format!("The revision {}", outcome(&made, &wanted).trim_start_matches("and ")))
        }
        Err(error) => {
            let page = page(&here, "", &Faults::of(error)?).await?;
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page)
        }
    }
}

/// Takes a revision off a gateway.
pub(super) async fn undeploy(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "deploy").await?;
    let fields = Fields::of(&call)?;
    let environment = fields.text("environment").to_owned();
    if environment.is_empty() {
        return Err(web::RestError::bad_request("The form does not say which gateway.").into());
    }
    let name = [environment];
    portal.control.undeploy_revision(&here.actor, here.id, fields.text("revision"), &name).await?;
    here.done("deploy", &format!("{} does not serve this API any more.", name.concat()))
}

/// The question before the working copy or a revision is lost.
async fn ask(
    portal: Arc<Portal>,
    permit: Permit,
    call: Call,
    (end, verb, loss): (&str, &str, &str),
) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "deploy").await?;
    let id = call.query("revision").unwrap_or_default();
    let revision = portal.control.revision(&here.actor, here.id, id).await?;
    let title = format!("{verb} {}", text(&revision, "displayName"));
    let question = Confirmation::new(&here.frame.csrf, here.path(end), title.clone(), here.path("deploy"))
        .loses(loss)
        .with("revision", id);
    here.frame.answer(here.below(&title, "deploy").narrow().add(&question))
}

/// The question before a revision becomes the working copy.
pub(super) async fn ask_restore(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    ask(portal, permit, call, ("deploy/restore", "Restore", "Every change of the working copy that no revision has"))
        .await
}

/// The question before a revision is removed.
pub(super) async fn ask_delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    ask(portal, permit, call, ("deploy/delete", "Delete", "The revision: it cannot be deployed or restored any more"))
        .await
}

/// Makes a revision the working copy.
pub(super) async fn restore(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "deploy").await?;
    portal.control.restore_revision(&here.actor, here.id, Fields::of(&call)?.text("revision")).await?;
    here.done("", "The revision is the working copy now. What gateways serve did not change.")
}

/// Removes a revision.
pub(super) async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "deploy").await?;
    portal.control.delete_revision(&here.actor, here.id, Fields::of(&call)?.text("revision")).await?;
    here.done("deploy", "The revision was deleted.")
}
