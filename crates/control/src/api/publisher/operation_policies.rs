//! Operation policies: the catalogue and what tenants add.

use std::sync::Arc;

use http::{StatusCode, header};
use serde_json::{Value, json as object};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json, no_content, text, with_header};

use super::{CREATE, VIEW, api_id};
use crate::api::page::Page;
use crate::archive::{Files, read_zip, write_zip};
use crate::{Actor, Control, ControlError};

const MANAGE: &[&str] = &["apim:common_operation_policy_manage"];
const READ: &[&str] = &["apim:common_operation_policy_view", "apim:common_operation_policy_manage", "apim:api_view"];
const EXCHANGE: &[&str] = &["apim:policies_import_export"];
const ALL: &str = "/api/am/publisher/v4/operation-policies";
const ONE: &str = "/api/am/publisher/v4/operation-policies/{operationPolicyId}";
const OF_API: &str = "/api/am/publisher/v4/apis/{apiId}/operation-policies";
const ONE_OF_API: &str = "/api/am/publisher/v4/apis/{apiId}/operation-policies/{operationPolicyId}";

pub(super) fn routes() -> RouteTable<Control> {
    let base = Operation::new;
    RouteTable::new()
        .guarded(base("publisher.operation-policies.list", "GET", ALL, "List the common policies."), READ, list)
        .guarded(base("publisher.operation-policies.create", "POST", ALL, "Add a common policy."), MANAGE, create)
        .guarded(base("publisher.operation-policies.get", "GET", ONE, "Read a common policy."), READ, get)
        .guarded(base("publisher.operation-policies.delete", "DELETE", ONE, "Remove a common policy."), MANAGE, delete)
        .guarded(
            base(
                "publisher.operation-policies.export",
                "GET",
                "/api/am/publisher/v4/operation-policies/export",
                "Export a common policy (name, version, format).",
            ),
            EXCHANGE,
            export,
        )
        .guarded(
            base(
                "publisher.operation-policies.import",
                "POST",
                "/api/am/publisher/v4/operation-policies/import",
                "Import a common policy.",
            ),
            EXCHANGE,
            import,
        )
        .guarded(
            base("publisher.apis.operation-policies.list", "GET", OF_API, "List the policies an API may use."),
            VIEW,
            list_of_api,
        )
        .guarded(
            base("publisher.apis.operation-policies.create", "POST", OF_API, "Add a policy to an API."),
            CREATE,
            create_for_api,
        )
        .guarded(
            base("publisher.apis.operation-policies.get", "GET", ONE_OF_API, "Read a policy of an API."),
            VIEW,
            get_of_api,
        )
        .guarded(
            base("publisher.apis.operation-policies.delete", "DELETE", ONE_OF_API, "Remove a policy of an API."),
            CREATE,
            delete_of_api,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = everything(&call)?;
    Ok(json(StatusCode::OK, &page.answer(control.common_policies(&Actor::of(&permit)).await?)))
}

async fn list_of_api(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = everything(&call)?;
    Ok(json(StatusCode::OK, &page.answer(control.api_policies(&Actor::of(&permit), api_id(&call)?).await?)))
}

/// WSO2 lists all policies unless a limit is given.
fn everything(call: &Call) -> Result<Page, RestError> {
    Page::with_default(call, 1000)
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let found = control.operation_policy(&Actor::of(&permit), None, call.path("operationPolicyId")?).await?;
    Ok(json(StatusCode::OK, &found))
}

async fn get_of_api(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = Some(api_id(&call)?);
    let found = control.operation_policy(&Actor::of(&permit), id, call.path("operationPolicyId")?).await?;
    Ok(json(StatusCode::OK, &found))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    add(&control, &Actor::of(&permit), &call, None).await
}

async fn create_for_api(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    add(&control, &Actor::of(&permit), &call, Some(api_id(&call)?)).await
}

async fn add(control: &Control, actor: &Actor, call: &Call, api: Option<model::ApiId>) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let specification = form
        .text("policySpecFile")
        .ok_or_else(|| RestError::bad_request("Send the specification as policySpecFile."))?;
    let template = form.text("synapsePolicyDefinitionFile").or_else(|| form.text("ccPolicyDefinitionFile"));
    let template =
        template.ok_or_else(|| RestError::bad_request("Send the template as synapsePolicyDefinitionFile."))?;
    let made = control.create_operation_policy(actor, api, specification.as_bytes(), template.as_bytes()).await?;
    let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
    Ok(created(&format!("{ALL}/{id}"), &made))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.delete_operation_policy(&Actor::of(&permit), None, call.path("operationPolicyId")?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn delete_of_api(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = Some(api_id(&call)?);
    control.delete_operation_policy(&Actor::of(&permit), id, call.path("operationPolicyId")?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn export(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let (name, version) = (call.query("name").unwrap_or_default(), call.query("version").unwrap_or_default());
    let (data, template) = control.operation_policy_files(&Actor::of(&permit), name, version).await?;
    let whole = object!({"type": "operation_policy_specification", "version": "v4.7.0", "data": data});
    let as_json = call.query("format").is_some_and(|f| f.eq_ignore_ascii_case("json"));
    let encoded = if as_json {
        serde_json::to_vec_pretty(&whole).map_err(|e| ControlError::internal(e.to_string()))?
    } else {
        serde_saphyr::to_string(&whole).map_err(|e| ControlError::internal(e.to_string()))?.into_bytes()
    };
    let mut files = Files::new();
    files.insert(format!("{name}/{name}.{}", if as_json { "json" } else { "yaml" }), encoded);
    files.insert(format!("{name}/{name}.j2"), template);
    let answer = text(StatusCode::OK, "application/zip", write_zip(&files)?);
    Ok(with_header(answer, header::CONTENT_DISPOSITION, "attachment; filename=\"policy.zip\""))
}

async fn import(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let file = form.files.get("file").ok_or_else(|| RestError::bad_request("Send the policy as file."))?;
    let bytes = file.bytes.clone();
    let files = control.heavy(move || read_zip(&bytes)).await??;
    let find = |endings: &[&str]| files.iter().find(|(path, _)| endings.iter().any(|e| path.ends_with(e)));
    let specification = find(&[".yaml", ".yml", ".json"])
        .ok_or_else(|| ControlError::invalid("The archive has no specification (.yaml or .json)."))?;
    let template =
        find(&[".j2", ".gotmpl"]).ok_or_else(|| ControlError::invalid("The archive has no template (.j2)."))?;
    let made = control.create_operation_policy(&Actor::of(&permit), None, specification.1, template.1).await?;
    let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
    Ok(created(&format!("{ALL}/{id}"), &made))
}
