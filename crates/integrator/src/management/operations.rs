//! What changes something, and what is about the server itself.

use std::fmt::Write as _;
use std::sync::Arc;

use http::StatusCode;
use model::Secret;
use serde::Deserialize;
use serde_json::json;
use synapse::host::Level;
use web::{Answer, Call, Credentials, Permit, RestError};

use super::accounts::{Refused, check_password};
use super::{MANAGE, Management};
use crate::deploy::{DeployError, DeployReport};
use crate::sql::SqlError;
use crate::switches::{LEVELS, LOGGER};

type Result = std::result::Result<Answer, RestError>;

impl Management {
    /// Address of this integrator's services.
    pub(super) fn address(&self) -> String {
        let settings = self.integrator.context().settings();
        match (settings.https_port, settings.http_port) {
            (_, Some(port)) => format!("http://{}:{port}", settings.host_name),
            (Some(port), None) => format!("https://{}:{port}", settings.host_name),
            (None, None) => format!("http://{}", settings.host_name),
        }
    }
}

fn said(message: String) -> Answer {
    web::json(StatusCode::OK, &json!({ "message": message }))
}

fn broken(error: &SqlError) -> RestError {
    RestError::internal(error.to_string())
}

fn audited(permit: &Permit, what: &str, on: &str) {
    tracing::info!(target: "integrator::audit", user = permit.principal().user, action = what, subject = on, "management");
}

pub(super) async fn login(management: Arc<Management>, call: Call) -> Result {
    let Some(Credentials::Basic { username, password }) = Credentials::from_headers(&call.headers) else {
        return Err(RestError::unauthorized("Send user name and password with Basic authentication."));
    };
    match management.accounts.log_in(&username, &password).await {
        Ok(token) => Ok(web::json(StatusCode::OK, &json!({ "AccessToken": token }))),
        Err(Refused::Wrong) => Err(RestError::unauthorized("The user name or the password is wrong.")),
        Err(Refused::Later) => Err(RestError::new(
            StatusCode::TOO_MANY_REQUESTS,
            429,
            "Too Many Requests",
            "There were too many failed attempts. Try again in five minutes.",
        )),
        Err(Refused::Unavailable) => Err(RestError::unavailable("the users of the management API cannot be read")),
    }
}

pub(super) async fn logout(management: Arc<Management>, _: Permit, call: Call) -> Result {
    if let Some(Credentials::Bearer(token)) = Credentials::from_headers(&call.headers) {
        management.accounts.log_out(token.expose());
    }
    Ok(said("Logged out.".to_owned()))
}

pub(super) async fn server(management: Arc<Management>, _: Permit, _: Call) -> Result {
    let settings = management.integrator.context().settings();
    let told = json!({
        "productName": "Portcullis Integrator",
        "productVersion": env!("CARGO_PKG_VERSION"),
        "osName": std::env::consts::OS,
        "workDirectory": settings.tree.root(),
        "startTime": management.started.rfc3339(),
        "upTimeSeconds": management.clock.now().since(management.started).as_secs(),
    });
    Ok(web::json(StatusCode::OK, &told))
}

pub(super) async fn transactions(management: Arc<Management>, _: Permit, _: Call) -> Result {
    let count = management.integrator.context().exchanges();
    Ok(web::json(StatusCode::OK, &json!({ "since": management.started.rfc3339(), "transactionCount": count })))
}

/// A value inside of quotes of the exposition format.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

pub(super) async fn metrics(management: Arc<Management>, _: Permit, _: Call) -> Result {
    let integrator = &management.integrator;
    let mut out = String::from("# TYPE wso2_integration_exchanges_total counter\n");
    let _ = writeln!(out, "wso2_integration_exchanges_total {}", integrator.context().exchanges());
    out.push_str("# TYPE wso2_integration_store_messages gauge\n");
    for store in integrator.stores().await {
        if let Some(messages) = store.messages {
            let _ = writeln!(out, "wso2_integration_store_messages{{store=\"{}\"}} {messages}", label(&store.name));
        }
    }
    out.push_str("# TYPE wso2_integration_processor_active gauge\n");
    for processor in integrator.processors() {
        let active = u8::from(processor.active);
        let _ = writeln!(out, "wso2_integration_processor_active{{processor=\"{}\"}} {active}", label(&processor.name));
    }
    out.push_str("# TYPE wso2_integration_task_runs_total counter\n");
    for task in integrator.tasks() {
        let _ = writeln!(out, "wso2_integration_task_runs_total{{task=\"{}\"}} {}", label(&task.name), task.runs);
    }
    Ok(web::text(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", out))
}

pub(super) async fn users(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let users = management.accounts.all().await.map_err(|error| broken(&error))?;
    let role = call.query("role");
    let pattern = call.query("pattern").unwrap_or_default().trim_matches('*').to_owned();
    let fits = users.iter().filter(|user| user.name.contains(&pattern) && (role != Some("admin") || user.is_admin));
    let list: Vec<_> = fits.map(|user| json!({ "userId": user.name })).collect();
    Ok(web::json(StatusCode::OK, &json!({ "count": list.len(), "list": list })))
}

pub(super) async fn user(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let name = call.path("user")?;
    let found = management.accounts.find(name).await.map_err(|error| broken(&error))?;
    let Some(user) = found else { return Err(RestError::not_found(format!("There is no user {name:?}."))) };
    let roles = if user.is_admin { vec!["admin"] } else { Vec::new() };
    Ok(web::json(StatusCode::OK, &json!({ "userId": user.name, "isAdmin": user.is_admin, "roles": roles })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewUser {
    user_id: String,
    password: String,
    #[serde(default)]
    is_admin: serde_json::Value,
}

pub(super) async fn add_user(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let NewUser { user_id, password, is_admin } = call.json()?;
    let password = Secret::new(password);
    let valid =
        (1..=100).contains(&user_id.len()) && user_id.chars().all(|c| c.is_alphanumeric() || "._-@".contains(c));
    if !valid {
        return Err(RestError::bad_request("userId has 1 to 100 letters, digits and . _ - @."));
    }
    check_password(&user_id, password.expose())
        .map_err(|reason| RestError::bad_request(format!("The password {reason}.")))?;
    if management.accounts.find(&user_id).await.map_err(|error| broken(&error))?.is_some() {
        return Err(RestError::conflict(format!("There is a user {user_id:?} already.")));
    }
    // WSO2's clients send the truth value as text.
    let is_admin = is_admin.as_bool().unwrap_or_else(|| is_admin.as_str() == Some("true"));
    management.accounts.save(&user_id, &password, is_admin).await.map_err(|error| broken(&error))?;
    audited(&permit, "add user", &user_id);
    Ok(web::json(StatusCode::OK, &json!({ "userId": user_id, "status": "Added" })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPassword {
    new_password: String,
    #[serde(default)]
    old_password: String,
    #[serde(default)]
    confirm_password: Option<String>,
}

pub(super) async fn password(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let name = call.path("user")?;
    let NewPassword { new_password, old_password, confirm_password } = call.json()?;
    let (new_password, old_password) = (Secret::new(new_password), Secret::new(old_password));
    let own = permit.principal().user == name;
    if !own && !permit.allows(MANAGE) {
        return Err(RestError::forbidden("You may change your own password."));
    }
    let found = management.accounts.find(name).await.map_err(|error| broken(&error))?;
    let Some(user) = found else { return Err(RestError::not_found(format!("There is no user {name:?}."))) };
    if user.configured {
        return Err(configured());
    }
    if own && management.accounts.log_in(name, &old_password).await.is_err() {
        return Err(RestError::forbidden("oldPassword is wrong."));
    }
    if confirm_password.is_some_and(|again| again != *new_password.expose()) {
        return Err(RestError::bad_request("confirmPassword is not newPassword."));
    }
    check_password(name, new_password.expose())
        .map_err(|reason| RestError::bad_request(format!("The password {reason}.")))?;
    management.accounts.save(name, &new_password, user.is_admin).await.map_err(|error| broken(&error))?;
    audited(&permit, "change password", name);
    Ok(web::json(StatusCode::OK, &json!({ "userId": name, "status": "Password updated" })))
}

/// Guideline M02: super admins are changed in the configuration.
fn configured() -> RestError {
    RestError::forbidden("This user is a super admin of the configuration, and is changed there (M02).")
}

pub(super) async fn delete_user(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let name = call.path("user")?;
    let found = management.accounts.find(name).await.map_err(|error| broken(&error))?;
    let Some(user) = found else { return Err(RestError::not_found(format!("There is no user {name:?}."))) };
    if user.configured {
        return Err(configured());
    }
    if permit.principal().user == name {
        return Err(RestError::conflict("You cannot delete the user that you are logged in as."));
    }
    management.accounts.delete(name).await.map_err(|error| broken(&error))?;
    audited(&permit, "delete user", name);
    Ok(web::json(StatusCode::OK, &json!({ "userId": name, "status": "Deleted" })))
}

pub(super) async fn roles(_: Arc<Management>, _: Permit, _: Call) -> Result {
    Ok(web::json(StatusCode::OK, &json!({ "count": 1, "list": [{ "role": "admin" }] })))
}

pub(super) async fn role(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let name = call.path("role")?;
    if name != "admin" {
        return Err(RestError::not_found(format!("There is no role {name:?}.")));
    }
    let users = management.accounts.all().await.map_err(|error| broken(&error))?;
    let names: Vec<String> = users.into_iter().filter(|user| user.is_admin).map(|user| user.name).collect();
    Ok(web::json(StatusCode::OK, &json!({ "role": name, "users": names })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Assignment {
    user_id: String,
    #[serde(default)]
    added_roles: Vec<String>,
    #[serde(default)]
    removed_roles: Vec<String>,
}

pub(super) async fn assign(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let Assignment { user_id, added_roles, removed_roles } = call.json()?;
    if let Some(other) = added_roles.iter().chain(&removed_roles).find(|role| *role != "admin") {
        return Err(RestError::bad_request(format!("There is no role {other:?}.")));
    }
    let found = management.accounts.find(&user_id).await.map_err(|error| broken(&error))?;
    let Some(user) = found else { return Err(RestError::not_found(format!("There is no user {user_id:?}."))) };
    if user.configured {
        return Err(configured());
    }
    let is_admin = (user.is_admin || !added_roles.is_empty()) && removed_roles.is_empty();
    management.accounts.assign(&user_id, is_admin).await.map_err(|error| broken(&error))?;
    audited(&permit, "assign roles", &user_id);
    Ok(web::json(StatusCode::OK, &json!({ "userId": user_id, "status": "Added/removed the roles" })))
}

fn told(report: &DeployReport) -> serde_json::Value {
    let refused: Vec<_> = report
        .refused
        .iter()
        .map(|refusal| {
            let faults: Vec<String> =
                refusal.faults.iter().map(|fault| format!("{}:{}: {}", fault.path, fault.line, fault.what)).collect();
            json!({ "file": refusal.path, "faults": faults })
        })
        .collect();
    json!({ "deployed": report.deployed, "removed": report.removed, "refused": refused })
}

fn refused(error: DeployError) -> RestError {
    match error {
        DeployError::Name(_) => RestError::bad_request(error.to_string()),
        DeployError::Unknown(_) => RestError::not_found(error.to_string()),
        DeployError::Refused(faults) => {
            let mut answer =
                RestError::bad_request("The application is not deployed. What was deployed is deployed still.");
            for fault in faults.into_iter().take(100) {
                answer =
                    answer.with_item("deploy", format!("{}:{}: {}", fault.path, fault.line, fault.what), fault.hint);
            }
            answer
        }
        DeployError::Storage { .. } => RestError::internal(error.to_string()),
    }
}

pub(super) async fn deploy(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let form = call.multipart().await?;
    let Some((_, file)) = form.files.into_iter().next() else {
        return Err(RestError::bad_request("Send the .car file as a part of a multipart form."));
    };
    let report = management.integrator.deploy(&file.file_name, &file.bytes).await.map_err(refused)?;
    audited(&permit, "deploy application", &file.file_name);
    let message = format!("Successfully added Carbon Application : {}", file.file_name);
    Ok(web::json(StatusCode::OK, &json!({ "message": message, "report": told(&report) })))
}

pub(super) async fn undeploy(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let name = call.path("name")?;
    let report = management.integrator.undeploy(name).await.map_err(refused)?;
    audited(&permit, "undeploy application", name);
    let message = format!("Successfully removed Carbon Application : {name}");
    Ok(web::json(StatusCode::OK, &json!({ "message": message, "report": told(&report) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    name: String,
    status: String,
}

/// Name, and whether it is to be active.
fn switch(call: &Call) -> std::result::Result<(String, bool), RestError> {
    let Switch { name, status } = call.json()?;
    match status.as_str() {
        "active" => Ok((name, true)),
        "inactive" => Ok((name, false)),
        other => Err(RestError::bad_request(format!("status is active or inactive, not {other:?}."))),
    }
}

fn switched(permit: &Permit, kind: &str, name: &str, active: bool) -> Answer {
    let state = if active { "activated" } else { "deactivated" };
    audited(permit, state, name);
    said(format!("{kind} : {name} is {state}"))
}

pub(super) async fn switch_endpoint(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let (name, active) = switch(&call)?;
    let Some(endpoint) = management.integrator.current().configuration.endpoint(&name) else {
        return Err(RestError::not_found(format!("There is no endpoint {name:?}.")));
    };
    if active {
        endpoint.revive();
    }
    management.integrator.context().switches().endpoint(&name, active);
    Ok(switched(&permit, "Endpoint", &name, active))
}

pub(super) async fn switch_task(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let (name, active) = switch(&call)?;
    if !management.integrator.pause_task(&name, !active) {
        return Err(RestError::not_found(format!("There is no task {name:?}.")));
    }
    Ok(switched(&permit, "Task", &name, active))
}

pub(super) async fn switch_processor(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let (name, active) = switch(&call)?;
    match management.integrator.activate_processor(&name, active).await {
        Ok(true) => Ok(switched(&permit, "Message processor", &name, active)),
        Ok(false) => Err(RestError::not_found(format!("There is no message processor {name:?}."))),
        Err(reason) => Err(RestError::internal(reason)),
    }
}

pub(super) async fn logging(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let level = management.integrator.context().switches().level_name();
    let one = json!({ "name": LOGGER, "componentName": LOGGER, "level": level });
    match call.query("loggerName") {
        None => Ok(web::json(StatusCode::OK, &json!({ "count": 1, "list": [one] }))),
        Some(LOGGER) => Ok(web::json(StatusCode::OK, &one)),
        Some(other) => Err(RestError::not_found(format!("There is no logger {other:?}; there is {LOGGER}."))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewLevel {
    logger_name: String,
    logging_level: String,
}

pub(super) async fn change_logging(management: Arc<Management>, permit: Permit, call: Call) -> Result {
    let NewLevel { logger_name, logging_level } = call.json()?;
    if logger_name != LOGGER {
        return Err(RestError::not_found(format!("There is no logger {logger_name:?}; there is {LOGGER}.")));
    }
    let level: Option<Level> = LEVELS.iter().find(|(name, _)| *name == logging_level).map(|(_, level)| *level);
    let Some(level) = level else {
        return Err(RestError::bad_request("loggingLevel is TRACE, DEBUG, INFO, WARN, ERROR or FATAL."));
    };
    management.integrator.context().switches().set_level(level);
    audited(&permit, "change level", &logging_level);
    Ok(said(format!("Successfully updated the log level of {logger_name} to {logging_level}")))
}
